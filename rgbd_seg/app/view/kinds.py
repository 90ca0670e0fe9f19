"""The kinds of pictures that a view can show, and what its menu calls them; `pictures.py` makes each."""

from __future__ import annotations

from typing import Literal

ViewKind = Literal[
    "overlay", "color", "depth", "labels", "confidence", "truth", "error", "cloud", "second", "wipe", "difference"
]

# In the order of the menu.
VIEW_NAMES: dict[ViewKind, str] = {
    "overlay": "Overlay",
    "color": "Colour",
    "depth": "Depth",
    "labels": "Segmentation",
    "confidence": "Confidence",
    "truth": "Truth",
    "error": "Errors",
    "cloud": "3D cloud",
    "second": "Second model",
    "wipe": "Wipe between models",
    "difference": "Differences of models",
}
