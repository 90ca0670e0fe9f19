"""The views: pictures of a frame and its labels, the grid that they stand in, and the cloud of points."""
