"""Folder layouts of recordings: one reader a file."""
