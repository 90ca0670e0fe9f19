"""What was in view over a whole recording: for each class how long, from when on, how large. No Qt, no threads."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TextIO

import numpy as np

from rgbd_seg.frame import Segmentation
from rgbd_seg.measurements import measure

#: A class counts as in view from this part of the picture on: single pixels are a model's flicker.
SEEN_SHARE = 0.002
_LONGEST_FRAME = 5.0  # Times the usual one: what is longer is a gap, during which nobody saw anything.
_COLUMNS = (
    "class",
    "frames",
    "seconds",
    "share_of_time",
    "first_s",
    "last_s",
    "mean_share",
    "largest_share",
    "mean_area_m2",
    "largest_area_m2",
)


@dataclass(frozen=True, slots=True)
class ClassStatistics:
    """One class over a recording. Shares and areas are those of the frames in which it is in view.

    Attributes:
        name: The class.
        frames: In how many of the frames that were looked at it is in view.
        seconds: How long that is.
        share_of_time: Part of the recording's time, 0..1.
        first_s: Seconds from the first frame to the first with it.
        last_s: Seconds from the first frame to the last with it.
        mean_share: Mean part of the picture, 0..1.
        largest_share: The largest.
        mean_area_m2: Mean visible surface (`measurements.measure`); None where depth was too sparse to tell.
        largest_area_m2: The largest.
    """

    name: str
    frames: int
    seconds: float
    share_of_time: float
    first_s: float
    last_s: float
    mean_share: float
    largest_share: float
    mean_area_m2: float | None
    largest_area_m2: float | None


@dataclass(frozen=True, slots=True)
class RecordingStatistics:
    """What was in view.

    Attributes:
        frames: How many frames were looked at.
        seconds: How long they are, gaps left out.
        labels: Whose labels these are, in words.
        classes: Longest in view first.
    """

    frames: int
    seconds: float
    labels: str
    classes: tuple[ClassStatistics, ...]

    def write_csv(self, file: TextIO) -> None:
        """Writes one row a class; what is not known is empty."""
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for one in self.classes:
            figures = (getattr(one, name) for name in ("name", *_COLUMNS[1:]))
            writer.writerow(["" if v is None else f"{v:.4f}" if isinstance(v, float) else v for v in figures])


@dataclass(slots=True)
class _Seen:
    """Where one class was in view."""

    frames: array[int] = field(default_factory=lambda: array("L"))
    shares: array[float] = field(default_factory=lambda: array("f"))
    areas_m2: array[float] = field(default_factory=lambda: array("f"))


class ClassCounter:
    """Takes the frames of a recording one after the other."""

    def __init__(self) -> None:
        self._times_s = array("d")
        self._seen: dict[str, _Seen] = {}
        self._makers: dict[str, None] = {}

    def add(self, time_s: float, segmentation: Segmentation) -> None:
        """Takes a frame; one without labels counts for the time alone.

        Args:
            time_s: Seconds from the first frame.
            segmentation: The frame, with a model's labels or its own.
        """
        position = len(self._times_s)
        self._times_s.append(time_s)
        known = segmentation.known_labels
        if known is None:
            return
        self._makers[_maker(segmentation)] = None
        label_set = known.label_set
        counts = np.bincount(known.labels.ravel(), minlength=256)[: len(label_set) + 1]
        least = max(SEEN_SHARE * known.labels.size, 1)
        in_view = {
            label_set.name_of(int(label)): int(counts[label]) for label in np.flatnonzero(counts >= least) if label
        }
        for name, pixels in in_view.items():
            seen = self._seen.setdefault(name, _Seen())
            seen.frames.append(position)
            seen.shares.append(pixels / known.labels.size)
        for one in measure(segmentation):
            if one.name in in_view:
                self._seen[one.name].areas_m2.append(one.area_m2)

    def result(self) -> RecordingStatistics:
        lasting = _durations_s(self._times_s)
        total_s = float(lasting.sum())
        rows = []
        for name, seen in self._seen.items():
            where = np.frombuffer(seen.frames, np.dtype(f"u{seen.frames.itemsize}")).astype(int)
            shares, areas = np.array(seen.shares), np.array(seen.areas_m2)
            seconds = float(lasting[where].sum())
            rows.append(
                ClassStatistics(
                    name,
                    len(where),
                    seconds,
                    seconds / total_s if total_s else 0.0,
                    self._times_s[where[0]],
                    self._times_s[where[-1]],
                    float(shares.mean()),
                    float(shares.max()),
                    float(areas.mean()) if areas.size else None,
                    float(areas.max()) if areas.size else None,
                )
            )
        rows.sort(key=lambda row: (-row.seconds, -row.mean_share))
        return RecordingStatistics(len(self._times_s), total_s, " and ".join(self._makers), tuple(rows))


def _durations_s(times_s: Sequence[float]) -> np.ndarray:
    """How long each frame lasts: until the next one, the last and those before a gap as long as is usual."""
    steps = np.diff(np.asarray(times_s, float))
    usual = float(np.median(steps)) if steps.size else 0.0
    steps = np.where((steps > _LONGEST_FRAME * usual) | (steps < 0), usual, steps)
    return np.append(steps, usual)[: len(times_s)]


def _maker(segmentation: Segmentation) -> str:
    if segmentation.labels is not None:
        return f"labels of {segmentation.model or 'a model'}"
    if segmentation.frame.truth is not None:
        return "the recording's truth"
    recorded = segmentation.frame.prediction
    return f"recorded labels of {recorded.model if recorded and recorded.model else 'a model'}"
