"""The viewer of the 3D view: looks at a point from a distance, in the camera's frame (x right, y down, z ahead)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

_FIELD_OF_VIEW_RAD = math.radians(50)
_NEAR_M, _FAR_M = 0.05, 40.0
_MAX_PITCH_RAD = math.radians(89.5)


@dataclass(frozen=True, slots=True)
class Orbit:
    """Where the viewer is.

    Attributes:
        yaw_rad: Turn to the right around the target; 0 looks along the camera's axis.
        pitch_rad: Rise above it; 90 degrees looks straight down.
        distance_m: From viewer to target.
        target_m: The point that is looked at.
    """

    yaw_rad: float = 0.25
    pitch_rad: float = 0.35
    distance_m: float = 3.0
    target_m: tuple[float, float, float] = (0.0, 0.0, 2.5)

    def turned(self, right_rad: float, up_rad: float) -> Orbit:
        """After dragging around the target."""
        pitch = min(max(self.pitch_rad + up_rad, -_MAX_PITCH_RAD), _MAX_PITCH_RAD)
        return replace(self, yaw_rad=self.yaw_rad + right_rad, pitch_rad=pitch)

    def nearer(self, factor: float) -> Orbit:
        """After turning the wheel."""
        return replace(self, distance_m=min(max(self.distance_m / factor, 0.1), 30.0))

    def shifted(self, right: float, down: float) -> Orbit:
        """After dragging the scene; in parts of the view's height."""
        metres = 2 * self.distance_m * math.tan(_FIELD_OF_VIEW_RAD / 2)
        across, below, _ = self.axes()
        moved = np.asarray(self.target_m) - across * right * metres - below * down * metres
        return replace(self, target_m=(float(moved[0]), float(moved[1]), float(moved[2])))

    def fitted(self, points: NDArray[np.float32]) -> Orbit:
        """Looks at the middle of these (N, 3) points from far enough to see most of them."""
        if not len(points):
            return self
        low, high = np.percentile(points, (3, 97), axis=0)
        middle = (low + high) / 2
        distance = float(np.linalg.norm(high - low)) * 0.5 / math.tan(_FIELD_OF_VIEW_RAD / 2) * 0.8
        target = (float(middle[0]), float(middle[1]), float(middle[2]))
        return replace(self, target_m=target, distance_m=min(max(distance, 0.3), 20.0))

    def from_above(self) -> Orbit:
        """The same from straight above."""
        return replace(self, yaw_rad=0.0, pitch_rad=_MAX_PITCH_RAD)

    def from_camera(self) -> Orbit:
        """From where the camera is, along its axis."""
        ahead_m = min(max(self.target_m[2], 0.3), 20.0)
        return Orbit(0.0, 0.0, ahead_m, (0.0, 0.0, ahead_m))

    def axes(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Unit vectors to the viewer's right, down and ahead."""
        cos_yaw, sin_yaw = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        cos_pitch, sin_pitch = math.cos(self.pitch_rad), math.sin(self.pitch_rad)
        ahead = np.array([-sin_yaw * cos_pitch, sin_pitch, cos_yaw * cos_pitch])
        right = np.array([cos_yaw, 0.0, sin_yaw])
        return right, np.cross(ahead, right), ahead

    def matrix(self, width: int, height: int) -> NDArray[np.float32]:
        """(4, 4) from metres to OpenGL's clip space, row-major: multiply by columns."""
        right, down, ahead = self.axes()
        eye = np.asarray(self.target_m) - ahead * self.distance_m
        view = np.eye(4)
        view[:3, :3] = np.stack([right, -down, -ahead])
        view[:3, 3] = -view[:3, :3] @ eye
        scale = 1 / math.tan(_FIELD_OF_VIEW_RAD / 2)
        projection = np.zeros((4, 4))
        projection[0, 0], projection[1, 1] = scale * height / max(width, 1), scale
        projection[2, 2] = (_FAR_M + _NEAR_M) / (_NEAR_M - _FAR_M)
        projection[2, 3] = 2 * _FAR_M * _NEAR_M / (_NEAR_M - _FAR_M)
        projection[3, 2] = -1
        return (projection @ view).astype(np.float32)
