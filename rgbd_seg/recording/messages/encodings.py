"""Every pixel layout of ROS's `sensor_msgs/image_encodings` and Foxglove's RawImage, as RGB or as depth."""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.pictures.codec import MAX_PIXELS

#: What a picture may be by its encoding alone: "gray16" is depth or infrared, which its name must tell.
Role = Literal["color", "gray", "gray16", "depth", "unknown"]


class _Layout(NamedTuple):
    """Channels in a row of the buffer, bytes of one, and OpenCV's way from there to RGB (None: it is RGB)."""

    channels: int
    item: int
    to_rgb: int | None


_COLOR: dict[str, _Layout] = {}
for _name, _channels, _code in (
    ("rgb", 3, None),
    ("bgr", 3, cv2.COLOR_BGR2RGB),
    ("rgba", 4, cv2.COLOR_RGBA2RGB),
    ("bgra", 4, cv2.COLOR_BGRA2RGB),
):
    _COLOR[f"{_name}8"], _COLOR[f"{_name}16"] = _Layout(_channels, 1, _code), _Layout(_channels, 2, _code)
# OpenCV's own names say nothing of the order; its pictures, and so ROS's of these types, are BGR.
for _bits, _item in (("8", 1), ("16", 2)):
    _COLOR[f"{_bits}uc3"] = _Layout(3, _item, cv2.COLOR_BGR2RGB)
    _COLOR[f"{_bits}uc4"] = _Layout(4, _item, cv2.COLOR_BGRA2RGB)
# OpenCV names a mosaic by its second row, everybody else by its first two pixels.
for _mosaic, _code in (
    ("rggb", cv2.COLOR_BayerBG2RGB),
    ("bggr", cv2.COLOR_BayerRG2RGB),
    ("gbrg", cv2.COLOR_BayerGR2RGB),
    ("grbg", cv2.COLOR_BayerGB2RGB),
):
    _COLOR[f"bayer_{_mosaic}8"], _COLOR[f"bayer_{_mosaic}16"] = _Layout(1, 1, _code), _Layout(1, 2, _code)
# Brightness of every pixel and U or V of every second one, in pairs of bytes: which of the two brightness is.
_PACKED = dict.fromkeys(("yuv422", "uyvy", "yuv422_uyvy"), 1) | dict.fromkeys(
    ("yuyv", "yuy2", "yuv422_yuy2", "yuv422_yuyv"), 0
)
# All brightness first, then colour: how many pixels share one in both directions, and whether V stands before U.
_PLANAR = {"nv12": (2, False), "nv21": (2, True), "nv24": (1, False)}
_GRAY = {"mono8": 1, "8uc1": 1, "y8": 1}
_GRAY16 = {"mono16": 2, "y16": 2}
_DEPTH = {"16uc1": "u2", "mono16": "u2", "y16": "u2", "z16": "u2", "32fc1": "f4", "64fc1": "f8"}


def role_of(encoding: str) -> Role:
    """What a picture of this encoding can be."""
    name = encoding.strip().lower()
    if name in _COLOR or name in _PACKED or name in _PLANAR:
        return "color"
    if name in _GRAY:
        return "gray"
    if name in _GRAY16:
        return "gray16"
    return "depth" if name in _DEPTH else "unknown"


class RawPixels(NamedTuple):
    """A picture as a message carries it: nothing of it is believed until it is decoded.

    Attributes:
        encoding: Name of the pixel layout.
        width: Pixels across.
        height: Pixels down.
        step: Bytes from one row to the next, 0 where the message does not say.
        big_endian: Whether values of several bytes begin with the highest.
        data: The bytes.
        full_range: Whether brightness and colour apart (YUV) use all 256 values, as Foxglove shows them; else 16 to
            235, as ROS's cv_bridge takes them.
    """

    encoding: str
    width: int
    height: int
    step: int
    big_endian: bool
    data: bytes | memoryview
    full_range: bool = False


def color_pixels(raw: RawPixels) -> NDArray[np.uint8]:
    """Colour or grey as (H, W, 3) uint8 RGB; of 16 bits a channel the upper eight.

    Raises:
        RecordingError: The encoding is none of colour or grey, or the bytes do not fit the size.
    """
    name = raw.encoding.strip().lower()
    if name in _PACKED:
        return _packed_yuv(raw, _PACKED[name])
    if name in _PLANAR:
        return _planar_yuv(raw, *_PLANAR[name])
    if name in _GRAY or name in _GRAY16:
        layout = _Layout(1, _GRAY.get(name, 2), cv2.COLOR_GRAY2RGB)
    elif name in _COLOR:
        layout = _COLOR[name]
    else:
        raise RecordingError(f"a colour picture has the encoding {raw.encoding!r:.40}, which is not known")
    pixels = _rows(raw, f"u{layout.item}", layout.channels)
    if layout.item == 2:
        pixels = (pixels >> 8).astype(np.uint8)
    if layout.to_rgb is None:
        return pixels
    try:
        return cv2.cvtColor(np.ascontiguousarray(pixels), layout.to_rgb).astype(np.uint8, copy=False)
    except cv2.error as error:
        raise RecordingError(f"a picture in {raw.encoding!r:.40} cannot be decoded: {error.err}") from None


