"""What lies under a pixel, and how far two pixels are apart in space."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rgbd_seg.calibration import deproject_pixel
from rgbd_seg.frame import Segmentation

_SEARCH_PX = 3


@dataclass(frozen=True, slots=True)
class Probe:
    """The facts about one pixel.

    Attributes:
        column: Pixels from the left.
        row: Pixels from the top.
        point_m: (x, y, z) metres in the colour camera's frame, None at a hole.
        name: Class name, "" without a model.
        confidence: 0..1, None if unknown.
        truth: Class name in the truth, "" without.
        recorded: Class name that a model gave it when it was recorded, "" without.
        is_registered: Whether its depth is that of this very pixel.
    """

    column: int
    row: int
    point_m: tuple[float, float, float] | None
    name: str
    confidence: float | None
    truth: str
    recorded: str = ""
    is_registered: bool = True

    def __str__(self) -> str:
        parts = [f"({self.column:3d}, {self.row:3d})"]
        if self.name:
            parts.append(self.name + ("" if self.confidence is None else f" {self.confidence:.2f}"))
        if self.truth and self.truth != self.name:
            parts.append(f"truth: {self.truth}")
        if self.recorded and self.recorded != self.name:
            parts.append(f"recorded: {self.recorded}")
        if self.point_m is None:
            parts.append("no depth")
        else:
            x, y, z = self.point_m
            parts.append(f"{z:.2f} m" if self.is_registered else f"{z:.2f} m (not registered)")
            parts.append(f"x {x:+.2f}  y {y:+.2f}  z {z:.2f} m")
        return "   ".join(parts)


def probe(segmentation: Segmentation, column: int, row: int) -> Probe | None:
    """Looks up one pixel; None outside the picture."""
    frame = segmentation.frame
    if not (0 <= column < frame.width and 0 <= row < frame.height):
        return None
    counts = int(frame.depth[row, column])
    point = deproject_pixel(column, row, counts, frame.calibration) if counts else None
    name, confidence, truth = "", None, ""
    if segmentation.labels is not None and segmentation.label_set is not None:
        name = segmentation.label_set.name_of(int(segmentation.labels[row, column]))
        if segmentation.confidence is not None:
            confidence = float(segmentation.confidence[row, column]) / 255
    if frame.truth is not None:
        truth = frame.truth.label_set.name_of(int(frame.truth.labels[row, column]))
    recorded = ""
    if frame.prediction is not None:
        recorded = frame.prediction.label_set.name_of(int(frame.prediction.labels[row, column]))
    return Probe(column, row, point, name, confidence, truth, recorded, frame.calibration.registered)


def distance_m(segmentation: Segmentation, start: tuple[int, int], end: tuple[int, int]) -> float | None:
    """Metres in space between two pixels (column, row); None if either has no depth within three pixels."""
    points = [_point_near(segmentation, *pixel) for pixel in (start, end)]
    if points[0] is None or points[1] is None:
        return None
    return math.dist(points[0], points[1])


def _point_near(segmentation: Segmentation, column: int, row: int) -> tuple[float, float, float] | None:
    """The point of the nearest pixel with depth: edges of things, where rulers are put, are often holes."""
    frame = segmentation.frame
    if not (0 <= column < frame.width and 0 <= row < frame.height):
        return None
    top, left = max(row - _SEARCH_PX, 0), max(column - _SEARCH_PX, 0)
    patch = frame.depth[top : row + _SEARCH_PX + 1, left : column + _SEARCH_PX + 1]
    rows, columns = np.nonzero(patch)
    if not rows.size:
        return None
    nearest = int(np.argmin((rows + top - row) ** 2 + (columns + left - column) ** 2))
    v, u = int(rows[nearest]) + top, int(columns[nearest]) + left
    return deproject_pixel(u, v, int(frame.depth[v, u]), frame.calibration)
