"""The list of classes in view, and label sets."""
