"""MCAP files from strangers: damaged at random, lying about sizes, out of order, of other kinds. Never a crash."""

from __future__ import annotations

import contextlib
import random
import struct
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import cv2
import lz4.frame
import numpy as np
import pytest
import zstandard
from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.RawImage_pb2 import RawImage
from mcap.records import MessageIndex
from mcap.writer import CompressionType, Writer

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.layouts.mcap import McapReader
from rgbd_seg.recording.mcap import format as layout
from rgbd_seg.recording.mcap.input import McapInput, inner_records, message_at
from rgbd_seg.recording.mcap.output import McapOutput
from rgbd_seg.recording.mcap.scan import scan
from rgbd_seg.recording.mcap.writer import RecordingWriter
from rgbd_seg.recording.pictures.codec import decode_color, encode_color
from tests.fuzz.mutation import mutate, mutations
from tests.recording.frames import make_calibration, make_frame, small_recordings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RAW_INPUTS, INNER_INPUTS = 1200, 1000
MODEST_BYTES = 40_000_000


def read_everything(path: Path) -> int:
    """Reads all that can be read; returns how many frames there were."""
    frames = 0
    try:
        reader = open_recording(path)
    except RecordingError as error:
        if str(path) not in str(error):
            raise AssertionError("a refusal names the file") from error
        return 0
    with reader:
        for position in range(len(reader)):
            with contextlib.suppress(RecordingError):
                reader.read(position)
                frames += 1
    return frames


def test_damaged_files_are_read_in_part_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "damaged.mcap"
    frames = 0
    for data in mutations(small_recordings(tmp_path), RAW_INPUTS, seed=3):
        path.write_bytes(data)
        frames += read_everything(path)
    assert frames > RAW_INPUTS  # The readable part was read.


def test_wrong_contents_under_right_checksums_are_refused(tmp_path: Path) -> None:
    """A file that somebody made on purpose: records inside the chunks and the index are damaged, all CRCs fit."""
    chance = random.Random(6)
    seeds = small_recordings(tmp_path)[:3]
    (tmp_path / "seed.mcap").write_bytes(seeds[0])
    source = McapInput(tmp_path / "seed.mcap")
    found = scan(source)
    chunks = [source.unpack(head) for head in found.chunks]
    index = source.attachment_at(found.attachments[0])[2]
    source.close()
    frames = 0
    for number in range(INNER_INPUTS):
        path = tmp_path / f"{number}.mcap"
        output = McapOutput(path, compression="none", library="fuzz")
        for name, values in found.metadata.items():
            output.add_metadata(name, damaged_texts(values, chance) if chance.random() < 0.1 else values)
        for schema in found.schemas.values():
            output.copy_schema(schema)
        for channel in found.channels.values():
            output.copy_channel(channel)
        for chunk in chunks:
            plain = mutate(chunk, chance, chunks) if chance.random() < 0.7 else chunk
            output.copy_chunk("", plain, plain, indexes_of(chunk))
        if chance.random() < 0.5:
            output.add_attachment(layout.INDEX_ATTACHMENT, "", moved(index, output.size, chance))
        output.finish()
        output.close()
        frames += read_everything(path)
        path.unlink()
    assert frames > INNER_INPUTS


def damaged_texts(values: dict[str, str], chance: random.Random) -> dict[str, str]:
    """The same table with damaged values."""
    return {
        k: mutate(v.encode(), chance, [b"{}"]).decode("utf-8", "replace") if chance.random() < 0.5 else v
        for k, v in values.items()
    }


def indexes_of(chunk: bytes) -> dict[int, MessageIndex]:
    """The message indexes of a chunk."""
    indexes: dict[int, MessageIndex] = {}
    for opcode, start, _ in inner_records(chunk):
        if opcode == 5:
            message = message_at(chunk, start)
            index = indexes.setdefault(message.channel_id, MessageIndex(message.channel_id, []))
            index.records.append((message.time_ns, start))
    return indexes


