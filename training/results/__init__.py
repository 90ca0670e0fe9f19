"""What came of a run: scores on labelled pictures, a report, a model file."""
