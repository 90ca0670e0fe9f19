"""What the program needs of the system it runs on: a log, private files, a display, other packages."""
