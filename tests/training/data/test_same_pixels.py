"""Window and training read the same folder: whatever a tool has written, both see the same pixels, or both refuse."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PIL import Image

from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.recording import open_recording
from training.data.folder import PictureFolder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Bytes = Callable[[NDArray[np.uint8]], bytes]

HEIGHT, WIDTH = 24, 32
NAMES = ["wall", "floor", "box"]


def _colors() -> NDArray[np.uint8]:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.dstack([rows * 10, columns * 7, np.full_like(rows, 90)]).astype(np.uint8)


def _counts() -> NDArray[np.uint16]:
    counts = np.linspace(500, 4000, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint16)
    counts[:3, :3], counts[5:8, 5:8] = 0, 65535
    return counts


def _ids() -> NDArray[np.uint8]:
    return (np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) // 7 % 4).astype(np.uint8)


def _encoded(suffix: str) -> Bytes:
    return lambda pixels: bytes(cv2.imencode(suffix, pixels)[1].data)


def _saved(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _turned(orientation: int) -> Bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return lambda rgb: _saved(Image.fromarray(rgb), "JPEG", quality=98, exif=exif)


def _indexed(**options: object) -> Bytes:
    def encode(ids: NDArray[np.uint8]) -> bytes:
        picture = Image.frombytes("P", (WIDTH, HEIGHT), ids.tobytes())
        picture.putpalette(bytes(range(48)) if options else bytes(range(256)) * 3)
        return _saved(picture, **options)

    return encode


COLORS: dict[str, tuple[str, Bytes]] = {
    "png": (".png", lambda rgb: _saved(Image.fromarray(rgb))),
    "upside down by EXIF": (".jpg", _turned(3)),
    "lying by EXIF": (".JPG", _turned(6)),
    "ppm": (".ppm", lambda rgb: _saved(Image.fromarray(rgb), "PPM")),
    "bmp": (".bmp", lambda rgb: _saved(Image.fromarray(rgb), "BMP")),
    "alpha": (".png", lambda rgb: _saved(Image.fromarray(np.dstack([rgb, rgb[..., 0]])))),
    "16 bits": (".png", lambda rgb: _encoded(".png")(rgb[..., ::-1].astype(np.uint16) * 257)),  # type: ignore[arg-type]
    "grey": (".png", lambda rgb: _saved(Image.fromarray(rgb[..., 0]))),
}
LABELS: dict[str, Bytes] = {
    "grey": _encoded(".png"),
    "indexed": _indexed(),
    "indexed, 4 bits": _indexed(bits=4),
    "16 bits": lambda ids: _encoded(".png")(ids.astype(np.uint16)),  # type: ignore[arg-type]
    "grey as colour": lambda ids: _encoded(".png")(np.dstack([ids] * 3)),
    "grey as colour with alpha": lambda ids: _encoded(".png")(np.dstack([ids] * 3 + [np.full_like(ids, 255)])),
    "grey with alpha": lambda ids: _saved(Image.merge("LA", [Image.fromarray(ids), Image.fromarray(255 - ids)])),
    "255 is void": lambda ids: _encoded(".png")(np.where(ids == 0, 255, ids).astype(np.uint8)),
}


def make_folder(root: Path, color: tuple[str, Bytes], depth: str = ".png", labels: Bytes = LABELS["grey"]) -> Path:
    files = {
        f"image/000{color[0]}": color[1](_colors()),
        f"depth/000{depth}": _encoded(depth)(_counts()),  # type: ignore[arg-type]
        "label/000.png": labels(_ids()),
        "label/._000.png": b"left by macOS",
        "labels.json": b"\xef\xbb\xbf" + json.dumps({"name": "mine", "classes": NAMES}).encode(),
    }
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def assert_same(root: Path) -> tuple[str, ...]:
    """Compares both ways of reading; returns what the window's reader says."""
    sample = PictureFolder(root).read(0)
    with open_recording(root) as reader:
        assert len(reader) == 1
        stored = reader.read(0)
        assert stored.truth is not None
        assert stored.truth.label_set.names == PictureFolder(root).label_set.names == tuple(NAMES)
        assert np.array_equal(sample.color, stored.color)
        assert np.array_equal(sample.label, stored.truth.labels)
        metres = stored.depth.astype(np.float32) * np.float32(stored.calibration.depth_unit_m)
        assert np.array_equal(sample.depth_m, metres)
        assert np.array_equal(sample.label, _ids())
        assert np.array_equal(stored.depth, np.where(_counts() == 65535, 0, _counts()))
        return reader.info.notes


@pytest.mark.parametrize("kind", COLORS)
def test_colour(kind: str, tmp_path: Path) -> None:
    notes = assert_same(make_folder(tmp_path, COLORS[kind]))
    expected = _colors() if kind != "grey" else np.dstack([_colors()[..., 0]] * 3)
    difference = PictureFolder(tmp_path).read(0).color.astype(int) - expected
    assert np.abs(difference).max() <= (12 if "EXIF" in kind else 0)
    words = {"EXIF": "EXIF rotation", "alpha": "alpha", "16": "upper 8", "grey": "grey"}
    told = [words[word] for word in words if word in kind]
    assert [word in note for word, note in zip(told, notes, strict=True)] == [True] * len(told)


@pytest.mark.parametrize("kind", LABELS)
def test_labels(kind: str, tmp_path: Path) -> None:
    assert_same(make_folder(tmp_path, COLORS["png"], labels=LABELS[kind]))


def test_depth_as_pgm(tmp_path: Path) -> None:
    assert_same(make_folder(tmp_path, COLORS["png"], depth=".pgm"))


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_grey_labels_of_few_bits_are_not_stretched(bits: int, tmp_path: Path) -> None:
    ids = _ids() % 2**bits
    raw = np.zeros((HEIGHT, WIDTH * bits), np.uint8)
    for bit in range(bits):
        raw[:, bit::bits] = ids >> (bits - 1 - bit) & 1
    data = _png(WIDTH, HEIGHT, bits, np.packbits(raw, axis=1))
    root = make_folder(tmp_path, COLORS["png"], labels=lambda _: data)
    with open_recording(root) as reader:
        truth = reader.read(0).truth
    assert truth is not None
    assert np.array_equal(truth.labels, ids)
    assert np.array_equal(PictureFolder(root).read(0).label, ids)


def _png(width: int, height: int, bits: int, rows: NDArray[np.uint8]) -> bytes:
    import struct
    import zlib

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", body) + part(b"IEND", b"")


def test_labels_in_colours_are_refused_by_both(tmp_path: Path) -> None:
    palette = np.array([(0, 0, 0), (0, 0, 255), (0, 255, 0), (255, 0, 0)], np.uint8)
    root = make_folder(tmp_path, COLORS["png"], labels=lambda ids: _saved(Image.fromarray(palette[ids])))
    with open_recording(root) as reader, pytest.raises(RecordingError, match=r"colours .*0, 0, 255"):
        reader.read(0)
    with pytest.raises(ConfigurationError, match=r"colours .*0, 0, 255"):
        PictureFolder(root).read(0)


def test_a_background_that_is_listed_first_is_said(tmp_path: Path) -> None:
    root = make_folder(tmp_path, COLORS["png"])
    (root / "labels.json").write_text(json.dumps({"name": "mine", "classes": ["background", *NAMES]}))
    with open_recording(root) as reader:
        assert any("'background' comes first and so has id 1" in note for note in reader.info.notes)
