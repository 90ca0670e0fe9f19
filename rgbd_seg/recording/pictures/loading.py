"""Single pictures from strangers' folders: colour, depth and label files, checked before they are decoded.

The window and the training read pictures with these functions and no others, so that both see the same pixels.
A header is believed only within limits, a cut-off file is refused (OpenCV fills the rest of a JPEG with grey and says
nothing), and depth that is not 16 bit is refused, because it is not metric.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from rgbd_seg.calibration import MAX_SIDE
from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.pictures.codec import MAX_SCANNED_PIXELS, check_effort
from rgbd_seg.recording.pictures.depth_arrays import ARRAY_SUFFIXES, read_array

COLOR_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".ppm", ".pnm", ".bmp", ".webp", ".tif", ".tiff"})
DEPTH_SUFFIXES = frozenset({".png", ".pgm", ".pnm", ".tif", ".tiff"}) | ARRAY_SUFFIXES
LABEL_SUFFIXES = frozenset({".png"})
#: A saturated count is no measurement in any customary unit; 7-Scenes uses it for holes.
SATURATED = 65535
#: Void in labels of many tools; no label set has so many classes.
VOID = 255
VOID_NOTE = (
    "255 in label pictures is taken for void, as 0 is; where 0 was the first class there, all ids are one too small."
)

_WITH_EXIF = ("JPEG", "WEBP")  # Of PNG it may stand behind the pixels.
_ORIENTATION = 0x0112  # In EXIF.
_PNG_BITS_AT = 24
_MAX_FILE_BYTES = 200_000_000
_MAX_PIXELS = 50_000_000
_FORMATS = ("PNG", "JPEG", "PPM", "BMP", "WEBP", "TIFF")
#: What depth in floating point, which is in metres, is stored in.
FLOAT_UNIT_M = 0.001
# Pillow refuses huge pictures by a warning or an error, far above our own limit.
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
# Pillow's names for one 16-bit channel; a 16-bit PGM is "I".
_SIXTEEN_BIT = frozenset({"I;16", "I;16B", "I;16L", "I"})


class UnreadablePictureError(RecordingError):
    """A picture file is missing, cut off or damaged; its neighbours may be fine."""


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """What a picture's header says: pixels across and down, and whether it is one channel that can hold distances."""

    width: int
    height: int
    is_depth: bool
    kind: str
    mode: str
    orientation: int = 1
    bits: int = 8

    @property
    def changes(self) -> tuple[str, ...]:
        """What decoding it as colour leaves out, in whole sentences."""
        found = []
        if self.orientation != 1:
            found.append(
                f"Colour pictures have an EXIF rotation ({self.orientation}), which is not applied: depth and labels "
                "have none."
            )
        if "A" in self.mode or self.mode == "PA":
            found.append("Colour pictures have an alpha channel, which is left out.")
        if self.bits > 8:
            found.append("Colour pictures have 16 bits, of which the upper 8 are kept.")
        if self.mode in ("1", "L", "LA", "I", *_SIXTEEN_BIT):
            found.append("Colour pictures are grey.")
        return tuple(found)


def read_header(path: Path) -> PictureHeader:
    """Reads a picture's header without decoding it.

    Raises:
        UnreadablePictureError: It is no picture, it is damaged, or it claims an absurd size.
    """
    try:
        with path.open("rb") as file:
            return _header(file, path)
    except OSError as error:
        raise UnreadablePictureError(f"cannot read {path}: {error.strerror or error}") from None


def _say_nothing(_sentence: str) -> None:
    """Where nobody listens."""


def read_color(path: Path, say: Callable[[str], None] = _say_nothing) -> NDArray[np.uint8]:
    """Decodes a colour picture as it is stored (EXIF rotation is not applied: depth has none).

    Args:
        path: The file.
        say: Called with a sentence for whatever is not kept: a rotation, alpha, bits beyond eight.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        UnreadablePictureError: The file is missing, damaged or no picture.
    """
    data, header = _read_checked(path)
    for sentence in header.changes:
        say(sentence)
    return _decode(path, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION, data).astype(np.uint8, copy=False)


