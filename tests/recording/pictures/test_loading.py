"""Single pictures: what is read exactly, and what is refused before it is decoded."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PIL import Image

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.pictures.loading import (
    UnreadablePictureError,
    depth_size,
    read_color,
    read_depth,
    read_header,
    read_instances,
    read_labels,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 65536, (40, 60)).astype(np.uint16)


def test_depth_is_exact(tmp_path: Path, noise: np.ndarray) -> None:
    for name in ("d.png", "d.pgm"):
        cv2.imwrite(str(tmp_path / name), noise)
        assert np.array_equal(read_depth(tmp_path / name), noise)
        assert read_header(tmp_path / name).is_depth


def test_color_is_rgb_whatever_was_stored(tmp_path: Path) -> None:
    rgb = np.zeros((4, 6, 3), np.uint8)
    rgb[..., 0] = 200
    cv2.imwrite(str(tmp_path / "rgb.png"), rgb[..., ::-1])
    Image.fromarray(np.dstack([rgb, np.full((4, 6), 9, np.uint8)])).save(tmp_path / "rgba.png")
    for name in ("rgb.png", "rgba.png"):
        assert np.array_equal(read_color(tmp_path / name), rgb)
    cv2.imwrite(str(tmp_path / "gray.png"), rgb[..., 0])
    assert read_color(tmp_path / "gray.png").shape == (4, 6, 3)


def test_exif_rotation_is_not_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: rotate by a quarter turn.
    Image.new("RGB", (32, 16), (255, 0, 0)).save(tmp_path / "turned.jpg", exif=exif)
    assert read_color(tmp_path / "turned.jpg").shape == (16, 32, 3)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.9, 0.999])
def test_cut_off_pictures_are_refused(tmp_path: Path, suffix: str, share: float) -> None:
    whole = tmp_path / f"whole{suffix}"
    cv2.imwrite(str(whole), np.random.default_rng(1).integers(0, 255, (64, 64, 3)).astype(np.uint8))
    data = whole.read_bytes()
    assert read_color(whole).shape == (64, 64, 3)
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(UnreadablePictureError, match="cut"):
        read_color(cut)


def test_bytes_behind_a_jpeg_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "phone.jpg"
    cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
    path.write_bytes(path.read_bytes() + b"maker's notes" * 10)
    assert read_color(path).shape == (8, 8, 3)


def test_flipped_bits_in_a_png_are_refused(tmp_path: Path, noise: np.ndarray) -> None:
    path = tmp_path / "d.png"
    cv2.imwrite(str(path), noise)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(UnreadablePictureError, match="damaged"):
        read_depth(path)


@pytest.mark.parametrize("size", [(60000, 60000), (16384, 16384), (2**31 - 1, 4), (0, 5)])
def test_lying_headers_are_refused_before_decoding(tmp_path: Path, size: tuple[int, int]) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 16, 0, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    path = tmp_path / "bomb.png"
    path.write_bytes(data)
    for read in (read_color, read_depth, read_labels, read_header):
        with pytest.raises(UnreadablePictureError, match=r"bomb\.png"):
            read(path)


def test_parts_beyond_the_end_and_endless_scans_are_refused_before_decoding(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "part.png"), np.zeros((6, 8, 3), np.uint8))
    data = bytearray((tmp_path / "part.png").read_bytes())
    data[data.index(b"IDAT") - 2] += 1  # OpenCV would look for the rest of it for seconds.
    (tmp_path / "part.png").write_bytes(data)
    cv2.imwrite(str(tmp_path / "scans.jpg"), np.zeros((1024, 1024, 3), np.uint8))
    scans = (tmp_path / "scans.jpg").read_bytes()
    (tmp_path / "scans.jpg").write_bytes(scans[:-2] + b"\xff\xda" * 2000 + b"\xff\xd9")
    for name, words in (("part.png", "cut off"), ("scans.jpg", "scans")):
        with pytest.raises(UnreadablePictureError, match=words):
            read_color(tmp_path / name)


def test_8_bit_and_colour_depth_are_refused_with_the_reason(tmp_path: Path, noise: np.ndarray) -> None:
    gray, color = (noise >> np.uint16(8)).astype(np.uint8), tmp_path / "color.png"
    cv2.imwrite(str(color), np.dstack([gray] * 3))
    cv2.imwrite(str(tmp_path / "gray.png"), gray)
    for depth in ("gray.png", "color.png"):
        with pytest.raises(RecordingError, match="not metric depth"):
            read_depth(tmp_path / depth)
        with pytest.raises(RecordingError, match="not metric depth"):
            depth_size(tmp_path / depth)


def test_labels_from_grey_and_from_indexed_pictures_are_the_same(tmp_path: Path) -> None:
    ids = np.arange(48, dtype=np.uint8).reshape(6, 8)
    cv2.imwrite(str(tmp_path / "gray.png"), ids)
    indexed = Image.frombytes("P", (8, 6), ids.tobytes())
    indexed.putpalette([255 - i // 3 for i in range(768)])
    indexed.save(tmp_path / "indexed.png")
    for name in ("gray.png", "indexed.png"):
        assert np.array_equal(read_labels(tmp_path / name), ids)
    cv2.imwrite(str(tmp_path / "wide.png"), ids.astype(np.uint16) + np.uint16(300))
    Image.fromarray(ids).convert("RGB").save(tmp_path / "rgb.png")
    Image.fromarray(ids).convert("RGBA").save(tmp_path / "rgba.png")
    Image.fromarray(ids).convert("LA").save(tmp_path / "la.png")
    for name in ("rgb.png", "rgba.png", "la.png"):
        assert np.array_equal(read_labels(tmp_path / name), ids)
    Image.fromarray(ids > 2).save(tmp_path / "one_bit.png")
    assert np.array_equal(read_labels(tmp_path / "one_bit.png"), ids > 2)
    Image.fromarray(np.dstack([ids, ids, ids + 1])).save(tmp_path / "colours.png")
    with pytest.raises(RecordingError, match="it holds colours"):
        read_labels(tmp_path / "colours.png")
    with pytest.raises(RecordingError, match="no label map"):
        read_labels(tmp_path / "wide.png")
    assert read_instances(tmp_path / "wide.png").max() == 347


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadablePictureError, match=r"gone\.png"):
        read_depth(tmp_path / "gone.png")
