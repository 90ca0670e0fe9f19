"""What can be measured of each class from depth: nearest point, visible area in square metres, box in space."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import Intrinsics, deproject
from rgbd_seg.frame import Segmentation

_STRIDE = 4
_SMOOTH = 5  # Points of the thinned grid over which normals are averaged: single depth noise would tilt them.
_MOST_SLANT = 8.0  # Beyond it a surface is so oblique that noise rules.
_FEWEST_POINTS = 12
_STEEPEST = 5.67  # Tangent of 80 degrees: how far a surface may turn away before its neighbours count as apart.
_STEP_M, _STEP_PER_M = 0.01, 0.003  # What a depth camera's own steps and noise add: at once, and by distance squared.


@dataclass(frozen=True, slots=True)
class Measurement:
    """One class in one frame.

    Attributes:
        name: The class.
        nearest_m: Distance of the nearest 1 % of its points.
        area_m2: Visible surface in square metres, slant included, holes not.
        low_m: (x, y, z) lower corner of the box that holds the middle 96 % of its points on each axis.
        high_m: Upper corner; the axes are the camera's: right, down, ahead.
    """

    name: str
    nearest_m: float
    area_m2: float
    low_m: tuple[float, float, float]
    high_m: tuple[float, float, float]

    @property
    def size_m(self) -> tuple[float, float, float]:
        """Width, height and depth of the box."""
        return (
            self.high_m[0] - self.low_m[0],
            self.high_m[1] - self.low_m[1],
            self.high_m[2] - self.low_m[2],
        )


def measure(segmentation: Segmentation) -> tuple[Measurement, ...]:
    """Measures every class of what is shown of a moment (`Segmentation.known_labels`), largest area first."""
    frame, known = segmentation.frame, segmentation.known_labels
    if known is None:
        return ()
    label_set = known.label_set
    thin = tuple(middles(length, _STRIDE) for length in frame.depth.shape)
    points = deproject(frame.depth, frame.calibration)[thin]
    labels = known.labels[thin]
    there = points[..., 2] > 0
    areas = areas_m2(points, there, frame.calibration.color, _STRIDE)
    found = []
    for label in np.unique(labels[there]):
        mask = there & (labels == label)
        if label == 0 or label > len(label_set) or np.count_nonzero(mask) < _FEWEST_POINTS:
            continue
        own = points[mask]
        low, high = np.percentile(own, (2, 98), axis=0)
        found.append(
            Measurement(
                label_set.name_of(int(label)),
                float(np.percentile(np.linalg.norm(own, axis=1), 1)),
                float(areas[mask].sum()),
                (float(low[0]), float(low[1]), float(low[2])),
                (float(high[0]), float(high[1]), float(high[2])),
            )
        )
    return tuple(sorted(found, key=lambda one: -one.area_m2))


def middles(length: int, stride: int) -> slice:
    """The middle of every whole block of `stride` pixels of a row.

    A corner of a block would be nearer or farther than the block it stands for, the same way all over a slanted plane.
    """
    count = max(length // stride, 1)
    start = (length - count * stride) // 2 + stride // 2
    return slice(start, start + count * stride, stride)


def areas_m2(
    points: NDArray[np.float32], there: NDArray[np.bool_], lens: Intrinsics, stride: int
) -> NDArray[np.float32]:
    """Surface in square metres that each point of a thinned grid stands for.

    A pixel's cone cuts z^2 / (fx fy) out of a plane across the view, and |n| / |n . r| times as much out of a plane
    with normal n, where r = (x/z, y/z, 1) is the pixel's ray.

    Args:
        points: (H, W, 3) metres in the camera's frame.
        there: (H, W), False at holes.
        lens: Of the camera.
        stride: Pixels between two points.
    """
    side = _SMOOTH * _STRIDE // stride | 1  # The same part of the picture however thin the grid is.
    weight = np.maximum(cv2.blur(there.astype(np.float32), (side, side)), 1e-6)[..., None]
    smooth = cv2.blur(np.where(there[..., None], points, 0), (side, side)) / weight
    normals = np.cross(np.gradient(smooth, axis=1), np.gradient(smooth, axis=0))
    z = points[..., 2:]
    rays = points / np.where(z > 0, z, 1)
    along = np.abs((normals * rays).sum(axis=-1))
    length = np.linalg.norm(normals, axis=-1)
    slant = np.minimum(length / np.maximum(along, 1e-12), _MOST_SLANT)
    frontal = (z[..., 0] * stride) ** 2 / (lens.fx * lens.fy)
    return np.where(there & (length > 0), frontal * slant, 0).astype(np.float32)


def jump_m(depth_m: NDArray[np.float32], focal_px: float) -> NDArray[np.float32]:
    """How far apart in depth two neighbouring pixels of one surface can lie, in metres."""
    return depth_m * np.float32(_STEEPEST / focal_px) + np.float32(_STEP_M) + np.float32(_STEP_PER_M) * depth_m**2
