"""Repairs of MCAP files that other programs wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from foxglove_schemas_protobuf.RawImage_pb2 import RawImage
from mcap.reader import make_reader
from mcap.writer import Writer

from rgbd_seg.recording import open_recording
from rgbd_seg.recording.mcap.repair import repair
from tests.recording.mcap.test_bad_input import foreign_recording

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

WIDTH, HEIGHT = 8, 6
DEPTH = np.arange(1000, 1000 + HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH)


def raw(encoding: str, pixels: NDArray[np.generic]) -> RawImage:
    height, width = pixels.shape[:2]
    step = pixels.nbytes // height
    return RawImage(width=width, height=height, step=step, encoding=encoding, data=pixels.tobytes())


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
