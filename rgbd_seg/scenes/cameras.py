"""The cameras a room can be seen with: lens, sizes, range, and how each one's depth goes wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
_XTION = Camera(
    name="xtion",
    title="Asus Xtion Pro Live",
    principle="structured light",
    width=640,
    height=480,
    fx=525.0,
    nearest_m=0.5,
    farthest_m=9.0,
    baseline_m=0.075,
    color_offset_m=0.025,
    depth_focal_px=575.8,
    disparity_step_px=0.125,
    noise_px=0.07,
    margins=(0.012, 0.018, 0.012, 0.008),
)
_KINECT1 = replace(_XTION, name="kinect1", title="Kinect v1", noise_px=0.09, margins=(0.014, 0.02, 0.016, 0.01))
_KINECT2 = Camera(
    name="kinect2",
    title="Kinect v2",
    principle="time of flight",
    width=512,
    height=424,
    fx=365.5,
    nearest_m=0.5,
    farthest_m=8.0,
    baseline_m=0.0,
    color_offset_m=0.052,
    depth_focal_px=365.5,
    disparity_step_px=0.0,
    noise_px=0.0016,
    margins=(0.0, 0.0, 0.0, 0.0),
)
_REALSENSE = Camera(
    name="realsense",
    title="RealSense D435",
    principle="active stereo",
    width=640,
    height=480,
    fx=610.0,
    nearest_m=0.2,
    farthest_m=8.0,
    baseline_m=0.05,
    color_offset_m=0.015,
    depth_focal_px=385.0,
    disparity_step_px=0.03125,
    noise_px=0.11,
    margins=(0.0, 0.0, 0.0, 0.0),
)
CAMERAS = (_XTION, _KINECT1, _KINECT2, _REALSENSE)
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
