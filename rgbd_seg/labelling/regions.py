"""Regions of a frame at every grain, from colour, depth and surface direction together.

Ward's method merges the pieces of a frame (`pieces.py`): the two neighbours whose union loses least come first. A
region's model is one colour and one plane: a white box on a white table stays two regions (two planes), a picture on a
wall too (two colours). A hole in the depth adds nothing to the plane: it goes where its colour goes on.

Merging goes in rounds of mutual nearest neighbours, which gives the tree of the greedy order (Murtagh, 1983), but in
some thirty steps on whole arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.frame import RgbdFrame
from rgbd_seg.labelling.pieces import Pieces, cut, disparity_of, off_plane

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]

# What counts as one unit of difference: levels of CIE Lab (0..255), and disparity in 1 / metre (some three steps of a
# Kinect v1). Tuned on training frames of NYUv2 and mOSD.
_COLOR_SIGMA = 8.0
DISPARITY_SIGMA = 0.01
# A cost by size alone, so that specks of equal colour merge before large areas do.
_SIZE_COST = 0.2
# Surfaces are regions by their plane: colour decides next to nothing, and a merge whose pixels would on average lie
# further off their common plane than one unit is none.
_SURFACE_COLOR_SIGMA = 80.0
_SURFACE_LIMIT = 1.0


@dataclass(frozen=True, eq=False)
class Regions:
    """The tree of one frame's regions.

    Attributes:
        pieces: The finest regions, and their neighbours.
        merges: (n - 1, 2) int64 pairs of pieces (kept, absorbed) in the order of merging.
    """

    pieces: Pieces
    merges: Ids

    @cached_property
    def surfaces(self) -> NDArray[np.int32]:
        """The surface of each piece: (n,) int32. It ends at steps of depth and at creases, not at colours."""
        merges = _merge(self.pieces, _SURFACE_COLOR_SIGMA, _SURFACE_LIMIT)
        return _roots(merges, len(self.pieces))

    def at(self, count: int) -> NDArray[np.int32]:
        """The picture in `count` regions (or as many as there are pieces, if that is less).

        Returns:
            (H, W) int32 region ids, 0..count-1.
        """
        return np.asarray(self.table(count)[self.pieces.map], np.int32)

    def table(self, count: int) -> NDArray[np.int32]:
        """The region of each piece at a grain: (n,) int32, 0..count-1."""
        done = max(0, len(self.pieces) - max(1, count))
        return _roots(self.merges[:done], len(self.pieces))

    def mask(self, x: int, y: int, count: int) -> NDArray[np.bool_]:
        """The region under a pixel (column x, row y) at a grain: (H, W) bool."""
        table = self.table(count)
        return np.asarray((table == table[self.pieces.map[y, x]])[self.pieces.map])


def find_regions(frame: RgbdFrame) -> Regions:
    """Cuts a frame into regions.

    Where depth was not registered to colour, its edges lie beside those of the colour, and colour alone decides.
    """
    depth = frame.depth if frame.calibration.registered else np.zeros_like(frame.depth)
    return regions_of(frame.color, disparity_of(depth, frame.calibration.depth_unit_m))


def regions_of(color: NDArray[np.uint8], disparity: NDArray[np.float32]) -> Regions:
    """Cuts a picture into regions.

    Args:
        color: (H, W, 3) uint8 RGB.
        disparity: (H, W) float32, 1 / metres, 0 = no measurement.
    """
    pieces = cut(color, disparity)
    return Regions(pieces, _merge(pieces, _COLOR_SIGMA))


def _roots(merges: Ids, count: int) -> NDArray[np.int32]:
    """The part of each piece after some merges, numbered without gaps: (n,) int32."""
    parent = np.arange(count)
    parent[merges[:, 1]] = merges[:, 0]
    while True:  # Each round halves the way to the root.
        higher = parent[parent]
        if np.array_equal(higher, parent):
            return np.unique(parent, return_inverse=True)[1].astype(np.int32)
        parent = higher


def _merge(pieces: Pieces, color_sigma: float, limit: float = np.inf) -> Ids:
    """The merges (kept, absorbed) in the order of what they lose.

    Args:
        pieces: What is merged.
        color_sigma: The difference of colour that weighs as much as `DISPARITY_SIGMA` off the common plane.
        limit: Merges that lose more than this for each pixel of the smaller side are left out.

    Returns:
        (k, 2) int64; k is one less than the number of pieces where there is no limit.
    """
    count = len(pieces)
    size, color, plane = pieces.size.copy(), pieces.color.copy(), pieces.plane.copy()
    off = off_plane(plane)
    height = np.zeros(count)
    one, other = pieces.pairs.T
    merges: list[Ids] = []
    heights: list[Floats] = []
    while len(one):
        n, m = size[one], size[other]
        weight = n * m / (n + m)
        color_step = ((color[one] / n[:, None] - color[other] / m[:, None]) ** 2).sum(1)
        plane_step = off_plane(plane[one] + plane[other]) - off[one] - off[other]
        cost = weight * (color_step / color_sigma**2 + _SIZE_COST) + plane_step / DISPARITY_SIGMA**2
        allowed = cost <= (limit + _SIZE_COST) * weight
        if not allowed.all():
            one, other, cost = one[allowed], other[allowed], cost[allowed]
            if not len(one):
                break
        kept, absorbed, lost = _mutual(one, other, cost, count)
        # A merge never counts less than those that it rests on, or a coarse cut would undo a fine one.
        lost = np.maximum(lost, np.maximum(height[kept], height[absorbed]))
        height[kept] = lost
        merges.append(np.stack([kept, absorbed], 1))
        heights.append(lost)
        size[kept] += size[absorbed]
        color[kept] += color[absorbed]
        plane[kept] += plane[absorbed]
        off[kept] = off_plane(plane[kept])
        now = np.arange(count)
        now[absorbed] = kept
        one, other = now[one], now[other]
        pairs = np.unique(np.minimum(one, other) * count + np.maximum(one, other))
        one, other = np.divmod(pairs, count)
        apart = one != other
        one, other = one[apart], other[apart]
    if not merges:
        return np.zeros((0, 2), np.int64)
    return np.concatenate(merges)[np.argsort(np.concatenate(heights), kind="stable")]


def _mutual(one: Ids, other: Ids, cost: Floats, count: int) -> tuple[Ids, Ids, Floats]:
    """The edges that are the cheapest of both their ends, at least one of them, no region twice."""
    # The order of the edges breaks ties, the same way for both ends.
    order = np.argsort(cost, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    best = np.full(count, len(order))
    np.minimum.at(best, one, rank)
    np.minimum.at(best, other, rank)
    mutual = (rank == best[one]) & (rank == best[other])
    return one[mutual], other[mutual], cost[mutual]
