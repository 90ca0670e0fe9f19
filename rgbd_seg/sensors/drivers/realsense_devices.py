"""What librealsense says of cameras: which there are, what they are called, which modes they have."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from rgbd_seg.calibration import Intrinsics
from rgbd_seg.errors import SensorError
from rgbd_seg.sensors.sensor import SensorInfo, StreamMode

HOW_TO_INSTALL = (
    "there is no RealSense package for macOS: record on another machine, or build librealsense with its Python binding"
    if sys.platform == "darwin"
    else "pip install pyrealsense2"
)


def load() -> Any:
    """The `pyrealsense2` module.

    Raises:
        SensorError: It is missing; the message says what to install.
    """
    try:
        import pyrealsense2
    except ImportError as error:
        raise SensorError(f"librealsense's Python package is not installed ({error}): {HOW_TO_INSTALL}") from error
    return pyrealsense2


def device_info(rs: Any, device: Any, known: SensorInfo, note: str = "") -> SensorInfo:
    """What a device tells of itself, beside what was known of it before."""

    def ask(key: Any) -> str:
        return str(device.get_info(key)) if device.supports(key) else ""

    about = rs.camera_info
    serial, usb = ask(about.serial_number), ask(about.usb_type_descriptor)
    details = {"runtime": f"librealsense {rs.__version__}", "product line": ask(about.product_line), "note": note}
    recording = known.kind == "recording"
    return SensorInfo(
        uri=known.uri if recording or not serial else f"realsense:{serial}",
        name=known.name if recording else ask(about.name) or known.name,
        kind=known.kind,
        serial=serial,
        connection="file" if recording else (f"USB {usb}" if usb else ""),
        firmware=ask(about.firmware_version),
        details={**known.details, **{key: text for key, text in details.items() if text}},
    )


def has_color(rs: Any, camera: Any) -> bool:
    """Whether colour comes from this part of a device."""
    return camera.is_color_sensor() or any(p.stream_type() == rs.stream.color for p in camera.get_stream_profiles())


def find_device(context: Any, rs: Any, serial: str) -> Any:
    """The camera with this serial number, or the first one if it is "".

    Raises:
        SensorError: It is not there; the message lists those that are.
    """
    devices = [d for d in context.query_devices() if d.supports(rs.camera_info.serial_number)]
    for device in devices:
        if not serial or device.get_info(rs.camera_info.serial_number) == serial:
            return device
    present = ", ".join(device.get_info(rs.camera_info.serial_number) for device in devices) or "none"
    which = f"RealSense camera {serial}" if serial else "RealSense camera"
    raise SensorError(f"there is no {which} (present: {present}): plug it in, or run rgbd-seg doctor")


def mode_pairs(rs: Any, device: Any) -> dict[StreamMode, tuple[int, int]]:
    """Each colour mode that has depth at the same rate, with the depth size to use: the same, else the nearest."""
    color: set[tuple[int, int, int]] = set()
    depth: dict[int, set[tuple[int, int]]] = {}
    for camera in device.query_sensors():
        for profile in camera.get_stream_profiles():
            if not profile.is_video_stream_profile():
                continue
            video = profile.as_video_stream_profile()
            if profile.stream_type() == rs.stream.color and profile.format() == rs.format.rgb8:
                color.add((video.width(), video.height(), profile.fps()))
            elif profile.stream_type() == rs.stream.depth and profile.format() == rs.format.z16:
                depth.setdefault(profile.fps(), set()).add((video.width(), video.height()))
    pairs = {}
    for width, height, fps in color:
        if fps in depth:
            size = min(depth[fps], key=lambda wh: (abs(wh[0] * wh[1] - width * height), abs(wh[0] - width)))
            pairs[StreamMode(width, height, float(fps))] = size
    return pairs


def infrared_index(rs: Any, device: Any, mode: tuple[int, int, int], name: str) -> int:
    """Index of the first infrared stream with that width, height and rate.

    Raises:
        SensorError: There is none.
    """
    found = []
    for camera in device.query_sensors():
        for profile in camera.get_stream_profiles():
            if profile.stream_type() == rs.stream.infrared and profile.format() == rs.format.y8:
                video = profile.as_video_stream_profile()
                if (video.width(), video.height(), profile.fps()) == mode:
                    found.append(profile.stream_index())
    if not found:
        raise SensorError(f"{name} has no infrared picture of {mode[0]}x{mode[1]} at {mode[2]} fps: open it without")
    return int(min(found))


def color_intrinsics(rs: Any, given: Any) -> tuple[Intrinsics, str]:
    """Colour intrinsics, and what could not be taken over ("" if nothing).

    librealsense's Brown-Conrady and OpenCV's are the same formula; its inverse model maps the other way and is left
    out (factory colour streams have it with all coefficients zero).
    """
    coefficients = tuple(float(value) for value in given.coeffs)
    forward = given.model in (rs.distortion.brown_conrady, rs.distortion.modified_brown_conrady)
    keep = forward and any(coefficients)
    note = "" if keep or not any(coefficients) else f"distortion model {given.model} is not applied"
    size = int(given.width), int(given.height)
    distortion = coefficients if keep else ()
    return Intrinsics(*size, given.fx, given.fy, given.ppx, given.ppy, distortion), note


def is_aligned(color: Any, depth: Any) -> bool:
    """Whether depth lies on colour's pixel grid already: the same camera, seen from the same place.

    Aligning it once more would only tear holes into it.
    """
    a, b = color.get_intrinsics(), depth.get_intrinsics()
    same = (a.width, a.height, a.model) == (b.width, b.height, b.model) and np.allclose(
        (a.fx, a.fy, a.ppx, a.ppy, *a.coeffs), (b.fx, b.fy, b.ppx, b.ppy, *b.coeffs), rtol=0, atol=1e-4
    )
    if not same:
        return False
    try:
        way = depth.get_extrinsics_to(color)
    except RuntimeError:  # A recording that does not say where its cameras are.
        return False
    return bool(np.allclose(way.rotation, np.eye(3).ravel(), atol=1e-6) and np.allclose(way.translation, 0, atol=1e-7))
