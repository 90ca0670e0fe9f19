"""Depth counts in another unit, exactly where that is possible."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


def is_multiple(unit_m: float, wanted_m: float) -> bool:
    """Whether every count of a unit is a whole number of counts of another, so that nothing is rounded."""
    return _ratio(unit_m, wanted_m).denominator == 1


def _ratio(unit_m: float, wanted_m: float) -> Fraction:
    # The units are decimal fractions that floats only approach: 0.001 / 0.0002 must be 5.
    return Fraction(unit_m).limit_denominator(10**9) / Fraction(wanted_m).limit_denominator(10**9)


def change_unit(depth: NDArray[np.uint16], unit_m: float, wanted_m: float) -> tuple[NDArray[np.uint16], int]:
    """Converts counts of one unit to counts of another, rounding half up.

    Args:
        depth: (H, W) uint16 counts, 0 = no return.
        unit_m: Metres per count.
        wanted_m: Metres per count of the result.

    Returns:
        (H, W) uint16 counts, and how many pixels had a return but do not fit: beyond 65535 they become holes, and
        what would round to 0 becomes 1.
    """
    ratio = _ratio(unit_m, wanted_m)
    if ratio == 1:
        return depth, 0
    counts = np.arange(65536, dtype=np.uint64)
    up, down = ratio.numerator, ratio.denominator
    if max(up, down) < 2**40:
        table = (counts * np.uint64(2 * up) + np.uint64(down)) // np.uint64(2 * down)
    else:  # Units without a short fraction.
        table = np.round(counts * float(ratio)).astype(np.uint64)
    too_far = table > 65535
    table[1:][table[1:] == 0] = 1
    table[too_far] = 0
    lost = int(np.count_nonzero(too_far[depth]))
    return table.astype(np.uint16)[depth], lost
