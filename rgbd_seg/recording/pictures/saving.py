"""Writes single pictures: colour, 16-bit depth, label maps as grey or indexed PNG; each as a whole or not at all."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rgbd_seg.errors import RecordingError

# Deeper levels cost several times as long for a few per cent.
_PNG_LEVEL = 2
_JPEG_QUALITY = 95


def write_color(path: Path, color: NDArray[np.uint8]) -> None:
    """Writes (H, W, 3) uint8 RGB; lossless unless the name ends in .jpg.

    Raises:
        RecordingError: It cannot be written.
    """
    flags = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if path.suffix == ".jpg" else _png_flags()
    _write(path, _encode(path, cv2.cvtColor(color, cv2.COLOR_RGB2BGR), flags))


def write_gray(path: Path, values: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
    """Writes (H, W) uint8 or uint16 as they are: depth counts, label ids.

    Raises:
        RecordingError: It cannot be written.
    """
    _write(path, _encode(path, values, _png_flags()))


def write_indexed(path: Path, labels: NDArray[np.uint8], palette: NDArray[np.uint8]) -> None:
    """Writes label ids as an indexed PNG, which pictures show in colour and annotation tools read as ids.

    Args:
        path: Where.
        labels: (H, W) uint8 ids.
        palette: (256, 3) uint8 RGB by id.

    Raises:
        RecordingError: It cannot be written.
    """
    height, width = labels.shape
    picture = Image.frombytes("P", (width, height), np.ascontiguousarray(labels).tobytes())
    picture.putpalette(palette.tobytes())
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=_PNG_LEVEL)
    _write(path, buffer.getvalue())


def write_text(path: Path, text: str) -> None:
    """Writes a small text file.

    Raises:
        RecordingError: It cannot be written.
    """
    _write(path, text.encode("utf-8"))


def _png_flags() -> list[int]:
    return [cv2.IMWRITE_PNG_COMPRESSION, _PNG_LEVEL]


def _encode(path: Path, picture: Any, flags: list[int]) -> bytes:
    done, data = cv2.imencode(path.suffix, picture, flags)
    if not done:
        raise RecordingError(f"{path} cannot be encoded as {path.suffix}")
    return bytes(data.data)


def _write(path: Path, data: bytes) -> None:
    """Replaces a file as a whole, or leaves what is there."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        os.replace(partial, path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise RecordingError(f"cannot write {path}: {error.strerror or error}") from error
