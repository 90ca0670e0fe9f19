"""The kinds of pictures that a view can show, and what its menu calls them; `pictures.py` makes each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rgbd_seg.frame import TruthOrigin

ViewKind = Literal[
    "overlay",
    "color",
    "depth",
    "infrared",
    "labels",
    "confidence",
    "truth",
    "recorded",
    "error",
    "cloud",
    "second",
    "wipe",
    "difference",
]

#: Who made the truth, in words.
TRUTH_WORDS: dict[TruthOrigin, str] = {
    "source": "the source's own labels",
    "hand": "labels made by hand",
    "imported": "labels that came with the data",
}

# In the order of the menu.
VIEW_NAMES: dict[ViewKind, str] = {
    "overlay": "Overlay",
    "color": "Colour",
    "depth": "Depth",
    "infrared": "Infrared",
    "labels": "Segmentation",
    "confidence": "Confidence",
    "truth": "Truth",
    "recorded": "Recorded labels",
    "error": "Errors",
    "cloud": "3D cloud",
    "second": "Second model",
    "wipe": "Wipe between models",
    "difference": "Differences of models",
}
