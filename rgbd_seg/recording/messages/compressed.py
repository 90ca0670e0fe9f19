"""Compressed pictures of ROS and Foxglove: JPEG, PNG, WebP, TIFF, and ROS's `compressedDepth` (PNG or RVL).

What a picture is, its bytes tell; the text beside them ("jpeg", "image/png", "rgb8; jpeg compressed bgr8", "16UC1;
compressedDepth rvl") says what it was before, which is what tells infrared from colour.
"""

from __future__ import annotations

import re
import struct
from typing import Any, Literal

import cv2
import numpy as np
import zstandard
from numpy.typing import NDArray

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.messages.encodings import RawPixels, Role, check_size, color_pixels, depth_pixels, role_of
from rgbd_seg.recording.pictures.codec import check_effort, decode_color

Codec = Literal["jpeg", "png", "webp", "tiff", "compressedDepth", "unknown"]

_PNG = b"\x89PNG\r\n\x1a\n"
# ROS's ConfigHeader before the picture: an enumeration and the two numbers of the quantisation of metres.
_HEADER = struct.Struct("<iff")
_RVL_SIZE = struct.Struct("<II")
# Raw pixels as librealsense packs those that PNG cannot hold: "YUYV; zstd; 640x480 step=1280".
_ZSTD = re.compile(r"(\w{1,20}); zstd; (\d{1,6})x(\d{1,6}) step=(\d{1,8})$")


def codec_of(data: bytes | memoryview) -> Codec:
    """How a picture is packed, by its first bytes."""
    start = bytes(data[:32])
    if start.startswith(_PNG):
        return "png"
    if start.startswith(b"\xff\xd8"):
        return "jpeg"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "webp"
    if start[:4] in (b"II*\0", b"MM\0*"):
        return "tiff"
    return "unknown"


def packed_role(data: bytes | memoryview, text: str) -> Role:
    """Whether a compressed picture is colour, grey or depth.

    Args:
        data: The message's bytes.
        text: Its `format`.
    """
    if "compresseddepth" in text.lower():
        return "depth"
    packed = _ZSTD.match(text.strip())
    if packed:
        return role_of(packed[1])
    before = role_of(text.split(";")[0])
    codec = codec_of(data)
    if codec == "png" and len(data) > 25:
        bits, kind = data[24], data[25]
        if kind == 0 and bits == 16:
            # A 16-bit picture of one channel: depth, unless the sender says that it was infrared.
            return before if before in ("gray16", "depth") else "depth"
        return "gray" if kind == 0 else "color"
    if codec == "jpeg":
        return "gray" if before in ("gray", "gray16", "depth") or _jpeg_channels(bytes(data[:65536])) == 1 else "color"
    if codec in ("webp", "tiff"):
        return before if before != "unknown" else "color"
    return "unknown"


def packed_color(data: bytes | memoryview, text: str) -> NDArray[np.uint8]:
    """A compressed colour or grey picture as (H, W, 3) uint8 RGB.

    Raises:
        RecordingError: It is packed in a way that is not known, or damaged.
    """
    raw = _unpacked(data, text)
    if raw is not None:
        return color_pixels(raw)
    codec = codec_of(data)
    if codec in ("jpeg", "png"):
        return decode_color(bytes(data))
    if codec in ("webp", "tiff"):
        return cv2.cvtColor(_eight_bits(_decoded(bytes(data), cv2.IMREAD_COLOR)), cv2.COLOR_BGR2RGB).astype(
            np.uint8, copy=False
        )
    raise RecordingError(f"a compressed picture has the format {text!r:.60}, which is not known")


def packed_depth(data: bytes | memoryview, text: str) -> NDArray[np.uint16] | NDArray[np.float32]:
    """Compressed depth as it was before: (H, W) uint16 counts, or float32 metres.

    Raises:
        RecordingError: It is packed in a way that keeps no distances, or damaged.
    """
    raw = _unpacked(data, text)
    if raw is not None:
        return depth_pixels(raw)
    if codec_of(data) in ("png", "tiff"):
        return _sixteen_bits(bytes(data))
    if "compresseddepth" not in text.lower():
        raise RecordingError(f"a compressed depth picture has the format {text!r:.60}, which is not known")
    if len(data) < _HEADER.size:
        raise RecordingError("a compressed depth picture is cut off")
    _, a, b = _HEADER.unpack_from(data)
    body = bytes(data[_HEADER.size :])
    counts = _sixteen_bits(body) if codec_of(body) == "png" else decode_rvl(body)
    if role_of(text.split(";")[0]) == "depth" and text.strip().lower().startswith("32fc1"):
        # image_transport's compressedDepth keeps metres as a share of the inverse distance.
        with np.errstate(divide="ignore", invalid="ignore"):
            metres = np.float32(a) / (counts.astype(np.float32) - np.float32(b))
        return np.where(counts > 0, metres, np.float32("nan")).astype(np.float32, copy=False)
    return counts


