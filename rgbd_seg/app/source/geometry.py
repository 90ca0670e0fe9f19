"""What is known of a source's geometry, in words, with where it comes from and what looks wrong. No Qt."""

from __future__ import annotations

import numpy as np

from rgbd_seg.calibration import ORIGIN_WORDS
from rgbd_seg.coloring import depth_ends_m
from rgbd_seg.frame import RgbdFrame

#: Depth units that cameras and data sets have, in metres.
UNITS_M = (0.0001, 0.000125, 0.0002, 0.00025, 0.001, 0.01)
# A room's median depth lies between these, whatever the camera.
_NEAREST_M, _FARTHEST_M = 0.15, 15.0
UNREGISTERED = "depth is not registered to colour"


def unit_words(depth_unit_m: float) -> str:
    """Such as "1 mm"."""
    return f"{depth_unit_m * 1000:.6g} mm"


def geometry_lines(frame: RgbdFrame, fps: float, *, wanted_registered: bool = True) -> tuple[str, ...]:
    """Size, rate, registration, depth and calibration of a source.

    Args:
        frame: The newest one.
        fps: Frames per second, 0 while unknown.
        wanted_registered: Whether the source was asked to register depth.
    """
    calibration = frame.calibration
    said = ORIGIN_WORDS[calibration.registration_origin]
    if calibration.registered:
        registration = f"Depth is registered to colour ({said})."
    else:
        asked = " although that was asked for" if wanted_registered and said == ORIGIN_WORDS["device"] else ""
        registration = (
            f"Depth is not registered to colour{asked} ({said}): a depth pixel is only near its colour pixel."
        )
    near_m, far_m = depth_ends_m(frame.depth, calibration.depth_unit_m)
    extent = f"{near_m:.2f} to {far_m:.2f} m in view" if frame.depth.any() else "nothing in view"
    unit = f"Depth: {unit_words(calibration.depth_unit_m)} a count ({ORIGIN_WORDS[calibration.unit_origin]}), {extent}."
    return (
        f"{frame.width}x{frame.height}{f', {fps:.1f} fps' if fps > 0 else ''}",
        registration,
        unit,
        f"Calibration: {ORIGIN_WORDS[calibration.origin]}.",
    )


def unit_doubt(frame: RgbdFrame) -> str:
    """Why the depth unit looks wrong, in a sentence; "" where it does not."""
    counts = frame.depth[::4, ::4]
    counts = counts[counts > 0]
    if not counts.size:
        return ""
    median_m = float(np.median(counts)) * frame.calibration.depth_unit_m
    if _NEAREST_M <= median_m <= _FARTHEST_M:
        return ""
    side = "nearer" if median_m < _NEAREST_M else "farther"
    return f"Half of the depth is {side} than {median_m:.3g} m, which is absurd for a room: is the depth unit right?"
