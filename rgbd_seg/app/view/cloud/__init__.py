"""The 3D view: a camera that orbits, two ways to draw a frame's points, and the thread that does it."""
