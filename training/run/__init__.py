"""One run: its command line, what happens beside the steps, its checkpoints, its end."""
