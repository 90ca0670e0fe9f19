"""The rows of the class list: what is in view, how much of it, and how far away; steady enough to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rgbd_seg.frame import Segmentation
    from rgbd_seg.labels import LabelSet

_STRIDE = 4  # Distances come from every fourth pixel of every fourth row.
_KEEP = 0.6  # Share of the old value in the shown one.
_GONE_BELOW = 0.0005
_SORT_EVERY = 8  # Updates between two sortings (two seconds at 4 Hz): rows do not jump under the eye.


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class in view.

    Attributes:
        name: The class.
        share: Part of the picture, 0..1.
        distance_m: Median distance of its pixels that have depth, None if none has.
    """

    name: str
    share: float
    distance_m: float | None


def count_classes(segmentation: Segmentation) -> tuple[ClassRow, ...]:
    """The classes of what is shown of a moment (`Segmentation.known_labels`), largest first."""
    known = segmentation.known_labels
    if known is None:
        return ()
    labels, label_set = known.labels, known.label_set
    counts = np.bincount(labels.ravel(), minlength=256)[: len(label_set) + 1]
    sparse = labels[::_STRIDE, ::_STRIDE].ravel()
    depth = segmentation.frame.depth[::_STRIDE, ::_STRIDE].ravel()
    unit_m = segmentation.frame.calibration.depth_unit_m
    rows = []
    for label in np.argsort(-counts, kind="stable"):
        if label == 0 or counts[label] == 0:
            continue
        distances = depth[(sparse == label) & (depth > 0)]
        distance = float(np.median(distances)) * unit_m if distances.size else None
        rows.append(ClassRow(label_set.name_of(int(label)), float(counts[label]) / labels.size, distance))
    return tuple(rows)


class SteadyRows:
    """Averages the rows over time and keeps their order for a while."""

    def __init__(self) -> None:
        self._rows: dict[str, ClassRow] = {}
        self._updates = 0
        self._names: tuple[str, ...] | None = None

    def update(self, rows: tuple[ClassRow, ...], label_set: LabelSet | None, hold_order: bool) -> tuple[ClassRow, ...]:
        """Takes new rows.

        Args:
            rows: What is in view now.
            label_set: What the names belong to; another one starts afresh.
            hold_order: Whether the order must not change now (the pointer is on the list).

        Returns:
            What to show.
        """
        names = label_set.names if label_set else None
        if names != self._names:
            self._rows, self._names, self._updates = {}, names, 0
        fresh = {row.name: row for row in rows}
        for name in {**self._rows, **fresh}:
            old, new = self._rows.get(name), fresh.get(name)
            share = new.share if new else 0.0
            if old is None:
                assert new is not None
                self._rows[name] = new
                continue
            distance = old.distance_m
            if new is not None and new.distance_m is not None:
                distance = new.distance_m if distance is None else _KEEP * distance + (1 - _KEEP) * new.distance_m
            self._rows[name] = ClassRow(name, _KEEP * old.share + (1 - _KEEP) * share, distance)
        if not hold_order:
            self._rows = {name: row for name, row in self._rows.items() if row.share >= _GONE_BELOW}
            if self._updates % _SORT_EVERY == 0:
                self._rows = dict(sorted(self._rows.items(), key=lambda item: -item[1].share))
            self._updates += 1
        return tuple(self._rows.values())
