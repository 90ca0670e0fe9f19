"""Choosing a model, and comparing two."""
