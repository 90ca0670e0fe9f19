"""Pictures in and out of bytes; a size that a header claims is checked before any memory is spent on it."""

from __future__ import annotations

import struct
import zlib
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import RecordingError

#: No RGB-D camera is known with more than 13 million pixels.
MAX_PIXELS = 64 * 1024 * 1024

_PNG = b"\x89PNG\r\n\x1a\n"
#: A progressive JPEG may go over the whole picture again and again; cameras and libraries need about ten scans.
MAX_SCANNED_PIXELS = 1_000_000_000


def encode_color(color: NDArray[np.uint8], kind: Literal["jpeg", "png"], quality: int) -> bytes:
    """Encodes a picture.

    Args:
        color: (H, W, 3) uint8 RGB.
        kind: "jpeg", or "png" (lossless, fastest level).
        quality: Of the JPEG, 1..100.
    """
    bgr = cv2.cvtColor(color, cv2.COLOR_RGB2BGR)
    if kind == "jpeg":
        done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    else:
        done, data = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise RecordingError(f"a picture of {color.shape[1]}x{color.shape[0]} cannot be stored as {kind}")
    return bytes(data.data)


def encode_indexed(ids: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    """Ids as an indexed PNG, which every program shows in the colours of its palette.

    OpenCV writes a grey PNG, fast; the colours are put into it: another type of picture, and the palette's own part.

    Args:
        ids: (H, W) uint8.
        palette: (256, 3) uint8 RGB by id.
    """
    done, data = cv2.imencode(".png", ids, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise RecordingError(f"labels of {ids.shape[1]}x{ids.shape[0]} cannot be stored as png")
    grey = bytes(data.data)
    # A part is its length, name, content and checksum; the first is the header, whose tenth byte is the type.
    header = bytearray(grey[16:29])
    header[9] = 3  # Indexed.

    def part(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    return grey[:8] + part(b"IHDR", bytes(header)) + part(b"PLTE", palette.tobytes()) + grey[33:]


def decode_color(data: bytes) -> NDArray[np.uint8]:
    """Decodes a JPEG or PNG to (H, W, 3) uint8 RGB.

    Raises:
        RecordingError: It is neither, it is damaged, or it is larger than any camera's picture.
    """
    bgr = _decode(data, cv2.IMREAD_COLOR)
    if bgr.dtype != np.uint8 or bgr.ndim != 3:
        raise RecordingError(f"a colour picture has 8 bits and three channels, not {bgr.dtype} {bgr.shape}")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def picture_size(data: bytes) -> tuple[int, int]:
    """Width and height that the header of a JPEG or PNG claims.

    Raises:
        RecordingError: It is neither, or has no size.
    """
    if data.startswith(_PNG):
        if len(data) >= 24 and data[12:16] == b"IHDR":
            width, height = struct.unpack_from(">II", data, 16)
            return width, height
    elif data.startswith(b"\xff\xd8"):
        position = 2
        while position + 9 <= len(data) and data[position] == 0xFF:
            marker = data[position + 1]
            if marker == 0xFF:  # A fill byte.
                position += 1
                continue
            # The start-of-frame markers C0..CF, without the tables C4 and CC and the reserved C8.
            if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
                height, width = struct.unpack_from(">HH", data, position + 5)
                return width, height
            if marker == 0xDA:
                break
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    raise RecordingError("a picture in the recording is neither JPEG nor PNG, or its header is damaged")


def check_effort(data: bytes) -> tuple[int, int]:
    """Refuses a JPEG or PNG that would take absurd memory or time to decode, whatever its length.

    Returns:
        Width and height.

    Raises:
        RecordingError: It claims too many pixels, too many scans, or parts longer than itself (for which OpenCV would
            take the memory first); or it is no picture.
    """
    width, height = picture_size(data)
    if not 0 < width * height <= MAX_PIXELS:
        raise RecordingError(f"a picture in the recording claims to have {width}x{height} pixels")
    if not data.startswith(_PNG):
        if data.count(b"\xff\xda") * width * height > MAX_SCANNED_PIXELS:
            raise RecordingError("a picture in the recording has more scans than any camera's")
        return width, height
    position, kind = len(_PNG), b""
    kinds: set[bytes] = set()
    while kind != b"IEND":
        length, kind = int.from_bytes(data[position : position + 4], "big"), data[position + 4 : position + 8]
        position += 12 + length
        # The end holds nothing; where it claims to, or no pixels came before it, OpenCV looks on behind it.
        empty = kind == b"IEND" and (length or b"IDAT" not in kinds)
        if len(kind) < 4 or position > len(data) or empty:
            raise RecordingError("a picture in the recording is cut off or damaged")
        kinds.add(kind)
    return width, height


def _decode(data: bytes, flags: int) -> NDArray[Any]:
    width, height = check_effort(data)
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise RecordingError(f"a picture in the recording is damaged: {error.err}") from None
    if picture is None or picture.shape[:2] != (height, width):
        raise RecordingError("a picture in the recording is damaged")
    return np.asarray(picture)
