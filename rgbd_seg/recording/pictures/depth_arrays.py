"""Depth that is no picture file: NumPy arrays, PFM and OpenEXR. Sizes that a header claims are checked before use."""

from __future__ import annotations

import io
import re
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import MAX_SIDE
from rgbd_seg.errors import RecordingError

ARRAY_SUFFIXES = frozenset({".npy", ".npz", ".pfm", ".exr"})
_MAX_BYTES = 400_000_000
_PFM = re.compile(rb"Pf\s+(\d{1,6})\s+(\d{1,6})\s+(-?[0-9.eE+-]{1,20})[ \t\r]*\n")
# NumPy reads its header as Python text, and zipfile and zlib have errors of their own.
_DAMAGE = (
    *(OSError, ValueError, EOFError, MemoryError, SyntaxError, RecursionError, RuntimeError),
    *(tokenize.TokenError, zipfile.BadZipFile, zlib.error, struct.error),
)
_NAMES = ("depth", "arr_0", "data")


def read_array(path: Path) -> NDArray[Any]:
    """Reads one of `ARRAY_SUFFIXES`.

    Returns:
        (H, W) of any number type, as it is stored.

    Raises:
        RecordingError: It is damaged, holds Python objects, or no single plane.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise RecordingError(f"{path} is too large for one picture")
        reader = {".npy": _npy, ".npz": _npz, ".pfm": _pfm, ".exr": _exr}[path.suffix.lower()]
        plane = np.squeeze(reader(path))
    except _DAMAGE as error:
        raise RecordingError(f"{path} cannot be read: {error}") from None
    if plane.ndim != 2 or plane.dtype.kind not in "uif" or not 0 < max(plane.shape) <= MAX_SIDE:
        raise RecordingError(f"{path} is no depth: it needs one plane of numbers, not {plane.dtype} {plane.shape}")
    return plane


def _npy(path: Path) -> NDArray[Any]:
    return _array_of(path.read_bytes())


def _array_of(data: bytes) -> NDArray[Any]:
    """An array whose claimed size is that of the bytes: NumPy would take the memory first."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    head = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = head(file)
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    if int(np.prod(shape, dtype=object)) * dtype.itemsize > len(data):
        raise ValueError("it claims to be larger than the file")
    file.seek(0)
    array: NDArray[Any] = np.load(file, allow_pickle=False)
    return array


def _npz(path: Path) -> NDArray[Any]:
    with zipfile.ZipFile(path) as file:
        names = [info for info in file.infolist() if info.filename.endswith(".npy")]
        names.sort(key=lambda info: info.filename[:-4] not in _NAMES)
        if not names or names[0].file_size > _MAX_BYTES:
            raise ValueError("there is no array in it, or it is too large")
        with file.open(names[0]) as entry:
            return _array_of(entry.read(_MAX_BYTES))


def _pfm(path: Path) -> NDArray[Any]:
    data = path.read_bytes()
    head = _PFM.match(data)
    if head is None:
        raise ValueError("it is no PFM with one channel")
    width, height = int(head[1]), int(head[2])
    if len(data) - head.end() < width * height * 4:
        raise ValueError("it is cut off")
    order = "<f4" if float(head[3]) < 0 else ">f4"
    # Rows begin at the bottom.
    return np.frombuffer(data, order, width * height, head.end()).reshape(height, width)[::-1]


def _exr(path: Path) -> NDArray[Any]:
    try:
        import OpenEXR
    except ImportError:
        raise RecordingError(f"{path}: for OpenEXR pictures, pip install 'rgbd-seg[exr]'") from None
    try:
        with OpenEXR.File(str(path), separate_channels=True, header_only=True) as head:
            low, high = head.header()["dataWindow"]
            if max(int(high[0]) - int(low[0]), int(high[1]) - int(low[1])) >= MAX_SIDE:
                raise ValueError("it claims to be larger than any camera's picture")
        with OpenEXR.File(str(path), separate_channels=True) as file:
            channels = file.channels()
            for name in ("Z", "Y", "R", "depth", *sorted(channels)):
                if name in channels:
                    return np.array(channels[name].pixels)
    except (RuntimeError, KeyError, TypeError) as error:
        raise ValueError(str(error)) from None
    raise ValueError("it has no channels")