def moved(index: bytes, offset: int, chance: random.Random) -> bytes:
    """Our index, said to lie at `offset`, and mostly damaged."""
    (length,) = struct.unpack_from("<I", index)
    head = index[4 : 4 + length].split(b'"offset":')
    header = head[0] + b'"offset":' + str(offset).encode() + head[1][head[1].index(b",") :]
    data = struct.pack("<I", len(header)) + header + index[4 + length :]
    if chance.random() < 0.2:
        return data
    at = chance.choice((0, 4 + len(header)))  # The numbers are the larger part: damage the text as often.
    return data[:at] + mutate(data[at:], chance, [data])


@pytest.fixture
def memory() -> Iterator[Callable[[], int]]:
    """Most bytes that were taken at once since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def file_with_chunk(path: Path, compression: str, packed: bytes, plain_size: int) -> Path:
    """One of our files with one more chunk that says what it likes of its size."""
    with RecordingWriter(path, make_calibration()) as writer:
        writer.write(make_frame(0))
    data = path.read_bytes()[:-100]
    name = compression.encode()
    body = struct.pack("<QQQII", 0, 0, plain_size, 0, len(name)) + name + struct.pack("<Q", len(packed)) + packed
    path.write_bytes(data + b"\x06" + struct.pack("<Q", len(body)) + body)
    return path


@pytest.mark.parametrize("claimed", [1000, 200 << 20, 2 << 30, 2**63])
@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_a_bomb_in_a_chunk_takes_no_memory(
    tmp_path: Path, compression: str, claimed: int, memory: Callable[[], int]
) -> None:
    """Half a gigabyte of zeros in a few bytes, under several claims."""
    path = tmp_path / "bomb.mcap"
    if compression == "zstd":
        bomb = zstandard.ZstdCompressor(write_content_size=False).compressobj()
        zeros = bytes(1 << 20)
        packed = b"".join(bomb.compress(zeros) for _ in range(512)) + bomb.flush()
    else:
        lz4_bomb = lz4.frame.LZ4FrameCompressor(block_size=lz4.frame.BLOCKSIZE_MAX4MB)
        zeros = bytes(4 << 20)
        parts = [lz4_bomb.begin(), *(lz4_bomb.compress(zeros) for _ in range(128)), lz4_bomb.flush()]
        packed = b"".join(parts)
    file_with_chunk(path, compression, packed, claimed)
    tracemalloc.clear_traces()
    tracemalloc.reset_peak()
    with McapReader(path) as reader:
        assert len(reader) == 1
        assert reader.info.warnings
    assert memory() < claimed + MODEST_BYTES if claimed <= 200 << 20 else memory() < MODEST_BYTES


def one_message_file(path: Path, color: bytes, depth: bytes, schema: str = "foxglove.CompressedImage") -> Path:
    """A file of another program with one colour and one depth message."""
    with path.open("wb") as file:
        writer = Writer(file, compression=CompressionType.NONE)
        writer.start()
        schemas = {name: writer.register_schema(name, "protobuf", b"") for name in (schema, "foxglove.RawImage")}
        for topic, kind, data in (("/c", schema, color), ("/d", "foxglove.RawImage", depth)):
            channel = writer.register_channel(topic, "protobuf", schemas[kind])
            writer.add_message(channel, 5, data, 5)
        writer.finish()
    return path


def depth_message(width: int = 8, height: int = 6, data: bytes | None = None, **fields: object) -> bytes:
    """A serialised foxglove.RawImage."""
    values = {"encoding": "16UC1", "step": width * 2} | fields
    message = RawImage(width=width, height=height, data=bytes(width * height * 2) if data is None else data, **values)
    return bytes(message.SerializeToString())


def color_message(data: bytes, kind: str = "jpeg") -> bytes:
    """A serialised foxglove.CompressedImage."""
    return bytes(CompressedImage(format=kind, data=data).SerializeToString())


GOOD_COLOR = encode_color(np.zeros((6, 8, 3), np.uint8), "jpeg", 90)


def huge_jpeg() -> bytes:
    """A JPEG that says that it has 65,000 x 65,000 pixels."""
    at = GOOD_COLOR.index(b"\xff\xc0") + 5
    return GOOD_COLOR[:at] + struct.pack(">HH", 65000, 65000) + GOOD_COLOR[at + 4 :]


def huge_png() -> bytes:
    """A PNG that says the same, with a right CRC."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 65000, 65000, 8, 2, 0, 0, 0)
    picture = cv2.imencode(".png", np.zeros((6, 8, 3), np.uint8))[1].tobytes()
    return picture[:12] + header + struct.pack(">I", zlib.crc32(header)) + picture[33:]


