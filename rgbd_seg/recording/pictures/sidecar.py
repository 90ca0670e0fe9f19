"""`rgbd_seg.json`: the small file beside pictures that says what their pixels mean.

Everything in it is optional:

    {
      "depth_unit_m": 0.001,               metres per count
      "invalid_depth": 65535,              another count that means "no return" (0: there is none besides 0)
      "registered": true,                  whether depth was registered to colour
      "assumed": ["depth_unit_m"],         which of these were assumed when this was written, because nobody had said
      "intrinsics": {"width": 640, "height": 480, "fx": 525, "fy": 525, "cx": 319.5, "cy": 239.5, "distortion": []},
      "fps": 30,                           where the frames have no times of their own
      "start_ns": 1700000000000000000,     when the first frame was taken, nanoseconds since 1970
      "label_set": "sunrgbd37",            a built-in set, or {"name": ..., "classes": [...]}
      "labels": {"origin": "hand"},        who made the labels (see label_provenance.py)
      "name": "Asus Xtion",                what people call the recording
      "details": {"serial": "1205"}        anything else worth keeping, as text
    }
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import Calibration, Intrinsics, LensModel, Origin
from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.labels import BUILT_IN, LabelSet
from rgbd_seg.recording.label_provenance import LabelProvenance

SIDECAR = "rgbd_seg.json"
_MATRIX_FILES = ("camera-intrinsics.txt", "intrinsics.txt", "camera_intrinsics.txt")
_MAX_TEXT_BYTES = 4_000_000
# The usual focal length of a Kinect-class camera in picture widths: 525 pixels at 640.
_ASSUMED_FOCAL_WIDTHS = 525 / 640


@dataclass(frozen=True, slots=True)
class Sidecar:
    """The content of `rgbd_seg.json`; None where it says nothing."""

    depth_unit_m: float | None = None
    invalid_depth: int | None = None
    registered: bool | None = None
    intrinsics: Intrinsics | None = None
    assumed: tuple[str, ...] = ()
    fps: float | None = None
    start_ns: int | None = None
    label_set: LabelSet | None = None
    labels: LabelProvenance = field(default_factory=LabelProvenance)
    name: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)

    def origin(self, key: str) -> Origin:
        """Where the number under a key comes from: the file, or an assumption that the file tells."""
        return "assumed" if key in self.assumed else "file"

    def to_json(self) -> str:
        """The text of the file; `read_sidecar` reads it back."""
        rows: dict[str, Any] = {
            "depth_unit_m": self.depth_unit_m,
            "invalid_depth": self.invalid_depth,
            "registered": self.registered,
            "intrinsics": self.intrinsics.to_dict() if self.intrinsics else None,
            "assumed": list(self.assumed) or None,
            "fps": self.fps,
            "start_ns": self.start_ns,
            "label_set": self.label_set.to_dict() if self.label_set else None,
            "labels": self.labels.to_dict() if self.label_set else None,
            "name": self.name,
            "details": dict(self.details),
        }
        return json.dumps({key: value for key, value in rows.items() if value is not None}, indent=2) + "\n"


def sidecar_of(calibration: Calibration) -> Sidecar:
    """What a sidecar of ours says of a camera, and which of it was assumed; holes are 0 and nothing else."""
    told = {
        "intrinsics": calibration.origin,
        "depth_unit_m": calibration.unit_origin,
        "registered": calibration.registration_origin,
    }
    return Sidecar(
        depth_unit_m=calibration.depth_unit_m,
        invalid_depth=0,
        registered=calibration.registered,
        intrinsics=calibration.color,
        assumed=tuple(key for key, origin in told.items() if origin == "assumed"),
    )


def read_sidecar(folder: Path) -> Sidecar | None:
    """Reads `rgbd_seg.json` in a folder; None where there is none.

    Raises:
        RecordingError: The file cannot be read or holds something else; the message names the key.
    """
    path = folder / SIDECAR
    if not path.is_file():
        return None
    data = read_json(path)
    if not isinstance(data, dict):
        raise RecordingError(f'{path} must hold one JSON object such as {{"depth_unit_m": 0.001}}')
    try:
        details, assumed = data.get("details") or {}, data.get("assumed")
        return Sidecar(
            depth_unit_m=_number(data, "depth_unit_m", 1e-7, 1.0),
            invalid_depth=_whole(data, "invalid_depth", 65535),
            registered=_flag(data, "registered"),
            intrinsics=Intrinsics.from_dict(data["intrinsics"]) if data.get("intrinsics") else None,
            assumed=tuple(str(key)[:40] for key in assumed[:10]) if isinstance(assumed, list) else (),
            fps=_number(data, "fps", 0.001, 1000.0),
            start_ns=_whole(data, "start_ns", 2**62),
            label_set=_label_set(data.get("label_set"), f"{path}: label_set"),
            labels=LabelProvenance.from_dict(data.get("labels")),
            name=str(data["name"])[:200] if data.get("name") else None,
            details={str(k)[:100]: str(v)[:1000] for k, v in details.items()} if isinstance(details, dict) else {},
        )
    except ConfigurationError as error:
        raise RecordingError(f"{path}: {error}") from None


def read_json(path: Path, max_bytes: int = _MAX_TEXT_BYTES) -> Any:
    """Parses a JSON file.

    Raises:
        RecordingError: It cannot be read, is too large, or is not JSON; the message says where it breaks.
    """
    try:
        return json.loads(read_text(path, max_bytes))
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{path} is not valid JSON: {error}") from None


def read_text(path: Path, max_bytes: int = _MAX_TEXT_BYTES) -> str:
    """The text of a small file.

    Raises:
        RecordingError: It cannot be read, is too large, or is not text.
    """
    try:
        if path.stat().st_size > max_bytes:
            raise RecordingError(f"{path} is too large to be read as text (over {max_bytes} bytes)")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"cannot read {path}: {error}") from None


@dataclass(frozen=True, slots=True)
class Matrix:
    """Focal lengths and principal point in pixels from a calibration file, which may name no picture size (0)."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int = 0
    height: int = 0
    distortion: tuple[float, ...] = ()
    lens_model: LensModel = "brown-conrady"

    def is_within(self, width: int, height: int) -> bool:
        """Whether the principal point lies in a picture of this size."""
        return -0.5 <= self.cx <= width - 0.5 and -0.5 <= self.cy <= height - 0.5

    def intrinsics(self, width: int, height: int) -> Intrinsics:
        """The camera of a picture of this size."""
        numbers = (self.fx, self.fy, self.cx, self.cy, self.distortion, self.lens_model)
        own = Intrinsics(self.width or width, self.height or height, *numbers)
        return own if (own.width, own.height) == (width, height) else own.scaled(width, height)


