"""Scores of models on labelled frames in the window: by class, with confusion, and the worst frames as pictures."""