def many_scans_jpeg() -> bytes:
    """A JPEG of a megapixel that says that it goes over the picture two thousand times."""
    return encode_color(np.zeros((1024, 1024, 3), np.uint8), "jpeg", 90) + b"\xff\xda" * 2000


def greedy_png() -> bytes:
    """A PNG with a part that says that it has 4 GiB."""
    picture = cv2.imencode(".png", np.zeros((6, 8, 3), np.uint8))[1].tobytes()
    at = picture.index(b"IDAT")
    return picture[: at - 4] + b"\xff\xff\xff\xff" + picture[at:]


@pytest.mark.parametrize(
    ("color", "depth"),
    [
        (greedy_png(), depth_message()),
        (many_scans_jpeg(), depth_message()),
        (huge_jpeg(), depth_message()),
        (huge_png(), depth_message()),
        (GOOD_COLOR, depth_message(32768, 32768, b"\1\2")),
        (GOOD_COLOR, depth_message(2**32 - 1, 2**32 - 1, b"", step=0)),
        (GOOD_COLOR, depth_message(8, 6, step=1)),
        (GOOD_COLOR, depth_message(8, 6, step=2**32 - 1)),
        (GOOD_COLOR, depth_message(0, 0)),
        (GOOD_COLOR[:30], depth_message()),
        (b"", depth_message()),
    ],
    ids=[
        "part of a png",
        "scans",
        "jpeg",
        "png",
        "2 GiB",
        "2^64",
        "short rows",
        "long rows",
        "nothing",
        "cut",
        "empty",
    ],
)
def test_pictures_that_lie_about_their_size(
    tmp_path: Path, color: bytes, depth: bytes, memory: Callable[[], int]
) -> None:
    path = one_message_file(tmp_path / "a.mcap", color_message(color), depth)
    tracemalloc.reset_peak()
    with pytest.raises(RecordingError, match=r"a\.mcap"), open_recording(path) as reader:
        reader.read(0)
    assert memory() < MODEST_BYTES


def test_a_picture_that_is_no_color_picture() -> None:
    for data in (b"\xff\xd8\xff\xff\xff", b"\xff\xd8\xff\xe0\x00\x00" * 50, b"GIF89a" + bytes(50)):
        with pytest.raises(RecordingError):
            decode_color(data)


@pytest.mark.parametrize("length", [2**31, 2**63, 2**64 - 1])
def test_a_record_that_lies_about_its_length(tmp_path: Path, length: int, memory: Callable[[], int]) -> None:
    path = tmp_path / "a.mcap"
    with RecordingWriter(path, make_calibration()) as writer:
        writer.write(make_frame(0))
    data = path.read_bytes()
    source = McapInput(path)
    (chunk,) = scan(source).chunks
    source.close()
    for opcode in range(1, 16):
        liar = bytes([opcode]) + struct.pack("<Q", length)
        path.write_bytes(data[: chunk.offset] + liar + data[chunk.offset : -30])
        with McapReader(path) as reader:  # The chunk is found behind it.
            assert len(reader) == 1
    assert memory() < MODEST_BYTES


