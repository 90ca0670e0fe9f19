"""Choosing a source, and its controls."""
