"""Training from the window: a run is a process of its own, known to the window by the files in its folder only."""
