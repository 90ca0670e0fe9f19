"""Random fields made once and cut at a random place for every frame: a fresh field would cost more than the picture."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

_SIDE = 1024
Number = TypeVar("Number", bound=np.generic)


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
    return cut(field, rng, height, width)


def cut(field: NDArray[Number], rng: np.random.Generator, height: int, width: int) -> NDArray[Number]:
    """A random (height, width) piece of a field that repeats at its borders; a view where it fits without repeating."""
    rows, columns = field.shape[:2]
    y, x = int(rng.integers(max(rows - height, 0) + 1)), int(rng.integers(max(columns - width, 0) + 1))
    if y + height <= rows and x + width <= columns:
        return field[y : y + height, x : x + width]
    piece: NDArray[Number] = field[np.arange(y, y + height)[:, None] % rows, np.arange(x, x + width)[None, :] % columns]
    return piece
