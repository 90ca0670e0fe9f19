"""The version of the program, and nothing else: modules that need it import nothing of the rest with it."""

__version__ = "0.1.0"
