"""OpenNI2's streams: their modes and pixel formats, what lens they have, and frames copied out of the runtime."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from rgbd_seg.calibration import Intrinsics, Origin
from rgbd_seg.recording.messages.encodings import RawPixels, color_pixels
from rgbd_seg.sensors.drivers.pairing import Half, Side
from rgbd_seg.sensors.sensor import StreamMode

# Field of view of the PrimeSense reference design, for devices that do not tell theirs (radians).
_PRIMESENSE_FOV_RAD = (1.0226, 0.7966)


def has_color(openni2: Any, device: Any) -> bool:
    """Whether a device or recording has pictures to show beside depth: colour, else infrared."""
    return bool(device.has_sensor(openni2.SENSOR_COLOR) or device.has_sensor(openni2.SENSOR_IR))


def formats(openni2: Any, device: Any) -> tuple[dict[StreamMode, Any], dict[StreamMode, Any]]:
    """For colour (else infrared) and for depth: each mode in the best pixel format that we understand."""
    seen = openni2.SENSOR_COLOR if device.has_sensor(openni2.SENSOR_COLOR) else openni2.SENSOR_IR
    colors = (openni2.PIXEL_FORMAT_RGB888, *encodings(openni2))
    wanted = (
        (seen, colors if has_color(openni2, device) else ()),
        (openni2.SENSOR_DEPTH, (openni2.PIXEL_FORMAT_DEPTH_1_MM, openni2.PIXEL_FORMAT_DEPTH_100_UM)),
    )
    found: list[dict[StreamMode, Any]] = []
    for sensor, formats in wanted:
        modes: dict[StreamMode, Any] = {}
        offered = device.get_sensor_info(sensor).videoModes if formats else ()
        for pixel_format in formats:
            for mode in offered:
                if mode.pixelFormat == pixel_format:
                    modes.setdefault(StreamMode(mode.resolutionX, mode.resolutionY, float(mode.fps)), pixel_format)
        found.append(modes)
    return found[0], found[1]


def encodings(openni2: Any) -> dict[Any, str]:
    """What ROS calls OpenNI2's formats of colour."""
    return {
        openni2.PIXEL_FORMAT_YUV422: "uyvy",
        openni2.PIXEL_FORMAT_YUYV: "yuyv",
        openni2.PIXEL_FORMAT_GRAY8: "mono8",
        openni2.PIXEL_FORMAT_GRAY16: "mono16",
    }


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


def read(stream: Any, side: Side, encodings: Mapping[Any, str]) -> Half:
    """Copies a frame out of the runtime, which re-uses its memory.

    Args:
        stream: A stream with a frame ready.
        side: What it is.
        encodings: As `encodings` gives them.

    Raises:
        RecordingError: The picture is not as long as it should be.
    """
    frame = stream.read_frame()
    try:
        rows, columns, stride = frame.height, frame.width, frame.stride
        raw = np.frombuffer(frame.get_buffer_as_uint8(), np.uint8)
        encoding = encodings.get(frame.videoMode.pixelFormat) if side == "color" else None
        if encoding == "mono16":  # Infrared of ten bits.
            values = raw[: rows * stride].reshape(rows, stride)[:, : columns * 2].copy().view(np.uint16)
            pixels = np.repeat(np.minimum(values >> 2, 255).astype(np.uint8)[..., None], 3, axis=2)
        elif encoding:
            pixels = color_pixels(RawPixels(encoding, columns, rows, stride, False, raw[: rows * stride].tobytes()))
        elif side == "color":
            pixels = raw[: rows * stride].reshape(rows, stride)[:, : columns * 3].reshape(rows, columns, 3).copy()
        else:
            pixels = raw[: rows * stride].reshape(rows, stride)[:, : columns * 2].copy().view(np.uint16)
        return Half(pixels, int(frame.frameIndex), int(frame.timestamp))
    finally:
        frame.close()
