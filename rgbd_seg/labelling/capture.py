"""Which frames of a camera are worth labelling: sharp ones, unlike all those before, at most so many a second."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.labelling.doubt import glimpse
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.pictures.saving import write_color, write_gray, write_text
from rgbd_seg.recording.pictures.sidecar import SIDECAR, sidecar_of

# The sharpest frame of late is forgotten by this share with every frame: a dull corner of a room is not blurred.
_FORGET = 0.97
_SHARP_WIDTH = 320


@dataclass(frozen=True, slots=True)
class Choice:
    """Which frames are taken.

    Attributes:
        every_s: At most one in so many seconds.
        change: Differing so much from each frame that was taken, 0..1.
        blur: As sharp as so many times the sharpest frame of late, 0..1.
    """

    every_s: float = 0.5
    change: float = 0.15
    blur: float = 0.6

    def __post_init__(self) -> None:
        if not (math.isfinite(self.every_s) and 0 <= self.every_s <= 86400):
            raise ConfigurationError(f"--every must be 0 to 86400 seconds, not {self.every_s:g}")
        for name in ("change", "blur"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigurationError(f"--{name} must be 0 to 1, not {getattr(self, name):g}")


class CaptureFolder:
    """A folder of `image/` and `depth/` that frames are offered to.

    Attributes:
        count: How many frames lie in it.
        left_out: How many were left out, by reason.
    """

    def __init__(self, root: Path, choice: Choice, looks: list[NDArray[np.float32]], next_number: int) -> None:
        self.count = len(looks)
        self.left_out = {"too soon": 0, "blurred": 0, "like one before": 0}
        self._root, self._choice, self._looks, self._next = root, choice, looks, next_number
        self._last_ns: int | None = None
        self._sharpest = 0.0

    def offer(self, frame: RgbdFrame) -> str:
        """Takes a frame or leaves it out; returns why it was left out, "" if it was taken.

        Raises:
            RecordingError: It cannot be written.
        """
        choice = self._choice
        sharp = sharpness(frame.color)
        self._sharpest = max(self._sharpest * _FORGET, sharp)
        why = ""
        if self._last_ns is not None and (frame.host_ns - self._last_ns) / 1e9 < choice.every_s:
            why = "too soon"
        elif sharp < choice.blur * self._sharpest:
            why = "blurred"
        else:
            look = glimpse(frame).look
            if choice.change and any(_difference(look, other) < choice.change for other in self._looks):
                why = "like one before"
        if why:
            self.left_out[why] += 1
            return why
        self._write(frame)
        self._looks.append(look)
        self._last_ns = frame.host_ns
        return ""

    def _write(self, frame: RgbdFrame) -> None:
        if not (self._root / SIDECAR).is_file():
            write_text(self._root / SIDECAR, sidecar_of(frame.calibration).to_json())
        name = f"{self._next:06d}"
        write_gray(self._root / "depth" / f"{name}.png", frame.depth)
        write_color(self._root / "image" / f"{name}.png", frame.color)
        self._next += 1
        self.count += 1


def open_folder(root: Path, choice: Choice) -> CaptureFolder:
    """Begins a folder, or goes on with one.

    Raises:
        RecordingError: There is something else at that place.
    """
    if root.exists() and (not root.is_dir() or (any(root.iterdir()) and not (root / "image").is_dir())):
        raise RecordingError(f"{root} exists already and is no folder of image/ and depth/: choose another name")
    names = [path.stem for path in (root / "image").glob("*.png")] if root.is_dir() else []
    looks: list[NDArray[np.float32]] = []
    if names:
        with open_recording(root) as reader:
            looks = [glimpse(stored.as_captured()).look for stored in reader]
    numbers = [int(name) for name in names if name.isascii() and name.isdigit()]
    return CaptureFolder(root, choice, looks, max(numbers, default=-1) + 1)


def sharpness(color: NDArray[np.uint8]) -> float:
    """How much fine detail a picture has, for its contrast: larger is sharper; 0 for a blank one."""
    scale = min(1.0, _SHARP_WIDTH / color.shape[1])
    gray = cv2.cvtColor(cv2.resize(color, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    contrast = float(np.asarray(gray).std())
    return float(np.asarray(cv2.Laplacian(gray, cv2.CV_32F)).std()) / contrast if contrast > 1 else 0.0


def _difference(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """0 for equal looks, towards 1 for different places."""
    return 1 - math.exp(-float(np.sqrt(((one - other) ** 2).mean())))
