"""MCAP files of other programs: every kind of picture that Foxglove's schemas allow us, and their repair."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.RawImage_pb2 import RawImage
from mcap.reader import make_reader
from mcap.writer import Writer

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.mcap.repair import repair
from tests.recording.mcap.test_bad_input import foreign_recording

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

WIDTH, HEIGHT = 8, 6
RGB = np.arange(HEIGHT * WIDTH * 3, dtype=np.uint8).reshape(HEIGHT, WIDTH, 3)
DEPTH = np.arange(1000, 1000 + HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH)


def raw(encoding: str, pixels: NDArray[np.generic]) -> RawImage:
    height, width = pixels.shape[:2]
    step = pixels.nbytes // height
    return RawImage(width=width, height=height, step=step, encoding=encoding, data=pixels.tobytes())


def png(pixels: NDArray[np.generic]) -> CompressedImage:
    return CompressedImage(format="png", data=cv2.imencode(".png", pixels)[1].tobytes())


def write(path: Path, color: RawImage | CompressedImage, depth: RawImage | CompressedImage) -> Path:
    """One frame, as a program that knows nothing of ours writes it."""
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start()
        for topic, message in (("/rgb", color), ("/depth", depth)):
            schema = writer.register_schema(message.DESCRIPTOR.full_name, "protobuf", b"")
            writer.add_message(writer.register_channel(topic, "protobuf", schema), 5, message.SerializeToString(), 5)
        writer.finish()
    return path


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (raw("rgb8", RGB), RGB),
        (raw("bgr8", RGB[..., ::-1].copy()), RGB),
        (raw("rgba8", np.dstack([RGB, RGB[..., :1]])), RGB),
        (raw("bgra8", np.dstack([RGB[..., ::-1], RGB[..., :1]])), RGB),
        (raw("mono8", RGB[..., 0].copy()), np.repeat(RGB[..., :1], 3, axis=2)),
        (png(RGB[..., ::-1]), RGB),
    ],
    ids=["rgb8", "bgr8", "rgba8", "bgra8", "mono8", "png"],
)
def test_every_layout_of_colour(
    tmp_path: Path, message: RawImage | CompressedImage, expected: NDArray[np.uint8]
) -> None:
    with open_recording(write(tmp_path / "a.mcap", message, raw("16UC1", DEPTH))) as reader:
        assert np.array_equal(reader.read(0).color, expected)


@pytest.mark.parametrize(
    "message",
    [raw("16UC1", DEPTH), raw("mono16", DEPTH), raw("32FC1", (DEPTH / 1000).astype("<f4")), png(DEPTH)],
    ids=["16UC1", "mono16", "32FC1", "png"],
)
def test_every_layout_of_depth(tmp_path: Path, message: RawImage | CompressedImage) -> None:
    with open_recording(write(tmp_path / "a.mcap", raw("rgb8", RGB), message)) as reader:
        frame = reader.read(0)
    assert np.array_equal(frame.depth, DEPTH)
    assert frame.calibration.depth_unit_m == 0.001


def test_metres_that_are_no_distance_are_holes(tmp_path: Path) -> None:
    metres = np.full((HEIGHT, WIDTH), 1.5, "<f4")
    metres[0, :5] = np.nan, np.inf, -np.inf, -1, 100
    with open_recording(write(tmp_path / "a.mcap", raw("rgb8", RGB), raw("32FC1", metres))) as reader:
        depth = reader.read(0).depth
    assert depth[0, :6].tolist() == [0, 0, 0, 0, 0, 1500]


def test_depth_of_another_size_is_stretched_and_not_registered(tmp_path: Path) -> None:
    half = np.ascontiguousarray(DEPTH[::2, ::2])
    with open_recording(write(tmp_path / "a.mcap", raw("rgb8", RGB), raw("16UC1", half))) as reader:
        frame = reader.read(0)
        assert "it has 4x3 pixels, is stretched over the 8x6 of colour" in reader.info.warnings[-1]
    assert np.array_equal(frame.depth, half.repeat(2, axis=0).repeat(2, axis=1))
    assert not frame.calibration.registered


def test_layouts_that_nobody_knows_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mcap", raw("yuv422", RGB[..., :2].copy()), raw("16UC1", DEPTH))
    with pytest.raises(RecordingError, match="no colour"):
        open_recording(path)


@pytest.mark.parametrize("chunked", [True, False])
def test_a_repair_keeps_messages_and_attachments_of_other_programs(tmp_path: Path, chunked: bool) -> None:
    path = foreign_recording(tmp_path / "a.mcap", [(1000, 1004), (1033, 1037)], chunked=chunked)
    report = repair(path)
    assert report.copy is None  # It is whole.
    path.write_bytes(path.read_bytes()[:-30])
    report = repair(path)
    assert report.copy is not None
    with report.copy.open("rb") as file:
        messages = [channel.topic for _, channel, _ in make_reader(file).iter_messages()]
    assert sorted(messages) == ["/camera_info", "/depth", "/depth", "/rgb", "/rgb"]
    with open_recording(report.copy) as reader:
        assert [int(frame.depth[0, 0]) for frame in reader] == [1000, 1001]


def test_a_repair_copies_what_others_attached(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start()
        schema = writer.register_schema("foxglove.RawImage", "protobuf", b"")
        channel = writer.register_channel("/depth", "protobuf", schema)
        writer.add_message(channel, 5, raw("16UC1", DEPTH).SerializeToString(), 5)
        writer.add_attachment(5, 5, "notes.txt", "text/plain", b"by the window")
        writer.finish()
    path.write_bytes(path.read_bytes()[:-30])
    copy = repair(path).copy
    assert copy is not None
    with copy.open("rb") as file:
        attached = {one.name: one.data for one in make_reader(file).iter_attachments()}
    assert attached["notes.txt"] == b"by the window"
