"""Single pictures from strangers' folders: colour, depth and label files, checked before they are decoded.

A header is believed only within limits, a cut-off file is refused (OpenCV fills the rest of a JPEG with grey and says
nothing), and depth that is not 16 bit is refused, because it is not metric.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from rgbd_seg.calibration import MAX_SIDE
from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.pictures.codec import MAX_SCANNED_PIXELS, check_effort

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

COLOR_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".ppm", ".bmp"})
DEPTH_SUFFIXES = frozenset({".png", ".pgm"})
LABEL_SUFFIXES = frozenset({".png"})

_MAX_FILE_BYTES = 200_000_000
_MAX_PIXELS = 50_000_000
_FORMATS = ("PNG", "JPEG", "PPM", "BMP")
# Pillow refuses huge pictures by a warning or an error, far above our own limit.
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
# Pillow's names for one 16-bit channel; a 16-bit PGM is "I".
_SIXTEEN_BIT = frozenset({"I;16", "I;16B", "I;16L", "I"})


class UnreadablePictureError(RecordingError):
    """A picture file is missing, cut off or damaged; its neighbours may be fine."""


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """What a picture's header says: pixels across and down, and whether it is one 16-bit channel."""

    width: int
    height: int
    is_16_bit_gray: bool
    kind: str


def read_header(path: Path) -> PictureHeader:
    """Reads a picture's header without decoding it.

    Raises:
        UnreadablePictureError: It is no picture, it is damaged, or it claims an absurd size.
    """
    try:
        with path.open("rb") as file:
            return _header(file, path)
    except OSError as error:
        raise UnreadablePictureError(f"cannot read {path}: {error}") from None


def read_color(path: Path) -> NDArray[np.uint8]:
    """Decodes a colour picture as it is stored (EXIF rotation is not applied: depth has none).

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        UnreadablePictureError: The file is missing, damaged or no picture.
    """
    return _decode(path, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION).astype(np.uint8, copy=False)


def read_depth(path: Path) -> NDArray[np.uint16]:
    """Decodes a depth picture, counts as they are stored.

    Returns:
        (H, W) uint16.

    Raises:
        RecordingError: The file is missing or damaged, or it has not one channel of 16 bits.
    """
    counts = _decode(path, cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if counts.dtype != np.uint16 or counts.ndim != 2:
        raise RecordingError(_not_metric(path))
    return counts.astype(np.uint16, copy=False)


def read_labels(path: Path) -> NDArray[np.uint8]:
    """Decodes a label map: the ids of a grey picture, also one saved as RGB or RGBA, or the indices of an indexed one.

    Returns:
        (H, W) uint8.

    Raises:
        RecordingError: The file is missing or damaged, or its pixels are no ids 0..255 (colours, for instance).
    """
    data = _read_checked(path)
    with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
        if picture.mode == "P":  # OpenCV would turn the indices into colours.
            return np.array(picture, np.uint8)
        if picture.mode == "1":
            return np.array(picture, np.uint8)
    ids = _decode(path, cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION, data)
    if ids.ndim == 3:
        blue, green, red = (ids[..., channel] for channel in range(3))
        if not (np.array_equal(blue, green) and np.array_equal(green, red)):
            raise RecordingError(
                f"{path} is no label map: it needs one channel with class ids, but its pixels are colours. "
                "rgbd-seg labels import turns colours into ids, with a list of what they mean"
            )
        ids = blue
    if int(ids.max(initial=0)) > 255:
        raise RecordingError(f"{path} is no label map: its ids go up to {ids.max()}, and 255 is the most")
    return ids.astype(np.uint8)


def read_instances(path: Path) -> NDArray[np.uint16]:
    """Decodes a map of instance ids.

    Returns:
        (H, W) uint16.

    Raises:
        RecordingError: The file is missing or damaged, or it has several channels.
    """
    ids = _decode(path, cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if ids.ndim != 2:
        raise RecordingError(f"{path} is no map of instances: it needs one channel")
    return ids.astype(np.uint16, copy=False)


def check_pair(color: Path, depth: Path) -> PictureHeader:
    """Checks from the headers alone that two pictures are a pair of colour and metric depth.

    Returns:
        The colour picture's header.

    Raises:
        UnreadablePictureError: One cannot be read.
        RecordingError: Depth is not 16 bit, or the sizes differ.
    """
    first, second = read_header(color), read_header(depth)
    if not second.is_16_bit_gray:
        raise RecordingError(_not_metric(depth))
    if (first.width, first.height) != (second.width, second.height):
        raise RecordingError(
            f"the sizes do not match: {color} is {first.width}x{first.height}, but {depth} is "
            f"{second.width}x{second.height}. Depth must lie on the colour picture's own pixel grid"
        )
    return first


def _not_metric(path: Path) -> str:
    return (
        f"{path} is not metric depth: it needs one channel of 16 bits (a count for each pixel, such as millimetres). "
        "Pictures of 8 bits or in colour have lost the distances; export the depth again as 16-bit PNG"
    )


def _header(file: IO[bytes], path: Path) -> PictureHeader:
    try:
        with Image.open(file, formats=_FORMATS) as picture:
            (width, height), mode, kind = picture.size, picture.mode, str(picture.format)
    except (OSError, ValueError, SyntaxError, *_BOMBS) as error:
        raise UnreadablePictureError(f"{path} is no picture that can be read: {error}".replace("<_io.", "<")) from None
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE and width * height <= _MAX_PIXELS):
        raise UnreadablePictureError(
            f"{path} claims to be {width}x{height} pixels, which is too large to be a camera's picture"
        )
    return PictureHeader(width, height, mode in _SIXTEEN_BIT, kind)


def _read_checked(path: Path) -> bytes:
    """The bytes of a picture file whose header is sane and whose end is there."""
    try:
        size = path.stat().st_size
        if size > _MAX_FILE_BYTES:
            raise UnreadablePictureError(f"{path} has {size} bytes, which is too much for one picture")
        data = path.read_bytes()
    except OSError as error:
        raise UnreadablePictureError(f"cannot read {path}: {error}") from None
    header = _header(io.BytesIO(data), path)
    kind = header.kind
    # The end-of-picture mark must come after the last start of scan; trailing bytes are harmless.
    ends = {"JPEG": data.rfind(b"\xff\xd9") > data.rfind(b"\xff\xda"), "PNG": b"IEND" in data}
    if not ends.get(kind, True):
        raise UnreadablePictureError(f"{path} is truncated: the end of the picture is missing")
    if kind == "JPEG" and data.count(b"\xff\xda") * header.width * header.height > MAX_SCANNED_PIXELS:
        raise UnreadablePictureError(f"{path} has more scans than any camera's picture")
    if kind == "PNG":
        try:
            check_effort(data)  # OpenCV looks for seconds for a part that is longer than the file.
        except RecordingError as error:
            raise UnreadablePictureError(f"{path}: {error}") from None
    return data


def _decode(path: Path, flags: int, data: bytes | None = None) -> NDArray[np.uint8 | np.uint16]:
    data = _read_checked(path) if data is None else data
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise UnreadablePictureError(f"{path} is damaged: {error}") from None
    if picture is None:
        raise UnreadablePictureError(f"{path} is damaged: its pixels cannot be decoded")
    return picture  # type: ignore[return-value]