def read_depth(path: Path, invalid: int = 0, float_unit_m: float = 1.0) -> NDArray[np.uint16]:
    """Decodes a depth picture, counts as they are stored; floating point becomes millimetres.

    Args:
        path: The file.
        invalid: A count besides 0 that means "no return"; it becomes 0.
        float_unit_m: Metres of the number 1 in floating point.

    Returns:
        (H, W) uint16, 0 = no return.

    Raises:
        RecordingError: The file is missing or damaged, or it has not one channel of 16 bits or of floating point.
    """
    plane = stored_depth(path)
    if plane.dtype.kind == "f":
        with np.errstate(invalid="ignore", over="ignore"):
            millimetres = np.nan_to_num(plane.astype(np.float64) * (float_unit_m / FLOAT_UNIT_M), nan=0.0)
        there = (millimetres > 0) & (millimetres < 65535.5)
        return np.where(there, np.maximum(np.round(millimetres), 1), 0).astype(np.uint16)
    counts = plane.astype(np.uint16)
    if invalid:
        counts[counts == invalid] = 0
    return counts.astype(np.uint16, copy=False)


def too_far_note(depth: NDArray[Any]) -> list[str]:
    """A sentence where most of a picture of floating-point depth would be holes, taken for metres."""
    seen = depth[np.isfinite(depth) & (depth > 0)]
    farthest_m = SATURATED * FLOAT_UNIT_M
    if not seen.size or float(np.median(seen)) < farthest_m:
        return []
    return [
        f"Most of the depth is beyond {farthest_m:.1f} m and becomes holes, taken for metres: it may be in millimetres "
        "(?depth_unit_m=0.001)."
    ]


def stored_depth(path: Path) -> NDArray[np.generic]:
    """Decodes a depth picture as it is stored.

    Returns:
        (H, W) of whole numbers 0..65535, or of floating point.

    Raises:
        RecordingError: The file is missing or damaged, or holds no distances.
    """
    if path.suffix.lower() in ARRAY_SUFFIXES:
        plane: NDArray[Any] = read_array(path)
    else:
        plane = np.asarray(_decode(path, cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION))
        if plane.ndim != 2 or plane.dtype == np.uint8:
            raise RecordingError(_not_metric(path))
    if plane.dtype.kind != "f" and not 0 <= int(plane.min(initial=0)) <= int(plane.max(initial=0)) <= SATURATED:
        raise RecordingError(f"{path} holds numbers beyond 0..65535, which are no counts of depth")
    return plane


def read_labels(path: Path, say: Callable[[str], None] = _say_nothing, *, keep_255: bool = False) -> NDArray[np.uint8]:
    """Decodes a label map: the ids of a grey picture of 1 to 16 bits, or the indices of an indexed one.

    Grey saved as colour or with alpha is read as grey, and 255 is void as 0 is.

    Args:
        path: The file.
        say: Called with `VOID_NOTE` where 255 occurs.
        keep_255: Leaves 255 as it is: whoever asks knows better what it means.

    Returns:
        (H, W) uint8.

    Raises:
        RecordingError: The file is missing or damaged, or its pixels are no ids 0..255 (colours, for instance).
    """
    data, header = _read_checked(path)
    if header.mode == "P":  # OpenCV would turn the indices into colours.
        try:
            with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
                ids: NDArray[np.generic] = np.array(picture, np.uint8)
        except (OSError, ValueError, SyntaxError, struct.error, zlib.error, *_BOMBS) as error:
            raise UnreadablePictureError(f"{path} is damaged: {error}") from None
    else:
        ids = _grey(path, _decode(path, cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION, data))
        if header.bits < 8:  # Decoders stretch such values over 0..255.
            ids = ids // (255 // (2**header.bits - 1))
    if int(ids.max(initial=0)) > VOID:
        raise RecordingError(f"{path} is no label map: it holds {int(ids.max())}, and class ids go from 0 to 255")
    labels = ids.astype(np.uint8)
    void = labels == VOID
    if void.any() and not keep_255:
        say(VOID_NOTE)
        labels[void] = 0
    return labels


