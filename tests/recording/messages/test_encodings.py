"""Every pixel layout and every way to pack a picture, against pictures whose values are known."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.messages.compressed import decode_rvl, packed_color, packed_depth, packed_role
from rgbd_seg.recording.messages.encodings import RawPixels, color_pixels, depth_pixels, role_of
from tests.recording.messages.scene import HEIGHT, WIDTH, color, depth, packed, rvl

RGB = color(5)
ALPHA = np.full((HEIGHT, WIDTH, 1), 3, np.uint8)
GRAY = np.ascontiguousarray(RGB[..., 0])


def raw(encoding: str, pixels: np.ndarray, step: int = 0, *, big: bool = False, full: bool = True) -> RawPixels:
    return RawPixels(encoding, WIDTH, HEIGHT, step, big, np.ascontiguousarray(pixels).tobytes(), full)


def wide(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.uint16) * 257


@pytest.mark.parametrize(
    ("encoding", "pixels"),
    [
        ("rgb8", RGB),
        ("bgr8", RGB[..., ::-1]),
        ("rgba8", np.dstack([RGB, ALPHA])),
        ("bgra8", np.dstack([RGB[..., ::-1], ALPHA])),
        ("rgb16", wide(RGB)),
        ("bgr16", wide(RGB[..., ::-1])),
        ("rgba16", wide(np.dstack([RGB, ALPHA]))),
        ("bgra16", wide(np.dstack([RGB[..., ::-1], ALPHA]))),
        ("8UC3", RGB[..., ::-1]),
        ("8UC4", np.dstack([RGB[..., ::-1], ALPHA])),
        ("16UC3", wide(RGB[..., ::-1])),
    ],
)
def test_colour_in_every_order_is_exact(encoding: str, pixels: np.ndarray) -> None:
    assert role_of(encoding) == "color"
    assert np.array_equal(color_pixels(raw(encoding, pixels)), RGB)


@pytest.mark.parametrize(("encoding", "pixels"), [("mono8", GRAY), ("8UC1", GRAY), ("mono16", wide(GRAY))])
def test_grey_is_shown_as_grey(encoding: str, pixels: np.ndarray) -> None:
    assert role_of(encoding) in ("gray", "gray16")
    assert np.array_equal(color_pixels(raw(encoding, pixels)), np.repeat(GRAY[..., None], 3, axis=2))


def test_values_of_two_bytes_in_either_order() -> None:
    assert np.array_equal(color_pixels(raw("rgb16", wide(RGB).astype(">u2"), big=True)), RGB)
    assert np.array_equal(depth_pixels(raw("16UC1", depth().astype(">u2"), big=True)), depth())


def yuv(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Full-range BT.601 by its formula."""
    r, g, b = (picture[..., k].astype(float) for k in range(3))
    y = 0.299 * r + 0.587 * g + 0.114 * b
    planes = (y, 0.564 * (b - y) + 128, 0.713 * (r - y) + 128)
    return tuple(np.clip(np.round(p), 0, 255).astype(np.uint8) for p in planes)  # type: ignore[return-value]


def interleaved(picture: np.ndarray, luma_at: int) -> np.ndarray:
    y, u, v = yuv(picture)
    out = np.empty((*y.shape, 2), np.uint8)
    out[..., luma_at] = y
    out[:, 0::2, 1 - luma_at], out[:, 1::2, 1 - luma_at] = u[:, 0::2], v[:, 0::2]
    return out


@pytest.mark.parametrize(("encoding", "luma_at"), [("uyvy", 1), ("yuv422", 1), ("yuyv", 0), ("yuv422_yuy2", 0)])
def test_brightness_and_colour_in_pairs(encoding: str, luma_at: int) -> None:
    smooth = np.repeat(RGB[:, ::2], 2, axis=1)
    assert np.abs(color_pixels(raw(encoding, interleaved(smooth, luma_at))).astype(int) - smooth).max() <= 3


@pytest.mark.parametrize(("encoding", "code"), [("uyvy", cv2.COLOR_YUV2RGB_UYVY), ("yuyv", cv2.COLOR_YUV2RGB_YUYV)])
def test_ros_takes_them_as_opencv_does(encoding: str, code: int) -> None:
    noise = np.random.default_rng(0).integers(16, 236, (HEIGHT, WIDTH, 2)).astype(np.uint8)
    found = color_pixels(raw(encoding, noise, full=False)).astype(int)
    assert np.abs(found - cv2.cvtColor(noise, code)).max() <= 3


