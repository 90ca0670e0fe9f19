"""Our files as other programs see them: the MCAP specification and Foxglove's well-known schemas, message by message.

Foxglove and Lichtblick take the schema of a message from the file itself, and know pictures and calibrations by the
schema's name. So every message is decoded twice: with the types that the file describes, and with Foxglove's own.
"""

from __future__ import annotations

import io
import json
from importlib import import_module
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from mcap.reader import make_reader
from mcap.stream_reader import StreamReader
from PIL import Image

from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.mcap.writer import RecordingWriter, WriterOptions
from tests.recording.frames import make_calibration, make_frame, make_segmentation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from google.protobuf.message import Message
    from mcap.records import Channel, Schema
    from mcap.records import Message as Record

FRAMES = 12
_SIZES = {"16UC1": 2, "8UC1": 1}


@pytest.fixture(params=["zstd", "lz4", "none"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A recording with everything that ours can have."""
    path, labels = tmp_path / "a.mcap", LabelSet.load("sunrgbd13")
    color = "png" if request.param == "lz4" else "jpeg"
    options = WriterOptions(compression=request.param, color=color, chunk_bytes=60_000)  # type: ignore[arg-type]
    with RecordingWriter(path, make_calibration(), name="walk", options=options) as writer:
        for index in range(FRAMES):
            if index == 5:
                writer.mark_gap("camera lost", seconds=1.0)
            frame = make_frame(index, truth=labels)
            writer.write(frame, make_segmentation(frame, labels))
    return path


def messages(path: Path) -> Iterator[tuple[Schema, Channel, Record]]:
    """By the `mcap` package's reader, which checks every CRC."""
    with path.open("rb") as file:
        for schema, channel, message in make_reader(file, validate_crcs=True).iter_messages():
            assert schema is not None
            yield schema, channel, message


def described_type(schema: Schema) -> type[Message]:
    """The type of a message as the file describes it, from nothing but the file."""
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(schema.data).file:
        pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(schema.name))


def official_type(name: str) -> type[Message]:
    """The type in Foxglove's own package."""
    short = name.removeprefix("foxglove.")
    kind: type[Message] = getattr(import_module(f"foxglove_schemas_protobuf.{short}_pb2"), short)
    return kind


def unknown_fields(message: Message) -> int:
    """Fields on the wire that the type does not know: re-encoding without them is then shorter."""
    copy = type(message).FromString(message.SerializeToString())
    copy.DiscardUnknownFields()
    return len(message.SerializeToString()) - len(copy.SerializeToString())


def test_every_message_is_what_its_schema_says(path: Path) -> None:
    seen: dict[str, int] = {}
    for schema, channel, record in messages(path):
        seen[channel.topic] = seen.get(channel.topic, 0) + 1
        assert channel.message_encoding == {"protobuf": "protobuf", "jsonschema": "json"}[schema.encoding]
        if schema.encoding == "jsonschema":
            check_json(json.loads(schema.data), json.loads(record.data))
            continue
        official = official_type(schema.name).FromString(record.data)
        described = described_type(schema).FromString(record.data)
        assert unknown_fields(official) == unknown_fields(described) == 0
        assert described.SerializeToString(deterministic=True) == official.SerializeToString(deterministic=True)
        assert official.timestamp.ToNanoseconds() == record.log_time == record.publish_time
        assert official.frame_id == "camera_color_optical_frame"
        check_fields(schema.name, official)
    frames = ("/camera/color", "/camera/depth", "/camera/frame", "/segmentation/labels", "/truth/labels")
    assert {topic: seen[topic] for topic in frames} == dict.fromkeys(frames, FRAMES)
    assert seen["/camera/gap"] == 1
    assert seen["/camera/calibration"] > 1  # Once a chunk: whoever begins in the middle has it.


def check_fields(name: str, message: Any) -> None:
    """What Foxglove's documentation demands of the fields."""
    if name == "foxglove.CompressedImage":
        assert message.format in ("jpeg", "png")
        signature = {"jpeg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n"}[message.format]
        assert message.data.startswith(signature)
        assert cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_COLOR).shape == (48, 64, 3)
    elif name == "foxglove.RawImage":
        assert message.step == message.width * _SIZES[message.encoding]
        assert len(message.data) == message.step * message.height
    else:
        assert name == "foxglove.CameraCalibration"
        assert (message.width, message.height) == (64, 48)
        assert message.distortion_model == "plumb_bob"
        assert (len(message.D), len(message.K), len(message.R), len(message.P)) == (5, 9, 9, 12)
        assert [message.P[i] for i in (0, 2, 5, 6, 10)] == [message.K[i] for i in (0, 2, 4, 5, 8)]


def check_json(schema: dict[str, Any], data: dict[str, Any]) -> None:
    """The few words of JSON Schema that ours use."""
    kinds = {"integer": int, "number": (int, float), "string": str, "object": dict, "null": type(None)}
    assert set(schema["required"]) <= set(data) <= set(schema["properties"])
    for name, value in data.items():
        allowed = schema["properties"][name]["type"]
        allowed = [allowed] if isinstance(allowed, str) else allowed
        assert any(isinstance(value, kinds[kind]) for kind in allowed), name


def test_the_schemas_in_the_file_are_foxgloves_own(path: Path) -> None:
    with path.open("rb") as file:
        summary = make_reader(file).get_summary()
    assert summary is not None
    known = [schema for schema in summary.schemas.values() if schema.encoding == "protobuf"]
    assert {schema.name for schema in known} == {
        "foxglove.CompressedImage",
        "foxglove.RawImage",
        "foxglove.CameraCalibration",
    }
    for schema in known:
        official = FileDescriptorProto()
        official_type(schema.name).DESCRIPTOR.file.CopyToProto(official)
        files = FileDescriptorSet.FromString(schema.data).file
        assert official in files
        names = [file.name for file in files]
        for position, file in enumerate(files):  # A reader that adds them in order knows every import by then.
            assert set(file.dependency) <= set(names[:position])


def test_a_reader_without_the_index_finds_the_same_messages(path: Path) -> None:
    """Record by record from the first byte to the last, as a program does that reads from a pipe."""
    with path.open("rb") as file:
        records = list(StreamReader(file, validate_crcs=True, record_size_limit=None).records)
    streamed = [
        (record.channel_id, record.sequence, record.log_time, bytes(record.data))
        for record in records
        if type(record).__name__ == "Message"
    ]
    indexed = [(m.channel_id, m.sequence, m.log_time, bytes(m.data)) for _, _, m in messages(path)]
    assert sorted(streamed) == sorted(indexed)
    assert [type(records[0]).__name__, type(records[-1]).__name__] == ["Header", "Footer"]


def test_labels_are_there_as_a_picture_in_the_colours_of_their_classes(tmp_path: Path) -> None:
    """Decoded by Pillow, which knows nothing of our ids."""
    labels = LabelSet.load("sunrgbd13")
    frame = make_frame(0, truth=labels)
    with RecordingWriter(tmp_path / "a.mcap", frame.calibration, name="cam") as writer:
        writer.write(frame)
    with (tmp_path / "a.mcap").open("rb") as file:
        messages = {channel.topic: message.data for _, channel, message in make_reader(file).iter_messages()}
    message = CompressedImage()
    message.ParseFromString(messages["/truth/picture"])
    assert message.format == "png"
    with Image.open(io.BytesIO(message.data)) as picture:
        assert picture.mode == "P"
        pixels = np.asarray(picture.convert("RGB"))
    assert frame.truth is not None
    assert np.array_equal(pixels, labels.palette()[frame.truth.labels])
    assert np.array_equal(cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1], pixels)
