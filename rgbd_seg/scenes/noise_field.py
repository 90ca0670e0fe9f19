"""Random fields made once and cut at a random place for every frame: a fresh field would cost more than the picture."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIDE = 1024


@lru_cache(maxsize=8)
def _field(number: int, blur_px: float) -> NDArray[np.float32]:
    """Unit-variance Gaussian noise that repeats at its borders: (_SIDE, _SIDE) float32."""
    white = np.random.default_rng([7003, number]).standard_normal((_SIDE, _SIDE), dtype=np.float32)
    if blur_px > 0:
        pad = int(4 * blur_px) + 1
        wrapped = cv2.copyMakeBorder(white, pad, pad, pad, pad, cv2.BORDER_WRAP)
        smooth = cv2.GaussianBlur(wrapped, (0, 0), blur_px)[pad:-pad, pad:-pad]
        white = np.asarray(smooth / smooth.std(), np.float32)
    white.flags.writeable = False
    return white


def noise(rng: np.random.Generator, height: int, width: int, blur_px: float = 0.0) -> NDArray[np.float32]:
    """Gaussian noise with mean 0 and variance 1.

    Args:
        rng: Chooses the place in the field.
        height: Rows.
        width: Columns.
        blur_px: Correlation length; 0 = white.

    Returns:
        (height, width) float32, not to be written to.
    """
    field = _field(round(blur_px * 10), blur_px)
    y, x = (int(v) for v in rng.integers(0, _SIDE, 2))
    if y + height <= _SIDE and x + width <= _SIDE:
        return field[y : y + height, x : x + width]
    rows, columns = (np.arange(y, y + height) % _SIDE), (np.arange(x, x + width) % _SIDE)
    return field[rows[:, None], columns[None, :]]
