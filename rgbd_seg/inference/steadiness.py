"""What smoothing takes for noise and what for a change: the figures that PyTorch's graph and the portable one share."""

# Standard deviation of a structured-light camera's depth: 1.2 mm + 1.9 mm (z - 0.4 m)^2 at z metres (Nguyen, Izadi and
# Lovell, "Modeling Kinect Sensor Noise for Improved 3D Reconstruction and Tracking", 2012). Stereo cameras have more:
# five of them may pass, 3 cm at 2 m.
NOISE_M = (0.0012, 0.0019, 0.4)
NOISE_SIGMAS = 5.0
# A mean difference of the normalised colour channels that leaves a weight of 1/e; 0.4 is about 23 of 255 levels.
COLOR_TOLERANCE = 0.4
# Whether the camera moves is decided by an 8 x 8 grid of tiles: one of them is steady if its colours agree (from the
# first number on a little, from the second on wholly), and the more of the picture is steady, the more is kept. On
# the synthetic rooms all of it is steady for a standing camera, 0.27 to 0.63 for one that walks at 0.35 m/s and
# 30 frames/s, so that somebody who walks through a standing camera's picture does not make the rest of it flicker.
TILES = 8
STEADY_TILE = (0.88, 0.96)
STEADY_PICTURE = (0.65, 0.85)
SMALLEST_PROBABILITY = 1e-7  # A float16 device still knows this number; the logarithm of 0 would spread.
