"""The smallest parts of a frame that tools work on: pieces of a watershed, with their colour and their plane.

Disparity (1 / depth) is linear in pixel coordinates on any plane, whatever the camera. The plane of a piece is
therefore a linear fit, and ten sums are all that it needs; they add up when pieces are joined.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]

#: Pieces of a picture; more adds time, fewer cut corners.
PIECES = 3000
# Levels of an 8-bit picture for a disparity of 1 / metre, as the watershed sees it.
_DISPARITY_LEVELS = 120.0
_SMALLEST_STEP = 4


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """The pieces of one frame.

    Attributes:
        map: (H, W) int32, which piece each pixel belongs to, 0..n-1.
        size: (n,) float64, pixels that the sums were taken over.
        color: (n, 3) float64, sums of CIE Lab as OpenCV scales it (0..255).
        plane: (n, 10) float64, sums over the pixels with depth of 1, x, y, xx, xy, yy, w, wx, wy, ww: w is disparity in
            1 / metre, x and y are picture widths from the middle.
        pairs: (E, 2) int64, pieces that touch, the smaller id first.
    """

    map: NDArray[np.int32]
    size: Floats
    color: Floats
    plane: Floats
    pairs: Ids

    def __len__(self) -> int:
        return len(self.size)


def disparity_of(depth: NDArray[np.uint16], depth_unit_m: float) -> NDArray[np.float32]:
    """1 / metres, 0 at holes: (H, W) float32."""
    metres = depth.astype(np.float32) * np.float32(depth_unit_m)
    return np.asarray(np.divide(1.0, metres, out=np.zeros_like(metres), where=metres > 0), np.float32)


def cut(color: NDArray[np.uint8], disparity: NDArray[np.float32]) -> Pieces:
    """Cuts a picture into pieces.

    Args:
        color: (H, W, 3) uint8 RGB.
        disparity: (H, W) float32, 1 / metres, 0 = no measurement.
    """
    lab = np.asarray(cv2.cvtColor(cv2.medianBlur(color, 3), cv2.COLOR_RGB2LAB), np.uint8)
    pieces = _cut(lab, disparity)
    size, colors, plane = _sums(pieces, lab, disparity)
    return Pieces(pieces, size, colors, plane, _neighbours(pieces))


def off_plane(sums: Floats) -> Floats:
    """The sum of squared distances from the best plane, of each row of plane sums: (n,) float64."""
    n, x, y, xx, xy, yy, w, wx, wy, ww = sums.T
    n = np.maximum(n, 1e-9)
    flat = n * 1e-5  # Next to no extent gives no slope instead of any.
    xx, xy, yy = xx - x * x / n + flat, xy - x * y / n, yy - y * y / n + flat
    wx, wy, ww = wx - x * w / n, wy - y * w / n, ww - w * w / n
    explained = (yy * wx * wx - 2 * xy * wx * wy + xx * wy * wy) / (xx * yy - xy * xy)
    return np.asarray(np.maximum(ww - explained, 0), np.float64)


def _cut(lab: NDArray[np.uint8], disparity: NDArray[np.float32]) -> NDArray[np.int32]:
    """The pieces: a watershed over lightness, a mixture of both chroma axes, and disparity."""
    picture = lab.copy()
    chroma = cv2.transform(lab, np.array([[0.0, 1.5, 1.0, 128 - 2.5 * 128]]))  # uint8, saturated.
    picture[..., 1] = chroma
    picture[..., 2] = np.clip(disparity * _DISPARITY_LEVELS, 0, 255)
    slopes = cv2.split(cv2.morphologyEx(picture, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)))
    slope = np.asarray(cv2.max(cv2.max(slopes[0], slopes[1]), slopes[2]), np.uint8)
    height, width = slope.shape
    step = max(_SMALLEST_STEP, round((height * width / PIECES) ** 0.5))
    pieces = np.asarray(cv2.watershed(picture, _seeds(slope, step)), np.int32)
    _close_lines(pieces, picture)
    used = np.unique(pieces, return_inverse=True)[1] if pieces.min() < 1 else pieces - 1
    return np.asarray(used, np.int32).reshape(height, width)


def _seeds(slope: NDArray[np.uint8], step: int) -> NDArray[np.int32]:
    """One marker for each cell of a grid, on the flattest pixel near its middle; never on the border, which is lost."""
    height, width = slope.shape
    rows, columns = (np.arange(min(step // 2, side // 2), side, step) for side in slope.shape)
    y, x = (a.ravel() for a in np.meshgrid(rows, columns, indexing="ij"))
    reach = np.arange(-(step // 3), step // 3 + 1)
    dy, dx = (a.ravel()[:, None] for a in np.meshgrid(reach, reach, indexing="ij"))
    near_y = np.clip(y + dy, min(1, height - 1), max(height - 2, 0))
    near_x = np.clip(x + dx, min(1, width - 1), max(width - 2, 0))
    flattest = slope[near_y, near_x].argmin(0), np.arange(len(y))
    markers = np.zeros(slope.shape, np.int32)
    markers[near_y[flattest], near_x[flattest]] = np.arange(1, len(y) + 1)
    return markers


def _close_lines(pieces: NDArray[np.int32], picture: NDArray[np.uint8]) -> None:
    """Gives the watershed's border pixels to the neighbour that looks most like them, in place."""
    height, width = pieces.shape
    flat, values = pieces.reshape(-1), picture.reshape(-1, 3)
    if not (flat > 0).any():
        flat[:] = 1
    # The frame of the picture is a line too; its neighbours inside come first.
    open_pixels = np.flatnonzero(flat <= 0)
    while len(open_pixels):
        y, x = np.divmod(open_pixels, width)
        own = values[open_pixels].astype(np.int16)
        best = np.full(len(open_pixels), 1000, np.int16)
        winner = np.full(len(open_pixels), -1, np.int32)
        for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            near = np.clip(y + dy, 0, height - 1) * width + np.clip(x + dx, 0, width - 1)
            apart = np.abs(values[near] - own).T
            difference = np.maximum(np.maximum(apart[0], apart[1]), apart[2])
            difference[flat[near] <= 0] = 1000
            better = difference < best
            best[better] = difference[better]
            winner[better] = flat[near[better]]
        flat[open_pixels] = winner
        open_pixels = open_pixels[winner <= 0]


