"""A picture of depth, for recordings and cameras that have no colour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: What to say of it.
NO_COLOR = (
    "There is no colour: depth itself is shown in its place, near bright and far dark. Labels of a model that was "
    "trained on colours are guesses here."
)
# Where the picture is black.
_DARK_FROM_M = 8.0


def gray_of_depth(counts: NDArray[np.uint16], unit_m: float) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 of (H, W) uint16 counts: white at 0 m, black from 8 m on and at holes."""
    shades = 255 * (1 - np.minimum(np.arange(65536) * (unit_m / _DARK_FROM_M), 1))
    shades[0] = 0
    return np.repeat(shades.astype(np.uint8)[counts][..., None], 3, axis=2)
