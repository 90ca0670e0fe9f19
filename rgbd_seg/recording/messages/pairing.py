"""Pairs two streams of pictures by the times that the pictures themselves carry, and says what is left over.

A clock that is set on the way (a device that starts anew, a computer whose date is corrected) is followed: behind the
step times go on as the pictures were recorded, so that their order stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SHORTEST_REACH_NS = 1e6
_LONE_INTERVAL_NS = 1e8
# A step forwards is one that recording did not see: so much, and so many times, longer than it.
_FORWARD_NS, _FORWARD_TIMES = 10e9, 10
# Clocks that are set more often than this are none.
_MOST_STEPS = 50
# With more pictures of one instant than this share, the instants say nothing.
_MOST_EQUAL = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pictures that belong together.

    Attributes:
        color_rows: (K,) rows of colour.
        depth_rows: (K,) rows of depth.
        taken_ns: (K,) when depth was taken, nanoseconds of a clock that never goes back.
        device_ns: (K,) the same as the pictures say it; None where their times are not used.
        farthest_ms: The longest time between the two pictures of a pair.
        notes: What a user should know, in whole sentences.
    """

    color_rows: NDArray[np.int64]
    depth_rows: NDArray[np.int64]
    taken_ns: NDArray[np.int64]
    device_ns: NDArray[np.int64] | None
    farthest_ms: float
    notes: tuple[str, ...]


def pair_up(
    color_log: NDArray[np.int64],
    depth_log: NDArray[np.int64],
    color_stamps: NDArray[np.int64] | None,
    depth_stamps: NDArray[np.int64] | None,
) -> Pairs | None:
    """Brings colour and depth together: by their own times, or by when they were recorded where those say nothing.

    Args:
        color_log: (N,) nanoseconds, when colour was recorded, never decreasing.
        depth_log: (M,) nanoseconds, the same of depth.
        color_stamps: (N,) nanoseconds, when colour was taken by its own account, or None.
        depth_stamps: (M,) the same of depth.

    Returns:
        The pairs; None if there are none.
    """
    notes: list[str] = []
    color_ns, depth_ns, device_ns = color_log, depth_log, None
    color_rows, depth_rows = nearest_pairs(color_log, depth_log)
    if color_stamps is not None and depth_stamps is not None:
        steady, note = _steady(color_log, depth_log, color_stamps, depth_stamps)
        notes += filter(None, [note])
        if steady is not None:
            orders = [np.argsort(one, kind="stable") for one in steady]
            rows = nearest_pairs(*(one[order] for one, order in zip(steady, orders, strict=True)))
            # Two clocks that have nothing to do with each other pair nothing, or by chance.
            if 2 * len(rows[0]) >= len(color_rows):
                color_rows, depth_rows = orders[0][rows[0]], orders[1][rows[1]]
                (color_ns, depth_ns), device_ns = steady, depth_stamps
            else:
                notes.append(
                    "The pictures' own times do not fit each other: they are paired by when they were recorded."
                )
    if not len(color_rows):
        return None
    if device_ns is None:
        added = _lone_in_order(color_log, depth_log, color_rows, depth_rows)
        if len(added):
            color_rows = depth_rows = np.union1d(depth_rows, added)
            apart_ms = float(np.abs(color_log[added] - depth_log[added]).max()) / 1e6
            notes.append(
                f"{_pictures(len(added), 'depth')} {_have(len(added))} the colour picture of the same number, recorded "
                f"up to {apart_ms:.0f} ms apart: there are as many of both, and the neighbours belong together."
            )
    taken_ns = depth_ns[depth_rows]
    farthest_ms = float(np.abs(color_ns[color_rows] - taken_ns).max()) / 1e6
    notes += _left_over(len(color_log), len(depth_log), color_rows)
    equal = int(np.count_nonzero(np.diff(taken_ns) == 0))
    if equal:
        notes.append(f"{_pictures(equal, 'depth')} {_have(equal)} the time of the one before.")
    own_ns = None if device_ns is None else device_ns[depth_rows]
    return Pairs(color_rows, depth_rows, taken_ns, own_ns, farthest_ms, tuple(notes))


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