def test_depth_without_colour_stands_for_it_and_says_so(tmp_path: Path) -> None:
    path = one_message_file(tmp_path / "a.mcap", depth_message(), depth_message(), "foxglove.RawImage")
    with open_recording(path) as reader:
        frame = reader.read(0)
        assert "There is no colour" in reader.info.notes[0]
    assert (frame.color[frame.depth == 0] == 0).all()
    assert frame.color.shape == (*frame.depth.shape, 3)


def test_unknown_schemas_say_what_there_is(tmp_path: Path) -> None:
    path = one_message_file(tmp_path / "a.mcap", b"?", b"?", "sensor_msgs/msg/Image")
    with pytest.raises(RecordingError, match=r"no colour and no depth pictures .*sensor_msgs/msg/Image"):
        open_recording(path)


def foreign_recording(
    path: Path, times: list[tuple[int, int]], *, chunked: bool = True, calibrated: bool = True
) -> Path:
    """Ten-times-eight pictures of another program, with times for colour and depth in milliseconds."""
    with path.open("wb") as file:
        writer = Writer(file, use_chunking=chunked, compression=CompressionType.LZ4)
        writer.start()
        image = writer.register_schema("foxglove.RawImage", "protobuf", b"")
        lens = writer.register_schema("foxglove.CameraCalibration", "protobuf", b"")
        color = writer.register_channel("/rgb", "protobuf", image)
        depth = writer.register_channel("/depth", "protobuf", image)
        camera = writer.register_channel("/camera_info", "protobuf", lens)
        if calibrated:
            calibration = CameraCalibration(width=10, height=8, K=[9, 0, 4.5, 0, 9, 3.5, 0, 0, 1])
            writer.add_message(camera, 0, calibration.SerializeToString(), 0)
        for number, (color_ms, depth_ms) in enumerate(times):
            pixels = np.full((8, 10, 3), number, np.uint8).tobytes()
            picture = RawImage(width=10, height=8, step=30, encoding="bgr8", data=pixels)
            writer.add_message(color, color_ms * 10**6, picture.SerializeToString(), 0)
            counts = np.full((8, 10), 1000 + number, "<u2").tobytes()
            writer.add_message(depth, depth_ms * 10**6, depth_message(10, 8, counts), 0)
        writer.finish()
    return path


@pytest.mark.parametrize("chunked", [True, False])
def test_pictures_of_another_program_are_paired_by_time(tmp_path: Path, chunked: bool) -> None:
    times = [(1000, 1004), (1033, 1037), (1066, 1500), (1100, 1104)]
    with open_recording(foreign_recording(tmp_path / "a.mcap", times, chunked=chunked)) as reader:
        pairs = [(int(f.color[0, 0, 0]), int(f.depth[0, 0]), f.time_us) for f in reader]
        assert pairs == [(0, 1000, 0), (1, 1001, 33_000), (3, 1003, 100_000)]
        assert reader.read(0).calibration.color.fx == 9
        assert reader.read(0).calibration.origin == "file"
        assert "assumed: millimetres" in reader.info.notes[-1]


def test_frames_out_of_order_are_put_in_order(tmp_path: Path) -> None:
    times = [(1066, 1066), (1000, 1000), (1033, 1033)]
    with open_recording(foreign_recording(tmp_path / "a.mcap", times)) as reader:
        assert [int(frame.depth[0, 0]) for frame in reader] == [1001, 1002, 1000]
        assert reader.times_us.tolist() == [0, 33_000, 66_000]


def test_an_unknown_lens_is_assumed_and_said(tmp_path: Path) -> None:
    with open_recording(foreign_recording(tmp_path / "a.mcap", [(1, 1)], calibrated=False)) as reader:
        assert "60 degrees" in reader.info.notes[0]
        assert reader.read(0).calibration.origin == "assumed"


def test_options_are_refused_by_name(tmp_path: Path) -> None:
    path = foreign_recording(tmp_path / "a.mcap", [(1, 1)])
    with pytest.raises(RecordingError, match="'colour'"):
        open_recording(path, colour="/rgb")
