"""MCAP files: our own format, and Foxglove's pictures from other programs."""
