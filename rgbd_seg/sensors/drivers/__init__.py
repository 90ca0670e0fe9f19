"""One source of frames a file: cameras, recordings, and the synthetic room."""
