"""Live semantic segmentation for RGB-D cameras."""

__version__ = "0.1.0"
