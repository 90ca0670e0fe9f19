"""The picture messages of our own files as arrays. Sizes are checked against the bytes that are really there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.messages.encodings import id_pixels
from rgbd_seg.recording.messages.foxglove import read_protobuf
from rgbd_seg.recording.messages.message import Picture

RAW = "foxglove.RawImage"


def color_picture(schema: str, data: memoryview) -> NDArray[np.uint8]:
    """A colour message as (H, W, 3) uint8 RGB.

    Raises:
        RecordingError: It is damaged, or no colour picture.
    """
    return _picture(schema, data).color()


def depth_picture(schema: str, data: memoryview) -> NDArray[np.uint16]:
    """A depth message as (H, W) uint16: the counts as they were stored.

    Raises:
        RecordingError: It is damaged, or no depth picture.
    """
    counts = _picture(schema, data).depth()
    if counts.dtype != np.uint16:
        raise RecordingError("a depth picture holds no counts")
    return counts.astype(np.uint16, copy=False)


def id_picture(data: memoryview, dtype: type[np.uint8 | np.uint16]) -> NDArray[Any]:
    """A label or instance message as (H, W) ids of `dtype`.

    Raises:
        RecordingError: It is damaged, or of another type.
    """
    raw = _picture(RAW, data).raw
    if raw is None:
        raise RecordingError("a picture of ids is compressed")
    return id_pixels(raw, dtype)


def _picture(schema: str, data: memoryview) -> Picture:
    if schema not in (RAW, "foxglove.CompressedImage"):
        raise RecordingError(f"a message is no picture ({schema!r:.60})")
    found = read_protobuf(schema, data)
    assert isinstance(found, Picture)
    return found
