"""Foxglove's picture messages as arrays. Sizes are checked against the bytes that are really there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np
from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.RawImage_pb2 import RawImage
from google.protobuf.message import DecodeError

from rgbd_seg.calibration import Intrinsics
from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.recording.pictures.codec import MAX_PIXELS, decode_color, decode_depth_png, is_depth_png

if TYPE_CHECKING:
    from numpy.typing import NDArray

COMPRESSED, RAW, CALIBRATION = "foxglove.CompressedImage", "foxglove.RawImage", "foxglove.CameraCalibration"

# Foxglove's names of pixel layouts -> channels of 8 bits, and OpenCV's way to RGB.
_COLOR_ENCODINGS: dict[str, tuple[int, int | None]] = {
    "rgb8": (3, None),
    "8UC3": (3, cv2.COLOR_BGR2RGB),
    "bgr8": (3, cv2.COLOR_BGR2RGB),
    "rgba8": (4, cv2.COLOR_RGBA2RGB),
    "bgra8": (4, cv2.COLOR_BGRA2RGB),
    "mono8": (1, cv2.COLOR_GRAY2RGB),
}
_DEPTH_ENCODINGS = {"16UC1": "<u2", "mono16": "<u2", "32FC1": "<f4"}
_FLOAT_DEPTH_UNIT_M = 0.001

PictureKind = Literal["color", "depth", "other"]


def kind_of(schema: str, data: memoryview) -> PictureKind:
    """Whether a message is a colour or a depth picture, by its own description.

    Raises:
        RecordingError: It is damaged.
    """
    if schema == COMPRESSED:
        compressed = _parse(CompressedImage, data)
        if is_depth_png(compressed.data):
            return "depth"
        return "color" if compressed.format.lower() in ("jpeg", "jpg", "png") else "other"
    encoding = _parse(RawImage, data).encoding
    return "depth" if encoding in _DEPTH_ENCODINGS else "color" if encoding in _COLOR_ENCODINGS else "other"


def color_picture(schema: str, data: memoryview) -> NDArray[np.uint8]:
    """A colour message as (H, W, 3) uint8 RGB.

    Raises:
        RecordingError: It is damaged, or no colour picture.
    """
    if schema == COMPRESSED:
        return decode_color(_parse(CompressedImage, data).data)
    image = _parse(RawImage, data)
    if image.encoding not in _COLOR_ENCODINGS:
        raise RecordingError(f"a colour picture has the unknown pixel layout {image.encoding!r:.40}")
    channels, conversion = _COLOR_ENCODINGS[image.encoding]
    pixels = _pixels(image, "u1", channels)
    if conversion is None:
        return pixels
    return cv2.cvtColor(np.ascontiguousarray(pixels), conversion).astype(np.uint8, copy=False)


def depth_picture(schema: str, data: memoryview) -> NDArray[np.uint16]:
    """A depth message as (H, W) uint16: the counts as they were stored; metres as float become millimetres.

    Raises:
        RecordingError: It is damaged, or no depth picture.
    """
    if schema == COMPRESSED:
        return decode_depth_png(_parse(CompressedImage, data).data)
    image = _parse(RawImage, data)
    if image.encoding not in _DEPTH_ENCODINGS:
        raise RecordingError(f"a depth picture has the unknown pixel layout {image.encoding!r:.40}")
    pixels = _pixels(image, _DEPTH_ENCODINGS[image.encoding], 1)
    if pixels.dtype.kind == "f":
        counts = np.nan_to_num(pixels / _FLOAT_DEPTH_UNIT_M, nan=0.0, posinf=0.0, neginf=0.0)
        return np.where((counts < 0) | (counts > 65535), 0, counts).round().astype(np.uint16)
    return pixels.astype(np.uint16, copy=False)


def id_picture(data: memoryview, dtype: type[np.uint8 | np.uint16]) -> NDArray[Any]:
    """A label or instance message as (H, W) ids of `dtype`.

    Raises:
        RecordingError: It is damaged, or of another type.
    """
    image = _parse(RawImage, data)
    wanted = "8UC1" if dtype is np.uint8 else "16UC1"
    if image.encoding != wanted:
        raise RecordingError(f"a picture of ids has the pixel layout {image.encoding!r:.40} in place of {wanted}")
    return _pixels(image, np.dtype(dtype).newbyteorder("<").str, 1).astype(dtype, copy=False)


def intrinsics_of(data: memoryview) -> Intrinsics:
    """The intrinsics in a CameraCalibration message.

    Raises:
        RecordingError: It is damaged, or no pinhole camera.
    """
    message = _parse(CameraCalibration, data)
    if len(message.K) != 9:
        raise RecordingError("a camera calibration has no camera matrix")
    k, d = list(message.K), list(message.D)[:5]
    distortion = tuple(d + [0.0] * (5 - len(d))) if any(d) else ()
    try:
        return Intrinsics(message.width, message.height, k[0], k[4], k[2], k[5], distortion)
    except ConfigurationError as error:
        raise RecordingError(f"a camera calibration is damaged: {error}") from None


def _pixels(image: Any, dtype: str, channels: int) -> NDArray[Any]:
    """The (H, W) or (H, W, C) array inside a RawImage, without copying."""
    width, height, step = image.width, image.height, image.step
    row = width * channels * np.dtype(dtype).itemsize
    step = step or row
    if not 0 < width * height <= MAX_PIXELS or step < row or len(image.data) < step * (height - 1) + row:
        raise RecordingError(f"a picture claims to have {width}x{height} pixels, but {len(image.data)} bytes are there")
    shape, strides = (height, width, channels), (step, channels * np.dtype(dtype).itemsize, np.dtype(dtype).itemsize)
    pixels: NDArray[Any] = np.ndarray(shape, dtype, image.data, 0, strides)
    return pixels[:, :, 0] if channels == 1 else pixels


def _parse(kind: Any, data: memoryview) -> Any:
    message = kind()
    try:
        message.ParseFromString(data)
    except (DecodeError, ValueError, TypeError) as error:
        raise RecordingError(f"a message in the recording is damaged: {error}") from None
    return message
