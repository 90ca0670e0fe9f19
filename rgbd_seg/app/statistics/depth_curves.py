"""Curves of one frame's depth: how often each distance occurs, and the depth along a line across the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rgbd_seg.frame import RgbdFrame

_STRIDE = 2
_BIN_M = 0.05  # A structured-light camera's own steps are 3 cm at 4 m: finer bins would be empty in between.
_MOST_BINS = 1000


@dataclass(frozen=True, slots=True)
class Curve:
    """What is drawn.

    Attributes:
        across: Metres of the histogram, or pixels along the line.
        values: Per cent of the pixels, or metres; NaN at holes.
        words: What else is worth knowing, in a line.
    """

    across: Sequence[float]
    values: Sequence[float]
    words: str


def depth_histogram(frame: RgbdFrame) -> Curve:
    """Part of the pixels in per cent for each step of 5 cm; of every second pixel in every second row."""
    counts = frame.depth[::_STRIDE, ::_STRIDE].ravel()
    there = counts[counts > 0]
    if not there.size:
        return Curve((), (), "no depth in this frame")
    unit_m = frame.calibration.depth_unit_m
    bin_m = max(_BIN_M, float(there.max()) * unit_m / _MOST_BINS, unit_m)
    bins = np.bincount((there * (unit_m / bin_m)).astype(np.int64))
    low, middle, high = np.percentile(there, (5, 50, 95)) * unit_m
    holes = 1 - there.size / counts.size
    words = f"half of it within {middle:.2f} m, 90 % between {low:.2f} and {high:.2f} m, {holes:.1%} without depth"
    return Curve(((np.arange(len(bins)) + 0.5) * bin_m).tolist(), (100 * bins / counts.size).tolist(), words)


def line_profile(frame: RgbdFrame, ends: tuple[tuple[int, int], tuple[int, int]]) -> Curve:
    """Depth in metres at every pixel from one (column, row) to another; NaN at holes."""
    (first_u, first_v), (last_u, last_v) = ends
    steps = max(abs(last_u - first_u), abs(last_v - first_v))
    u = np.rint(np.linspace(first_u, last_u, steps + 1)).astype(int).clip(0, frame.width - 1)
    v = np.rint(np.linspace(first_v, last_v, steps + 1)).astype(int).clip(0, frame.height - 1)
    metres = frame.depth[v, u] * frame.calibration.depth_unit_m
    metres = np.where(metres > 0, metres, np.nan)
    length = math.dist(*ends)
    known = metres[~np.isnan(metres)]
    words = "no depth along it"
    if known.size:
        words = f"{known.min():.3f} to {known.max():.3f} m, {1 - known.size / metres.size:.0%} without depth"
    return Curve(np.linspace(0, length, steps + 1).tolist(), metres.tolist(), words)