def _unpacked(data: bytes | memoryview, text: str) -> RawPixels | None:
    """The pixels of a picture that is packed with zstd, None if it is packed otherwise.

    Raises:
        RecordingError: They cannot be unpacked, or are more than they should be.
    """
    packed = _ZSTD.match(text.strip())
    if not packed:
        return None
    width, height, step = (int(packed[i]) for i in (2, 3, 4))
    check_size(width, height)
    if not 0 < step <= 64 * width:
        raise RecordingError("a packed picture has rows of an impossible length")
    try:
        pixels = zstandard.ZstdDecompressor().decompress(bytes(data), max_output_size=step * height)
    except zstandard.ZstdError as error:
        raise RecordingError(f"a packed picture cannot be unpacked: {error}") from None
    if len(pixels) > step * height:
        raise RecordingError("a packed picture is larger than it says")
    return RawPixels(packed[1], width, height, step, False, pixels)


def decode_rvl(data: bytes) -> NDArray[np.uint16]:
    """Depth packed with RVL, after its width and height.

    Source: A. D. Wilson, "Fast Lossless Depth Image Compression" (2017): runs of zeros and of differences, each number
    in groups of three bits with a mark whether more follow.

    Returns:
        (H, W) uint16 counts.

    Raises:
        RecordingError: It is cut off or damaged.
    """
    if len(data) < _RVL_SIZE.size:
        raise RecordingError("a depth picture packed with RVL is cut off")
    width, height = _RVL_SIZE.unpack_from(data)
    check_size(width, height)
    pixels = width * height
    numbers = _rvl_numbers(data[_RVL_SIZE.size :])
    where, differences = [], []
    at = done = 0
    while done < pixels:
        if at + 2 > len(numbers):
            raise RecordingError("a depth picture packed with RVL is cut off")
        zeros, run = int(numbers[at]), int(numbers[at + 1])
        at += 2
        done += zeros
        if (not zeros and not run and at > 2) or done + run > pixels or at + run > len(numbers):
            raise RecordingError("a depth picture packed with RVL is damaged")
        where.append((done, run))
        differences.append(numbers[at : at + run])
        done, at = done + run, at + run
    coded = np.concatenate(differences) if differences else np.zeros(0, np.int64)
    values = np.cumsum((coded >> 1) ^ -(coded & 1)).astype(np.uint16)
    counts = np.zeros(pixels, np.uint16)
    taken = 0
    for start, run in where:
        counts[start : start + run] = values[taken : taken + run]
        taken += run
    return counts.reshape(height, width)


def _rvl_numbers(data: bytes) -> NDArray[np.int64]:
    """All numbers of an RVL stream: words of eight groups, the first in the highest bits."""
    words = np.frombuffer(data, "<u4", len(data) // 4)
    shifts = np.arange(28, -4, -4, dtype=np.uint32)
    groups = ((words[:, None] >> shifts) & 15).astype(np.int64).ravel()
    ends = np.flatnonzero(groups < 8)
    if not len(ends):
        return np.zeros(0, np.int64)
    starts = np.concatenate([[0], ends[:-1] + 1])
    groups = groups[: ends[-1] + 1]
    place = np.arange(len(groups)) - np.repeat(starts, ends - starts + 1)
    numbers: NDArray[np.int64] = np.add.reduceat((groups & 7) << np.minimum(3 * place, 48), starts)
    return numbers


def _jpeg_channels(data: bytes) -> int:
    """Channels of a JPEG by its start of frame, 3 if it is not found."""
    position = 2
    while position + 10 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return data[position + 9]
        position += 1 if marker == 0xFF else 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return 3


def _sixteen_bits(data: bytes) -> NDArray[np.uint16]:
    counts = _decoded(data, cv2.IMREAD_UNCHANGED)
    if counts.dtype != np.uint16 or counts.ndim != 2:
        raise RecordingError(f"a depth picture has 16 bits and one channel, not {counts.dtype} {counts.shape}")
    return counts.astype(np.uint16, copy=False)


def _eight_bits(picture: NDArray[Any]) -> NDArray[np.uint8]:
    if picture.dtype == np.uint16:
        return (picture >> 8).astype(np.uint8)
    if picture.dtype != np.uint8 or picture.ndim != 3:
        raise RecordingError(f"a colour picture has 8 bits and three channels, not {picture.dtype} {picture.shape}")
    return picture.astype(np.uint8, copy=False)


def _decoded(data: bytes, flags: int) -> NDArray[Any]:
    """Decodes after looking at what the header claims."""
    if codec_of(data) in ("webp", "tiff"):
        check_size(*_claimed_size(data))
    else:
        check_effort(data)
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise RecordingError(f"a picture in the recording is damaged: {error.err}") from None
    if picture is None:
        raise RecordingError("a picture in the recording is damaged")
    return np.asarray(picture)


def _claimed_size(data: bytes) -> tuple[int, int]:
    """Width and height by Pillow, which reads no more than the header."""
    import io

    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=("WEBP", "TIFF")) as picture:
            return picture.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise RecordingError(f"a picture in the recording is damaged: {error}") from None
