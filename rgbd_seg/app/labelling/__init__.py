"""Label mode: the pen in the window."""
