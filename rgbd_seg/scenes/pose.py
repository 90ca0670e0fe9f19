"""Where a camera is and where it looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.scenes.mesh import Vector


@dataclass(frozen=True, slots=True)
class Pose:
    """A camera in a room.

    Attributes:
        x: Metres.
        y: Metres.
        z: Metres above the floor.
        yaw_rad: Heading, anticlockwise from x seen from above.
        pitch_rad: Upwards.
        roll_rad: Clockwise as seen by the camera.
    """

    x: float
    y: float
    z: float
    yaw_rad: float
    pitch_rad: float = 0.0
    roll_rad: float = 0.0

    @staticmethod
    def looking_at(eye: Vector, target: Vector, roll_rad: float = 0.0) -> Pose:
        """The pose at `eye` with `target` in the middle of the picture."""
        dx, dy, dz = (t - e for e, t in zip(eye, target, strict=True))
        return Pose(*eye, float(np.arctan2(dy, dx)), float(np.arctan2(dz, np.hypot(dx, dy))), roll_rad)

    @property
    def rotation(self) -> NDArray[np.float64]:
        """(3, 3) room-to-camera: rows are the camera's x (right), y (down) and z (forward) in the room."""
        cy, sy, cp, sp = np.cos(self.yaw_rad), np.sin(self.yaw_rad), np.cos(self.pitch_rad), np.sin(self.pitch_rad)
        forward = np.array([cy * cp, sy * cp, sp])
        right = np.array([sy, -cy, 0.0])
        down = np.cross(forward, right)
        c, s = np.cos(self.roll_rad), np.sin(self.roll_rad)
        return np.stack([c * right + s * down, c * down - s * right, forward])

    @property
    def room_to_camera(self) -> NDArray[np.float64]:
        """(4, 4) rigid transform."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.rotation
        matrix[:3, 3] = -self.rotation @ np.array([self.x, self.y, self.z])
        return matrix