def _lone_in_order(
    color: NDArray[np.int64],
    depth: NDArray[np.int64],
    color_rows: NDArray[np.int64],
    depth_rows: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Rows of pictures that were recorded too far apart to be a pair by time, but are one by their order.

    A busy computer records one picture late. They are where both streams are equally long, every other pair is of equal
    rows, and no two neighbours lack a partner: else pictures were lost, and a partner would be a guess.
    """
    none = np.zeros(0, np.int64)
    if len(color) != len(depth) or not np.array_equal(color_rows, depth_rows):
        return none
    lone = np.setdiff1d(np.arange(len(depth)), depth_rows)
    return none if np.any(np.diff(lone) == 1) else lone


def _steady(
    color_log: NDArray[np.int64],
    depth_log: NDArray[np.int64],
    color_stamps: NDArray[np.int64],
    depth_stamps: NDArray[np.int64],
) -> tuple[tuple[NDArray[np.int64], NDArray[np.int64]] | None, str]:
    """Both streams' own times without steps; None where they cannot be used; and a sentence if that is unusual."""
    for stamps in (color_stamps, depth_stamps):
        if len(stamps) > 2 and np.count_nonzero(np.diff(np.sort(stamps)) == 0) > _MOST_EQUAL * len(stamps):
            return None, "Most pictures carry one and the same time: they have the times at which they were recorded."
    color_steps, depth_steps = _steps(color_stamps, color_log), _steps(depth_stamps, depth_log)
    if not color_steps and not depth_steps:
        return (color_stamps, depth_stamps), ""
    if len(color_steps) != len(depth_steps) or len(depth_steps) > _MOST_STEPS:
        return None, "The pictures' clock was set on the way: they have the times at which they were recorded."
    color_ns, depth_ns = color_stamps.copy(), depth_stamps.copy()
    jumps_s = []
    for color_row, depth_row in zip(color_steps, depth_steps, strict=True):
        # By depth alone: what both are moved by must be the same, or pairs would drift apart.
        went_ns = depth_log[depth_row] - depth_log[depth_row - 1]
        moved_ns = depth_ns[depth_row - 1] + max(int(went_ns), 1) - depth_ns[depth_row]
        depth_ns[depth_row:] += moved_ns
        color_ns[color_row:] += moved_ns
        jumps_s.append(-moved_ns / 1e9)
    size = abs(jumps_s[0])
    first = f"{size:.{0 if size >= 10 else 2}f} s {'back' if jumps_s[0] < 0 else 'forwards'}"
    times = "" if len(jumps_s) == 1 else f" {len(jumps_s)} times, first"
    return (
        color_ns,
        depth_ns,
    ), f"The pictures' clock was set on the way{times} by {first}: their times go on behind it."


def _steps(stamps: NDArray[np.int64], log: NDArray[np.int64]) -> list[int]:
    """Rows before which a clock was set: from there on it goes on earlier, or much later, than recording did."""
    went, recorded = np.diff(stamps), np.diff(log)
    ahead = (went > _FORWARD_NS) & (recorded > 0) & (went > _FORWARD_TIMES * recorded)
    rows = []
    since = 0
    for row in (np.flatnonzero((went < 0) | ahead) + 1).tolist():
        # One late message is no step: the next ones would be later than all before again.
        if ahead[row - 1] or np.median(stamps[row : row + 3]) < stamps[since:row].max():
            rows.append(row)
            since = row
        if len(rows) > _MOST_STEPS:
            break
    return rows


def _left_over(colors: int, depths: int, color_rows: NDArray[np.int64]) -> list[str]:
    """Sentences on pictures without a partner, and on those that have several."""
    used, pairs = len(np.unique(color_rows)), len(color_rows)
    found = []
    if depths > pairs:
        found.append(f"{_pictures(depths - pairs, 'depth')} of {depths} have no colour near in time and are left out.")
    if colors > used:
        found.append(f"{_pictures(colors - used, 'colour')} of {colors} have no depth of their own and are left out.")
    if pairs > used:
        shared = pairs - used
        found.append(f"{_pictures(shared, 'depth')} {'shares' if shared == 1 else 'share'} colour with another one.")
    return found


def _pictures(count: int, kind: str) -> str:
    return f"{count} {kind} picture{'' if count == 1 else 's'}"


def _have(count: int) -> str:
    return "has" if count == 1 else "have"