@pytest.mark.parametrize(("encoding", "v_first"), [("nv12", False), ("nv21", True)])
def test_brightness_first_and_colour_at_half_the_size(encoding: str, v_first: bool) -> None:
    smooth = RGB[::2, ::2].repeat(2, axis=0).repeat(2, axis=1)
    y, u, v = yuv(smooth)
    pairs = np.dstack([v, u] if v_first else [u, v])[::2, ::2].reshape(HEIGHT // 2, WIDTH)
    found = color_pixels(raw(encoding, np.concatenate([y, pairs])))
    assert np.abs(found.astype(int) - smooth).max() <= 3


def test_brightness_first_and_colour_at_full_size() -> None:
    y, u, v = yuv(RGB)
    data = y.tobytes() + np.dstack([u, v]).tobytes()
    found = color_pixels(RawPixels("nv24", WIDTH, HEIGHT, 0, False, data, True))
    assert np.abs(found.astype(int) - RGB).max() <= 3


@pytest.mark.parametrize("mosaic", ["rggb", "bggr", "gbrg", "grbg"])
@pytest.mark.parametrize("bits", [8, 16])
def test_mosaics(mosaic: str, bits: int) -> None:
    plain = np.broadcast_to(np.array([200, 120, 40], np.uint8), (HEIGHT, WIDTH, 3))
    pixels = np.empty((HEIGHT, WIDTH), np.uint8)
    for n, letter in enumerate(mosaic):
        pixels[n // 2 :: 2, n % 2 :: 2] = plain[..., "rgb".index(letter)][n // 2 :: 2, n % 2 :: 2]
    found = color_pixels(raw(f"bayer_{mosaic}{bits}", pixels if bits == 8 else wide(pixels)))
    assert np.abs(found.astype(int) - plain)[2:-2, 2:-2].max() <= 1


def test_depth_as_counts_and_as_metres() -> None:
    metres = (depth() / 1000).astype(np.float32)
    assert np.array_equal(depth_pixels(raw("16UC1", depth())), depth())
    assert np.array_equal(depth_pixels(raw("mono16", depth())), depth())
    assert np.array_equal(depth_pixels(raw("32FC1", metres)), metres)
    assert np.array_equal(depth_pixels(raw("64FC1", metres.astype(np.float64))), metres)


def test_rows_that_are_longer_than_the_picture() -> None:
    rows = np.pad(RGB.reshape(HEIGHT, -1), ((0, 0), (0, 5)), constant_values=9)
    assert np.array_equal(color_pixels(raw("rgb8", rows, step=WIDTH * 3 + 5)), RGB)


@pytest.mark.parametrize(
    "bad",
    [
        RawPixels("rgb8", WIDTH, HEIGHT, 0, False, b"12"),
        RawPixels("rgb8", 0, HEIGHT, 0, False, b"12"),
        RawPixels("rgb8", 2**31, 2**31, 0, False, b"12"),
        RawPixels("rgb8", WIDTH, HEIGHT, 3, False, bytes(10000)),
        RawPixels("nv12", 2**31, 2, 0, False, bytes(100)),
        RawPixels("nv12", 4, 4, 1, False, bytes(100)),
        RawPixels("uyvy", 3, 2, 0, False, bytes(100)),
        RawPixels("h264", WIDTH, HEIGHT, 0, False, bytes(100)),
    ],
)
def test_sizes_that_contradict_the_bytes_are_refused(bad: RawPixels) -> None:
    with pytest.raises(RecordingError):
        color_pixels(bad)
    with pytest.raises(RecordingError):
        depth_pixels(bad)


@pytest.mark.parametrize("text", ["jpeg", "JPG", "image/jpeg", "rgb8; jpeg compressed bgr8", ""])
def test_a_jpeg_is_one_whatever_is_said_of_it(text: str) -> None:
    data = packed(RGB, ".jpg")
    assert packed_role(data, text) == "color"
    assert np.abs(packed_color(data, text).astype(int) - RGB).mean() < 3


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tiff"])
def test_packed_without_loss(suffix: str) -> None:
    flags = [cv2.IMWRITE_WEBP_QUALITY, 101] if suffix == ".webp" else []
    data = bytes(cv2.imencode(suffix, np.ascontiguousarray(RGB[..., ::-1]), flags)[1])
    assert packed_role(data, suffix[1:]) == "color"
    assert np.array_equal(packed_color(data, suffix[1:]), RGB)


def test_packed_grey_is_no_colour() -> None:
    assert packed_role(packed(GRAY, ".jpg"), "jpeg") == "gray"
    assert packed_role(packed(GRAY), "png") == "gray"
    assert packed_role(packed(RGB, ".jpg"), "mono8; jpeg compressed bgr8") == "gray"
    assert packed_role(packed(wide(GRAY)), "mono16; png compressed mono16") == "gray16"


def test_packed_depth() -> None:
    data = packed(depth())
    assert packed_role(data, "png") == "depth"
    assert np.array_equal(packed_depth(data, "16UC1; png compressed"), depth())
    with_header = struct.pack("<iff", 0, 0.0, 0.0) + data
    assert packed_role(with_header, "16UC1; compressedDepth") == "depth"
    assert np.array_equal(packed_depth(with_header, "16UC1; compressedDepth"), depth())


def test_metres_packed_as_inverse_distances() -> None:
    """The formula of ROS's compressed_depth_image_transport: counts = a / metres + b."""
    metres = depth() / 1000
    a, b = 100.0 * 101.0, 1 - 101.0 * 100.0 / 10.0
    counts = np.where(metres > 0, a / np.maximum(metres, 1e-6) + b, 0).astype(np.uint16)
    message = struct.pack("<iff", 0, a, b) + packed(counts)
    found = packed_depth(message, "32FC1; compressedDepth png")
    there = depth() > 0
    assert np.abs(found - metres)[there].max() < 0.001
    assert np.isnan(found[~there]).all()


def test_depth_packed_with_rvl() -> None:
    noisy = np.random.default_rng(2).integers(0, 65536, (HEIGHT, WIDTH)).astype(np.uint16)
    for counts in (depth(), noisy, np.zeros_like(noisy), np.full_like(noisy, 65535), np.where(noisy % 3, noisy, 0)):
        message = struct.pack("<iff", 1, 0.0, 0.0) + rvl(counts.astype(np.uint16))
        assert np.array_equal(packed_depth(message, "16UC1; compressedDepth rvl"), counts)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_damaged_rvl_is_refused_or_has_its_size(data: bytes) -> None:
    try:
        assert decode_rvl(struct.pack("<II", 20, 10) + data).shape == (10, 20)
    except RecordingError:
        pass


@pytest.mark.parametrize("data", [b"", b"RIFF\0\0\0\0WEBP", b"II*\0", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", bytes(20)])
def test_damaged_pictures_are_refused(data: bytes) -> None:
    packed_role(data, "")
    for decode in (packed_color, packed_depth):
        with pytest.raises(RecordingError):
            decode(data, "16UC1; compressedDepth rvl")


def test_pixels_packed_with_zstd_as_librealsense_does() -> None:
    data = interleaved(np.repeat(RGB[:, ::2], 2, axis=1), 0).tobytes()
    text = f"YUYV; zstd; {WIDTH}x{HEIGHT} step={2 * WIDTH}"
    message = zstandard.ZstdCompressor().compress(data)
    assert packed_role(message, text) == "color"
    expected = color_pixels(RawPixels("yuyv", WIDTH, HEIGHT, 2 * WIDTH, False, data))
    assert np.array_equal(packed_color(message, text), expected)
    counts = zstandard.ZstdCompressor().compress(depth().tobytes())
    assert np.array_equal(packed_depth(counts, f"Z16; zstd; {WIDTH}x{HEIGHT} step={2 * WIDTH}"), depth())
    for bad in (message[:-5], message[:3], b""):
        with pytest.raises(RecordingError):
            packed_color(bad, text)
    bomb = zstandard.ZstdCompressor().compress(bytes(50_000_000))
    with pytest.raises(RecordingError):
        packed_color(bomb, text)
