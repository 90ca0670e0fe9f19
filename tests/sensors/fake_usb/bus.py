"""A Kinect v1 on a bus of its own: builds `fake_usb.c`, lays out the camera's file, and changes it while frames run.

The scene is a wall with two boards in front of it, all facing the camera. The depth camera and the colour camera, 24 mm
beside it, each see it by the laws of the pinhole; what libfreenect's registration makes of the two is compared with
what the colour camera really sees.
"""

from __future__ import annotations

import ctypes
import mmap
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

SOURCE = Path(__file__).with_name("fake_usb.c")
WIDTH, HEIGHT, FRAMES = 640, 480, 8
SERIAL = "A00362A08602047A"
FRAMES_AT = 8192
# A Kinect's own numbers: focal length 120 mm over pixels of 0.1042 mm, halved to 640x480; distances in millimetres.
FX = 120 / (2 * 0.1042)
PROJECTOR_MM, COLOR_MM, REFERENCE_MM = 75.0, 24.0, 1200.0
CENTRE_X, CENTRE_Y = 319.5, 239.5
CONST_SHIFT = 200
NO_RETURN = 2047


class Fields(ctypes.LittleEndianStructure):
    """`struct bus`: what is on the bus, what goes wrong on it (chances in 65536), and what has happened."""

    _fields_ = (
        *((name, ctypes.c_uint32) for name in ("plugged", "open_error", "silent", "stuck", "frame_us")),
        *((name, ctypes.c_uint32) for name in ("lose", "late", "shorten", "garble", "fail")),
        *((name, ctypes.c_uint32) for name in ("unplug_after", "frames", "first_tick", "seed", "mute_control")),
        *((name, ctypes.c_uint32) for name in ("opened", "closed", "packets", "lost", "delayed", "shortened")),
        *((name, ctypes.c_uint32) for name in ("garbled", "failed", "begun", "in_flight")),
        ("spare", ctypes.c_uint32 * 7),
        ("serial", ctypes.c_char * 32),
        ("registration", ctypes.c_uint8 * 128),
        ("padding", ctypes.c_uint8 * 8),
        ("shift", ctypes.c_uint8 * 8),
        ("zero_plane", ctypes.c_uint8 * 336),
        ("registers", ctypes.c_uint16 * 2048),
        ("cmos", ctypes.c_uint16 * 512),
    )


@dataclass(frozen=True)
class Board:
    """A flat thing that faces the camera: its distance, its edges in millimetres from the depth camera, its colour."""

    z_mm: float
    left: float
    top: float
    right: float
    bottom: float
    color: tuple[int, int, int]

    def covers(self, x_mm: float) -> NDArray[np.bool_]:
        """(HEIGHT, WIDTH), as a camera sees it that stands `x_mm` to the right of the depth camera."""
        x = CENTRE_X + FX * (np.array([self.left, self.right]) - x_mm) / self.z_mm
        y = CENTRE_Y + FX * np.array([self.top, self.bottom]) / self.z_mm
        columns, rows = np.arange(WIDTH), np.arange(HEIGHT)
        inside = (columns >= x[0]) & (columns < x[1])
        return (rows >= y[0])[:, None] & (rows < y[1])[:, None] & inside


def scene(number: int) -> list[Board]:
    """The boards of one picture, the farthest first; the near one moves."""
    step = 25.0 * number
    return [
        Board(2500, -5000, -5000, 5000, 5000, (180, 170, 150)),
        Board(1700, -600, -350, -150, 300, (60, 120, 200)),
        Board(900, -150 + step, -200, 50 + step, 150, (200, 60, 40)),
    ]


def seen(number: int, x_mm: float) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Colour and true distance in millimetres of one picture, for a camera at `x_mm`."""
    color, depth = np.zeros((HEIGHT, WIDTH, 3), np.uint8), np.zeros((HEIGHT, WIDTH))
    for board in scene(number):
        covered = board.covers(x_mm)
        color[covered], depth[covered] = board.color, board.z_mm
    return color, depth


def disparity(depth_mm: NDArray[np.float64]) -> NDArray[np.uint16]:
    """What the depth camera sends for a distance: eighths of a pixel of its double-sized picture, counted from 800."""
    moved = PROJECTOR_MM / 10 - PROJECTOR_MM / 10 * REFERENCE_MM / depth_mm
    return np.round(4 * (moved / 0.1042 + CONST_SHIFT + 0.375)).astype(np.uint16)


def packed(values: NDArray[np.uint16]) -> bytes:
    """Eleven bits a value, the highest first."""
    bits = np.unpackbits(values.astype(">u2").reshape(-1, 1).view(np.uint8), axis=1)
    return np.packbits(bits[:, 5:]).tobytes()


def bayer(color: NDArray[np.uint8]) -> bytes:
    """One value a pixel: green red / blue green."""
    mosaic = color[..., 1].copy()
    mosaic[0::2, 1::2] = color[0::2, 1::2, 0]
    mosaic[1::2, 0::2] = color[1::2, 0::2, 2]
    return mosaic.tobytes()


def build(folder: Path) -> Path | None:
    """The library, None where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    library = folder / "fake_usb.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE)], check=True, timeout=PATIENCE_S
    )
    return library


class Bus:
    """A bus with a plugged-in camera; the fields of `Fields` are attributes.

    Args:
        path: The file to create.
    """

    def __init__(self, path: Path) -> None:
        pictures = []
        for number in range(FRAMES):
            color, _ = seen(number, COLOR_MM)
            _, depth = seen(number, 0.0)
            raw = disparity(depth)
            raw[:6] = NO_RETURN
            pictures += [bayer(color), packed(raw)]
        path.write_bytes(bytes(FRAMES_AT) + b"".join(pictures))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)
        fields = Fields.from_buffer(self._memory)
        self._fields = fields
        fields.plugged, fields.frames, fields.seed, fields.frame_us = 1, FRAMES, 1, 33_333
        fields.first_tick = 2**32 - 20_000_000  # Wraps after ten pictures.
        fields.serial = SERIAL.encode()
        fields.shift[:] = struct.pack("<HHI", 0, CONST_SHIFT, 0)
        plane = struct.pack("<4f", PROJECTOR_MM / 10, 2.3, REFERENCE_MM / 10, 0.1042)
        fields.zero_plane[94 : 94 + len(plane)] = plane
        # The table of the registration is a shift alone, in 256ths of a pixel: it cancels what libfreenect adds to the
        # parallax, and half a pixel makes its cutting off a rounding.
        added = 1 + 0.375 + FX * COLOR_MM / REFERENCE_MM
        start_x, start_y = round((0.5 - added) * 256), round(-0.5 * 256)
        words = [0] * 29
        words[5], words[10] = start_x, start_y
        fields.registration[2:118] = struct.pack("<29i", *words)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fields, name)

    def set(self, **values: int) -> None:
        """Changes fields, for all processes at once."""
        for name, value in values.items():
            setattr(self._fields, name, value)

    def plug_in(self) -> None:
        """Another number tells the library that this is not the camera it knew."""
        self.set(plugged=self.opened + 2)
