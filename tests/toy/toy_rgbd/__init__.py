"""A package of somebody else's, with one of everything that rgbd-seg lets others add."""
