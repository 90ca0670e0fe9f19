"""OpenNI2's streams: their modes and pixel formats, what lens they have, and frames copied out of the runtime."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rgbd_seg.calibration import Intrinsics
from rgbd_seg.sensors.drivers.pairing import Half
from rgbd_seg.sensors.sensor import StreamMode

if TYPE_CHECKING:
    from rgbd_seg.calibration import Origin
    from rgbd_seg.sensors.drivers.pairing import Side

# Field of view of the PrimeSense reference design, for devices that do not tell theirs (radians).
_PRIMESENSE_FOV_RAD = (1.0226, 0.7966)


def formats(openni2: Any, device: Any) -> tuple[dict[StreamMode, Any], dict[StreamMode, Any]]:
    """For colour and for depth: each mode in the best pixel format that we understand."""
    wanted = (
        (openni2.SENSOR_COLOR, (openni2.PIXEL_FORMAT_RGB888,)),
        (openni2.SENSOR_DEPTH, (openni2.PIXEL_FORMAT_DEPTH_1_MM, openni2.PIXEL_FORMAT_DEPTH_100_UM)),
    )
    found: list[dict[StreamMode, Any]] = []
    for sensor, formats in wanted:
        modes: dict[StreamMode, Any] = {}
        offered = device.get_sensor_info(sensor).videoModes
        for pixel_format in formats:
            for mode in offered:
                if mode.pixelFormat == pixel_format:
                    modes.setdefault(StreamMode(mode.resolutionX, mode.resolutionY, float(mode.fps)), pixel_format)
        found.append(modes)
    return found[0], found[1]


def set_mode(stream: Any, mode: StreamMode, pixel_format: Any) -> None:
    """Sets a stream's mode unless it is set already: some devices have one mode and refuse to be told."""
    now = stream.get_video_mode()
    if (now.resolutionX, now.resolutionY, now.fps, now.pixelFormat) != (
        mode.width,
        mode.height,
        mode.fps,
        pixel_format,
    ):
        stream.configure_mode(mode.width, mode.height, int(mode.fps), pixel_format)


def intrinsics(openni2: Any, color: Any, mode: StreamMode) -> tuple[Intrinsics, Origin]:
    """Pinhole from the field of view (the only thing OpenNI2 knows), or from PrimeSense's where it knows nothing."""
    try:
        fov = color.get_horizontal_fov(), color.get_vertical_fov()
    except openni2.OpenNIError:
        fov = (math.nan, math.nan)
    if all(0 < angle < math.pi for angle in fov):
        return Intrinsics.from_field_of_view(mode.width, mode.height, *fov), "field of view"
    return Intrinsics.from_field_of_view(mode.width, mode.height, *_PRIMESENSE_FOV_RAD), "assumed"


def read(stream: Any, side: Side) -> Half:
    """Copies a frame out of the runtime, which re-uses its memory."""
    frame = stream.read_frame()
    try:
        rows, columns, stride = frame.height, frame.width, frame.stride
        raw = np.frombuffer(frame.get_buffer_as_uint8(), np.uint8)
        lines = raw[: rows * stride].reshape(rows, stride)
        if side == "color":
            pixels = lines[:, : columns * 3].reshape(rows, columns, 3).copy()
        else:
            pixels = lines[:, : columns * 2].copy().view(np.uint16)
        return Half(pixels, int(frame.frameIndex), int(frame.timestamp))
    finally:
        frame.close()
