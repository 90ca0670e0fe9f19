"""The cameras a room can be seen with: lens, sizes, range, and how each one's depth goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rgbd_seg.calibration import Intrinsics
from rgbd_seg.errors import ConfigurationError

Principle = Literal["structured light", "time of flight", "active stereo"]


@dataclass(frozen=True, slots=True)
class Camera:
    """A depth camera as far as pictures show it.

    Attributes:
        name: Key for `camera_named`.
        title: What people call it.
        principle: How it measures depth.
        width: Native width in pixels, of registered pictures.
        height: Native height.
        fx: Focal length in pixels at the native width; pixels are square.
        nearest_m: Shortest distance with a return.
        farthest_m: Longest distance with a return on bright surfaces (beyond what makers promise).
        baseline_m: Between projector (or second imager) and depth imager; 0 for time of flight.
        color_offset_m: Between the depth imager and the colour camera.
        depth_focal_px: Focal length of the depth imager at the native width, for disparities.
        disparity_step_px: Smallest disparity step (1/8 pixel for PrimeSense).
        noise_px: Standard deviation of the disparity in pixels; for time of flight, of the range at 1 m in metres.
        margins: Share of the picture without depth at left, top, right, bottom after registration.
    """

    name: str
    title: str
    principle: Principle
    width: int
    height: int
    fx: float
    nearest_m: float
    farthest_m: float
    baseline_m: float
    color_offset_m: float
    depth_focal_px: float
    disparity_step_px: float
    noise_px: float
    margins: tuple[float, float, float, float]

    def intrinsics(self, width: int, height: int) -> Intrinsics:
        """The lens for a picture of this size; another aspect crops or extends the field of view at top and bottom."""
        fx = self.fx * width / self.width
        return Intrinsics(width, height, fx, fx, (width - 1) / 2, (height - 1) / 2)


# Focal lengths, baselines and ranges as published for the devices; disparity noise of the PrimeSense sensors after
# Khoshelham and Elberink (2012), of Kinect v2 after Lachat et al. (2015) and Fankhauser et al. (2015).
CAMERAS: tuple[Camera, ...] = (
    Camera(
        "xtion",
        "Asus Xtion Pro Live",
        "structured light",
        640,
        480,
        525.0,
        0.5,
        9.0,
        0.075,
        0.025,
        575.8,
        0.125,
        0.07,
        (0.012, 0.018, 0.012, 0.008),
    ),
    Camera(
        "kinect1",
        "Kinect v1",
        "structured light",
        640,
        480,
        525.0,
        0.5,
        9.0,
        0.075,
        0.025,
        575.8,
        0.125,
        0.09,
        (0.014, 0.02, 0.016, 0.01),
    ),
    Camera(
        "kinect2",
        "Kinect v2",
        "time of flight",
        512,
        424,
        365.5,
        0.5,
        8.0,
        0.0,
        0.052,
        365.5,
        0.0,
        0.0016,
        (0.0, 0.0, 0.0, 0.0),
    ),
    Camera(
        "realsense",
        "RealSense D435",
        "active stereo",
        640,
        480,
        610.0,
        0.2,
        8.0,
        0.05,
        0.015,
        385.0,
        0.03125,
        0.11,
        (0.0, 0.0, 0.0, 0.0),
    ),
)
CAMERA_NAMES: tuple[str, ...] = tuple(camera.name for camera in CAMERAS)


def camera_named(name: str) -> Camera:
    """The camera with this key.

    Raises:
        ConfigurationError: There is none.
    """
    for camera in CAMERAS:
        if camera.name == name:
            return camera
    raise ConfigurationError(f"a camera is one of {', '.join(CAMERA_NAMES)}, not {name!r}")
