"""Furniture made of several parts, one family a file; every function takes a random generator and returns a model."""