def read_matrix(path: Path) -> Matrix:
    """Reads nine numbers, row by row, such as SUN RGB-D's `intrinsics.txt` and 7-Scenes' `camera-intrinsics.txt`.

    Raises:
        RecordingError: The file does not hold a camera matrix.
    """
    try:
        numbers = [float(word) for word in read_text(path, 10_000).split()]
    except ValueError:
        numbers = []
    if len(numbers) < 9 or not all(map(math.isfinite, numbers[:9])) or numbers[0] <= 0 or numbers[4] <= 0:
        raise RecordingError(f"{path} holds no camera matrix: expected nine numbers fx 0 cx 0 fy cy 0 0 1")
    return Matrix(numbers[0], numbers[4], numbers[2], numbers[5])


def find_matrix(*folders: Path) -> Matrix | None:
    """The camera matrix from the first of these folders that has one under a customary name."""
    for folder in folders:
        for name in _MATRIX_FILES:
            if (folder / name).is_file():
                return read_matrix(folder / name)
    return None


@dataclass(frozen=True, slots=True)
class Geometry:
    """How a folder's pictures become metres; makes the calibration for each picture size.

    Attributes:
        depth_unit_m: Metres per count.
        registered: Whether depth was registered to colour.
        intrinsics: From a sidecar, for one picture size; others are scaled.
        matrix: From a text file; holds for any size.
        usual: The camera that this layout customarily has, where no file says more.
        depth_matrix: Of depth where it was taken by another camera than colour; it is then moved to colour.
        to_color: Rotation and translation from depth's frame to colour's, None for none.
        same_camera: Whether this layout's depth comes out of colour's own camera, whatever its size (phones).
        origins: Where intrinsics from a sidecar, depth unit and registration come from.
    """

    depth_unit_m: float
    registered: bool = True
    intrinsics: Intrinsics | None = None
    matrix: Matrix | None = None
    usual: Intrinsics | None = None
    depth_matrix: Matrix | None = None
    to_color: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    same_camera: bool = False
    origins: tuple[Origin, Origin, Origin] = ("file", "assumed", "assumed")

    def calibration(self, width: int, height: int) -> Calibration:
        """The calibration of a picture of this size."""
        if self.intrinsics is None and self.matrix is not None:
            return self._of(self.matrix.intrinsics(width, height), "file")
        focal = _ASSUMED_FOCAL_WIDTHS * width
        guess = Intrinsics(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)
        color = self.intrinsics or self.usual or guess
        if (color.width, color.height) != (width, height):
            color = color.scaled(width, height)
        return self._of(color, self.origins[0] if self.intrinsics else "assumed")

    def _of(self, color: Intrinsics, origin: Origin) -> Calibration:
        return Calibration(color, self.depth_unit_m, self.registered, origin, *self.origins[1:])


def _number(data: Mapping[str, Any], key: str, low: float, high: float) -> float | None:
    value = data.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ConfigurationError(f"{key} must be a number {low:g} to {high:g}, not {value!r:.80}")
    return float(value)


def _flag(data: Mapping[str, Any], key: str) -> bool | None:
    value = data.get(key)
    if value is not None and not isinstance(value, bool):
        raise ConfigurationError(f"{key} must be true or false, not {value!r:.80}")
    return value


def _whole(data: Mapping[str, Any], key: str, most: int) -> int | None:
    value = data.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most):
        raise ConfigurationError(f"{key} must be a whole number 0 to {most}, not {value!r:.80}")
    return value


def _label_set(value: Any, origin: str) -> LabelSet | None:
    if value is None:
        return None
    # Only built-in sets by name: a file from a stranger must not point at other files.
    if isinstance(value, str):
        if value not in BUILT_IN:
            raise ConfigurationError(f"{origin} must be one of {', '.join(BUILT_IN)} or an object, not {value!r:.80}")
        return LabelSet.load(value)
    return LabelSet.from_dict(value, origin)