def depth_pixels(raw: RawPixels) -> NDArray[np.uint16] | NDArray[np.float32]:
    """Depth as it is stored: (H, W) uint16 counts, or float32 metres.

    Raises:
        RecordingError: The encoding is none of depth, or the bytes do not fit the size.
    """
    name = raw.encoding.strip().lower()
    if name not in _DEPTH:
        raise RecordingError(f"a depth picture has the encoding {raw.encoding!r:.40}, which is not known")
    pixels = _rows(raw, _DEPTH[name], 1)
    if pixels.dtype.kind == "u":
        return pixels.astype(np.uint16, copy=False)
    return pixels.astype(np.float32, copy=False)


def id_pixels(raw: RawPixels, dtype: type[np.uint8 | np.uint16]) -> NDArray[Any]:
    """A picture of ids as (H, W) of `dtype`.

    Raises:
        RecordingError: It has another encoding, or the bytes do not fit the size.
    """
    wanted = "8UC1" if dtype is np.uint8 else "16UC1"
    if raw.encoding != wanted:
        raise RecordingError(f"a picture of ids has the encoding {raw.encoding!r:.40} in place of {wanted}")
    return _rows(raw, f"u{np.dtype(dtype).itemsize}", 1).astype(dtype, copy=False)


def check_size(width: int, height: int) -> None:
    """Refuses a picture that no camera takes.

    Raises:
        RecordingError: It has no pixels, or too many.
    """
    if not (width > 0 and height > 0 and width * height <= MAX_PIXELS):
        raise RecordingError(f"a picture claims to have {width}x{height} pixels")


def _rows(raw: RawPixels, kind: str, channels: int) -> NDArray[Any]:
    """The (H, W) or (H, W, C) array of a picture, without copying."""
    dtype = np.dtype(("<", ">")[raw.big_endian] + kind)
    row = raw.width * channels * dtype.itemsize
    step = raw.step or row
    check_size(raw.width, raw.height)
    if step < row or len(raw.data) < step * (raw.height - 1) + row:
        raise RecordingError(
            f"a picture claims {raw.width}x{raw.height} pixels of {raw.encoding!r:.40} in rows of {step} bytes, but "
            f"{len(raw.data)} bytes are there"
        )
    strides = (step, channels * dtype.itemsize, dtype.itemsize)
    pixels: NDArray[Any] = np.ndarray((raw.height, raw.width, channels), dtype, raw.data, 0, strides)
    return pixels[:, :, 0] if channels == 1 else pixels


def _packed_yuv(raw: RawPixels, luma_at: int) -> NDArray[np.uint8]:
    if raw.width % 2:
        raise RecordingError(f"a picture in {raw.encoding!r:.40} has an odd width of {raw.width} pixels")
    pairs = _rows(raw, "u1", 2)
    colors = pairs[:, :, 1 - luma_at]
    u, v = (np.repeat(colors[:, start::2], 2, axis=1) for start in (0, 1))
    return _rgb_of(pairs[:, :, luma_at], u, v, raw)


def _planar_yuv(raw: RawPixels, shared: int, v_first: bool) -> NDArray[np.uint8]:
    step = raw.step or raw.width
    check_size(raw.width, raw.height)
    if raw.width % shared or raw.height % shared:
        raise RecordingError(f"a picture in {raw.encoding!r:.40} has an odd size of {raw.width}x{raw.height} pixels")
    rows, color_step = raw.height // shared, step * 2 // shared
    if step < raw.width or len(raw.data) < step * raw.height + color_step * rows:
        raise RecordingError(
            f"a picture claims {raw.width}x{raw.height} pixels of {raw.encoding!r:.40}, but only {len(raw.data)} bytes "
            "are there"
        )
    data = np.frombuffer(raw.data, np.uint8)
    luma = data[: step * raw.height].reshape(raw.height, step)[:, : raw.width]
    colors = data[step * raw.height :][: color_step * rows].reshape(rows, color_step)[:, : raw.width * 2 // shared]
    first, second = (colors[:, start::2].repeat(shared, axis=0).repeat(shared, axis=1) for start in (0, 1))
    return _rgb_of(luma, second if v_first else first, first if v_first else second, raw)


# From 16..235 (colour: 16..240) to all 256 values.
_LUMA_RANGE = np.clip(np.round((np.arange(256) - 16) * 255 / 219), 0, 255).astype(np.uint8)
_COLOR_RANGE = np.clip(np.round((np.arange(256) - 128) * 255 / 224 + 128), 0, 255).astype(np.uint8)


def _rgb_of(luma: NDArray[np.uint8], u: NDArray[np.uint8], v: NDArray[np.uint8], raw: RawPixels) -> NDArray[np.uint8]:
    """RGB of three (H, W) planes, by BT.601."""
    if not raw.full_range:
        luma, u, v = _LUMA_RANGE[luma], _COLOR_RANGE[u], _COLOR_RANGE[v]
    return cv2.cvtColor(np.dstack([luma, v, u]), cv2.COLOR_YCrCb2RGB).astype(np.uint8, copy=False)


def words_of(text: str) -> frozenset[str]:
    """The words of a topic, a file name or a frame id: split at everything that is no letter, in lower case."""
    return frozenset(word for word in re.split(r"[^a-z]+", text.lower()) if word)
