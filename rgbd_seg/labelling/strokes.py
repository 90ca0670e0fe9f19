"""Strokes on a label map: what one changed, small enough to keep hundreds of them for undo."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Stroke:
    """The change from one label map to another, within the box that it touches.

    Attributes:
        top: First row of the box.
        left: First column.
        height: Rows.
        width: Columns.
        before: The box as it was, packed.
        after: The box as it is, packed.
    """

    top: int
    left: int
    height: int
    width: int
    before: bytes
    after: bytes

    def redo(self, labels: NDArray[np.uint8]) -> None:
        self._put(labels, self.after)

    def undo(self, labels: NDArray[np.uint8]) -> None:
        self._put(labels, self.before)

    def _put(self, labels: NDArray[np.uint8], packed: bytes) -> None:
        values = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(self.height, self.width)
        labels[self.top : self.top + self.height, self.left : self.left + self.width] = values


def painted(
    labels: NDArray[np.uint8], mask: NDArray[np.bool_], label: int, *, over_labels: bool = True
) -> NDArray[np.uint8]:
    """A copy of a label map with one class painted over a mask.

    Args:
        labels: (H, W) uint8.
        mask: (H, W) bool, what a tool took.
        label: The class; 0 erases.
        over_labels: Whether pixels that have a class already are painted too.
    """
    result = labels.copy()
    result[mask if over_labels else mask & (labels == 0)] = label
    return result


def stroke_between(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> Stroke | None:
    """The stroke that turns one label map into another of its size; None where they are equal."""
    changed = before != after
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    if not len(rows):
        return None
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    old, new = (zlib.compress(m[top:bottom, left:right].tobytes(), 1) for m in (before, after))
    return Stroke(top, left, bottom - top, right - left, old, new)
