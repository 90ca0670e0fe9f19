"""The last minutes as figures, four times a second: rates, delays, losses, and each class's share and distance."""

from __future__ import annotations

import csv
import math
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from rgbd_seg.app.classes.class_rows import ClassRow
    from rgbd_seg.pipeline.status import Status

_KEEP = 2400  # Ten minutes at 4 Hz.


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment.

    Attributes:
        seconds: Since the history began.
        rates: Figures by name: "camera fps", "segmentation fps", "ms behind", "lost", "skipped".
        stages_ms: Milliseconds by stage of the network.
        shares: Part of the picture by class, 0..1.
        distances_m: Median distance by class.
    """

    seconds: float
    rates: Mapping[str, float]
    stages_ms: Mapping[str, float] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    distances_m: Mapping[str, float] = field(default_factory=dict)


class History:
    """A bounded row of samples."""

    def __init__(self) -> None:
        self.samples: deque[Sample] = deque(maxlen=_KEEP)
        self._began = time.monotonic()

    def add(self, status: Status, rows: tuple[ClassRow, ...]) -> None:
        """Takes the present moment."""
        rates = {
            "camera fps": status.capture_fps,
            "ms behind": status.behind_ms,
            "lost": float(status.missed),
            "skipped": float(status.skipped),
        }
        if status.model.info is not None:  # Without a model the pipeline counts pictures that nobody segmented.
            rates["segmentation fps"] = status.segment_fps
        shares = {row.name: row.share for row in rows}
        distances = {row.name: row.distance_m for row in rows if row.distance_m is not None}
        self.samples.append(Sample(time.monotonic() - self._began, rates, dict(status.stage_ms), shares, distances))

    def clear(self) -> None:
        self.samples.clear()
        self._began = time.monotonic()

    def series(self, part: str, name: str) -> tuple[list[float], list[float]]:
        """Seconds and values of one figure; NaN where a sample lacks it.

        Args:
            part: "rates", "stages_ms", "shares" or "distances_m".
            name: The figure or class.
        """
        return [s.seconds for s in self.samples], [getattr(s, part).get(name, math.nan) for s in self.samples]

    def names(self, part: str) -> list[str]:
        """The figures or classes that occur, in the order of their first occurrence."""
        return list(dict.fromkeys(name for sample in self.samples for name in getattr(sample, part)))

    def save_csv(self, path: Path, chosen_name: Callable[[str], str]) -> None:
        """Writes everything as a table: one row a sample, one column a figure.

        Args:
            path: The file.
            chosen_name: What a figure or class is called in the headings, from its own name.

        Raises:
            OSError: The file cannot be written.
        """
        parts = {"rates": "", "stages_ms": "ms in ", "shares": "share of ", "distances_m": "metres to "}
        columns = [(part, name) for part in parts for name in self.names(part)]
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["seconds", *(parts[part] + chosen_name(name) for part, name in columns)])
            for sample in self.samples:
                values = [getattr(sample, part).get(name) for part, name in columns]
                row = ["" if value is None else f"{value:.5g}" for value in values]
                writer.writerow([f"{sample.seconds:.2f}", *row])
