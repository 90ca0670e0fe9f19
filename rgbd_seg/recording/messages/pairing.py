"""Pairs two streams of pictures by the times that the pictures themselves carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHORTEST_REACH_NS = 1e6
_LONE_INTERVAL_NS = 1e8


def nearest_pairs(color: NDArray[np.int64], depth: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of colour and depth that belong together: nearest in time, within half of colour's usual interval.

    Pictures with one and the same time go together in their order.

    Args:
        color: (N,) nanoseconds, never decreasing.
        depth: (M,) nanoseconds, never decreasing.

    Returns:
        Two (K,) arrays of rows, one for each depth picture that has a colour picture.
    """
    after = np.clip(np.searchsorted(color, depth), 0, len(color) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(np.abs(color[before] - depth) < np.abs(color[after] - depth), before, after)
    nearest = np.searchsorted(color, color[nearest])  # The first of those with this time, ...
    same = np.searchsorted(color, color[nearest], side="right") - nearest
    rank = np.arange(len(depth)) - np.searchsorted(depth, depth)
    nearest = nearest + np.minimum(rank, same - 1)  # ... and the second for the second depth picture with its time.
    intervals = np.diff(color)
    intervals = intervals[intervals > 0]
    interval = float(np.median(intervals)) if len(intervals) else _LONE_INTERVAL_NS
    close = np.abs(color[nearest] - depth) <= max(interval / 2, _SHORTEST_REACH_NS)
    return nearest[close], np.flatnonzero(close)
