"""What recordings can be turned into: one format a file."""