def _grey(path: Path, pixels: NDArray[np.generic]) -> NDArray[np.integer[Any]]:
    """The one channel of a label map, also where a tool has saved it three times or with alpha.

    Raises:
        RecordingError: They are colours.
    """
    if pixels.ndim == 2:
        return pixels  # type: ignore[return-value]
    first = pixels[..., 0]
    if pixels.shape[2] > 2 and not (np.array_equal(first, pixels[..., 1]) and np.array_equal(first, pixels[..., 2])):
        colors = np.unique(pixels[..., 2::-1].reshape(-1, 3), axis=0)
        some = ", ".join(str(tuple(map(int, color))) for color in colors[:4])
        raise RecordingError(
            f"{path} is no label map: it holds colours ({some}{', ...' if len(colors) > 4 else ''}), not class ids. "
            "rgbd-seg labels import reads them from SegmentationClass/ beside a labelmap.txt with lines NAME:R,G,B::"
        )
    return first  # type: ignore[return-value]


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


def depth_size(path: Path) -> tuple[int, int]:
    """Pixels across and down of a depth picture, from its header where it has one.

    Raises:
        UnreadablePictureError: It cannot be read.
        RecordingError: It holds no distances.
    """
    if path.suffix.lower() in ARRAY_SUFFIXES:
        height, width = read_array(path).shape
        return width, height
    header = read_header(path)
    if not header.is_depth:
        raise RecordingError(_not_metric(path))
    return header.width, header.height


def _not_metric(path: Path) -> str:
    return (
        f"{path} is not metric depth: it needs one channel of 16 bits (a count for each pixel, such as millimetres) or "
        "of floating point. Pictures of 8 bits or in colour have lost the distances; export the depth again as 16-bit "
        "PNG"
    )


def _header(file: IO[bytes], path: Path) -> PictureHeader:
    try:
        with Image.open(file, formats=_FORMATS) as picture:
            (width, height), mode, kind = picture.size, picture.mode, str(picture.format)
            if kind == "PNG" and "transparency" in picture.info and mode != "P":
                mode += "A"
            orientation = picture.getexif().get(_ORIENTATION, 1) if kind in _WITH_EXIF else 1
        bits = 16 if mode in _SIXTEEN_BIT else 8
        if kind == "PNG":  # Pillow opens 16-bit colour as 8.
            file.seek(_PNG_BITS_AT)
            bits = file.read(1)[0]
    except UnidentifiedImageError:  # Pillow names the object in memory.
        raise UnreadablePictureError(
            f"{path} is no picture that can be read (PNG, JPEG, PPM, PGM, BMP, WebP, TIFF)"
        ) from None
    except (OSError, ValueError, SyntaxError, struct.error, *_BOMBS) as error:
        raise UnreadablePictureError(f"{path} is no picture that can be read: {error}") from None
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE and width * height <= _MAX_PIXELS):
        raise UnreadablePictureError(
            f"{path} claims to be {width}x{height} pixels, which is too large to be a camera's picture"
        )
    upright = orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1
    return PictureHeader(width, height, mode in (*_SIXTEEN_BIT, "F"), kind, mode, upright, bits)


def _read_checked(path: Path) -> tuple[bytes, PictureHeader]:
    """The bytes of a picture file whose header is sane and whose end is there, and that header."""
    try:
        size = path.stat().st_size
        if size > _MAX_FILE_BYTES:
            raise UnreadablePictureError(f"{path} has {size} bytes, which is too much for one picture")
        data = path.read_bytes()
    except OSError as error:
        raise UnreadablePictureError(f"cannot read {path}: {error.strerror or error}") from None
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
    return data, header


def _decode(path: Path, flags: int, data: bytes | None = None) -> NDArray[np.uint8 | np.uint16]:
    data = _read_checked(path)[0] if data is None else data
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise UnreadablePictureError(f"{path} is damaged: {error}") from None
    if picture is None:
        raise UnreadablePictureError(f"{path} is damaged: its pixels cannot be decoded")
    return picture  # type: ignore[return-value]