@lru_cache(maxsize=4)
def _coordinates(height: int, width: int) -> tuple[Floats, ...]:
    """x, y, xx, xy, yy of every second row, in picture widths from the middle: five (N,) float64."""
    y, x = np.mgrid[0:height:2, 0:width]
    x = ((x - width / 2) / width).ravel()
    y = ((y - height / 2) / width).ravel()
    return x, y, x * x, x * y, y * y


def _sums(
    pieces: NDArray[np.int32], lab: NDArray[np.uint8], disparity: NDArray[np.float32]
) -> tuple[Floats, Floats, Floats]:
    """Pixels, colour sums and plane sums of each piece: (n,), (n, 3), (n, 10). Every second row is enough."""
    count = int(pieces.max()) + 1
    ids, colors = pieces[::2].ravel(), lab[::2].reshape(-1, 3)
    size = np.bincount(ids, minlength=count).astype(np.float64)
    color = np.stack([np.bincount(ids, colors[:, i], count) for i in range(3)], 1).astype(np.float64)
    empty = size == 0  # A piece within one odd row.
    size[empty] = 1
    color[empty] = 128
    w = disparity[::2].ravel()
    known = np.flatnonzero(w)
    ids, w = ids[known], w[known].astype(np.float64)
    x, y, xx, xy, yy = (values[known] for values in _coordinates(*pieces.shape))
    terms = (None, x, y, xx, xy, yy, w, w * x, w * y, w * w)
    plane = np.stack([np.bincount(ids, term, count).astype(np.float64) for term in terms], 1)
    return size, color, plane


def _neighbours(pieces: NDArray[np.int32]) -> Ids:
    """Pairs of pieces that touch, the smaller id first, each once: (E, 2) int64."""
    count = int(pieces.max()) + 1
    found = []
    for a, b in ((pieces[:, :-1], pieces[:, 1:]), (pieces[:-1], pieces[1:])):
        differ = a != b
        one, other = a[differ].astype(np.int64), b[differ].astype(np.int64)
        found.append(np.minimum(one, other) * count + np.maximum(one, other))
    return np.stack(np.divmod(np.unique(np.concatenate(found)), count), 1)
