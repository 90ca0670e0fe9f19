"""What each command of rgbd-seg does: one file a command, each with add_arguments() and run()."""
