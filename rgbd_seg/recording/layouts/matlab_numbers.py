"""Plain numbers out of MATLAB's files of version 5, which is how short lists come with data sets.

SciPy reads them, too, but a damaged one ends the process in it. The format: a header of 128 bytes, then elements of a
type and a length; a matrix is an element of elements (flags, sizes, name, values), or one that is compressed by zlib.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import RecordingError

_HEADER_BYTES = 128
_MATRIX, _COMPRESSED = 14, 15
# Types of values in the file, and the classes of a matrix that are real numbers.
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_NUMBERS = range(6, 16)
_COMPLEX = 0x0800
_LARGEST_BYTES = 10_000_000  # Of the file, and of what is compressed in it.


def read_numbers(path: Path) -> dict[str, NDArray[Any]]:
    """The matrices of real numbers in a file, by name; their values column by column, in one dimension.

    Raises:
        RecordingError: It is none of these files, or damaged.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror or error}") from None
    order = {b"IM": "<", b"MI": ">"}.get(data[126:_HEADER_BYTES])
    if order is None or len(data) > _LARGEST_BYTES:
        raise RecordingError(f"{path} is no small MATLAB file of version 5")
    try:
        found = {}
        for kind, content in _elements(data[_HEADER_BYTES:], order):
            if kind == _COMPRESSED:
                kind, content = next(_elements(_unpacked(content), order))
            if kind == _MATRIX:
                found.update(_matrix(content, order))
    except (ValueError, struct.error, zlib.error, StopIteration) as error:
        raise RecordingError(f"{path} is a damaged MATLAB file: {error!r}") from None
    return found


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Type and content of each."""
    place = 0
    while place + 8 <= len(data):
        kind, length = struct.unpack_from(f"{order}II", data, place)
        if kind >> 16:  # Up to four bytes stand beside their length.
            kind, length, begin, following = kind & 0xFFFF, kind >> 16, place + 4, place + 8
        else:
            begin = place + 8
            following = begin + length + (-length % 8 if kind != _COMPRESSED else 0)
        if begin + length > len(data) or following <= place:
            raise ValueError(f"an element of {length} bytes is longer than what is left")
        yield kind, data[begin : begin + length]
        place = following


def _unpacked(content: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    data = unpacking.decompress(content, _LARGEST_BYTES)
    if unpacking.unconsumed_tail:
        raise ValueError(f"more than {_LARGEST_BYTES} bytes are compressed in it")
    return data


def _matrix(content: bytes, order: str) -> dict[str, NDArray[Any]]:
    """Name and values; nothing for texts, structures and others."""
    parts = list(_elements(content, order))
    (flags,) = struct.unpack_from(f"{order}I", parts[0][1]) if parts else (0,)
    if flags & 0xFF not in _NUMBERS or flags & _COMPLEX:
        return {}
    if len(parts) < 4 or parts[3][0] not in _TYPES:
        raise ValueError("a matrix has no values")
    (_, sizes), (_, name), (kind, values) = parts[1:4]
    dtype = np.dtype(_TYPES[kind]).newbyteorder("<" if order == "<" else ">")
    count = math.prod(struct.unpack(f"{order}{len(sizes) // 4}i", sizes[: len(sizes) // 4 * 4]))
    if count * dtype.itemsize != len(values):
        raise ValueError(f"a matrix of {count} values has {len(values)} bytes of them")
    return {name.decode("ascii", "replace"): np.frombuffer(values, dtype).astype(dtype.newbyteorder("="))}
