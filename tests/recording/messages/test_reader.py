"""Recordings of ROS and Foxglove as other programs write them: pixels, metres, times and calibration as written."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from google.protobuf.json_format import MessageToDict
from mcap.writer import Writer

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording import open_recording
from rgbd_seg.testing.layouts import ReaderConformance
from tests.recording.messages.scene import (
    HEIGHT,
    ROS1,
    ROS2,
    START_NS,
    STEP_NS,
    WIDTH,
    color,
    depth,
    fox_camera,
    fox_packed,
    fox_raw,
    fox_rows,
    packed,
    ros_camera,
    ros_compressed,
    ros_image,
    ros_rows,
    rvl,
    write_foxglove,
    write_ros1,
    write_ros2,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rgbd_seg.recording.reader import RecordingReader
    from tests.recording.messages.scene import Row


def check(reader: RecordingReader, frames: int = 4) -> None:
    """All that `ros_rows` and `fox_rows` put in."""
    assert reader.times_us.tolist() == [i * STEP_NS // 1000 for i in range(frames)]
    assert reader.start_ns == START_NS
    for i, frame in enumerate(reader):
        assert np.array_equal(frame.color, color(i))
        assert np.array_equal(frame.depth, depth(i))
        lens = frame.calibration.color
        assert (lens.fx, lens.fy, lens.cx, lens.cy, lens.distortion) == (40, 41, 15.5, 11.5, ())
        assert (frame.calibration.depth_unit_m, frame.calibration.origin) == (0.001, "file")
        assert frame.calibration.registered


def write_json(path: Path, rows: list[Row]) -> Path:
    """The same messages by Foxglove's JSON schemas."""
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start()
        channels: dict[str, int] = {}
        for topic, t, message in rows:
            if topic not in channels:
                schema = writer.register_schema(message.DESCRIPTOR.full_name, "jsonschema", b'{"type": "object"}')
                channels[topic] = writer.register_channel(topic, "json", schema)
            fields = MessageToDict(message, preserving_proto_field_name=True)
            fields["timestamp"] = {"sec": message.timestamp.seconds, "nsec": message.timestamp.nanos}
            writer.add_message(channels[topic], t, json.dumps(fields).encode(), t)
        writer.finish()
    return path


def split(path: Path) -> Path:
    """A folder whose recording goes on in a second file, as rosbag2 splits large ones."""
    rows = ros_rows()
    write_ros2(path, rows[: len(rows) // 2], "sqlite3")
    second = write_ros2(path.parent / "second", rows[len(rows) // 2 :], "sqlite3")
    (path / f"{path.name}.db3").rename(path / f"{path.name}_0.db3")
    (second / "second.db3").rename(path / f"{path.name}_1.db3")
    return path


WRITTEN = {
    "rosbag2 MCAP": lambda folder: write_ros2(folder / "a", ros_rows()),
    "rosbag2 database": lambda folder: write_ros2(folder / "a", ros_rows(), "sqlite3"),
    "rosbag2 database alone": lambda folder: write_ros2(folder / "a", ros_rows(), "sqlite3") / "a.db3",
    "rosbag2 MCAP alone": lambda folder: write_ros2(folder / "a", ros_rows()) / "a.mcap",
    "rosbag2 in two files": lambda folder: split(folder / "a"),
    "ROS 1 bag": lambda folder: write_ros1(folder / "a.bag", ros_rows(ROS1)),
    "ROS 1 bag, bz2": lambda folder: write_ros1(folder / "a.bag", ros_rows(ROS1), "BZ2"),
    "ROS 1 bag, lz4": lambda folder: write_ros1(folder / "a.bag", ros_rows(ROS1), "LZ4"),
    "Foxglove protobuf": lambda folder: write_foxglove(folder / "a.mcap", fox_rows()),
    "Foxglove protobuf without chunks": lambda folder: write_foxglove(
        folder / "a.mcap", fox_rows(), use_chunking=False
    ),
    "Foxglove JSON": lambda folder: write_json(folder / "a.mcap", fox_rows()),
}


@pytest.fixture(params=WRITTEN)
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path: Path = WRITTEN[request.param](tmp_path)
    return path


class TestConformance(ReaderConformance):
    @pytest.fixture
    def reader(self, written: Path) -> Iterator[RecordingReader]:
        with open_recording(written) as reader:
            yield reader


def test_pixels_metres_times_and_calibration_are_as_written(written: Path) -> None:
    with open_recording(written) as reader:
        check(reader)
        details = reader.info.details
        assert "rgb" in details["colour stream"] or "color" in details["colour stream"]
        assert details["depth unit"].startswith("assumed: millimetres")
        assert sum(count for _, _, count in reader.streams) == 12


def test_a_bag_that_was_not_closed_opens(tmp_path: Path) -> None:
    path = write_ros1(tmp_path / "a.bag", ros_rows(ROS1))
    data = path.read_bytes()
    # The index at the end, and the place of it in the head, come when a bag is closed.
    at = int.from_bytes(data[data.index(b"index_pos=") + 10 :][:8], "little")
    path.write_bytes(data[:at].replace(b"index_pos=" + at.to_bytes(8, "little"), b"index_pos=" + bytes(8)))
    with open_recording(path) as reader:
        check(reader)


@pytest.mark.parametrize("name", ["ROS 1 bag", "ROS 1 bag, lz4", "rosbag2 database alone", "Foxglove protobuf"])
def test_damage_is_an_error_or_a_warning_and_never_more(name: str, tmp_path: Path) -> None:
    path = WRITTEN[name](tmp_path)
    data = path.read_bytes()
    rng = np.random.default_rng(1)
    for _ in range(30):
        broken = bytearray(data[: int(rng.integers(1, len(data)))] if rng.random() < 0.3 else data)
        for at in rng.integers(0, len(broken), 20):
            broken[at] = int(rng.integers(256))
        path.write_bytes(broken)
        try:
            with open_recording(path) as reader:
                for position in range(len(reader)):
                    try:
                        reader.read(position)
                    except RecordingError:
                        continue
        except RecordingError:
            continue


def test_packed_pictures_of_ros(tmp_path: Path) -> None:
    rows: list[Row] = []
    for i in range(3):
        t = START_NS + i * STEP_NS
        message = bytes(12) + (packed(depth(i)) if i else rvl(depth(i)))
        text = "16UC1; compressedDepth png" if i else "16UC1; compressedDepth rvl"
        rows += [
            (
                "/camera/rgb/image_raw/compressed",
                t,
                ros_compressed(ROS2, t, packed(color(i)), "bgr8; png compressed bgr8"),
            ),
            ("/camera/depth_registered/image_raw/compressedDepth", t, ros_compressed(ROS2, t, message, text)),
            ("/camera/rgb/camera_info", t, ros_camera(ROS2, t)),
        ]
    with open_recording(write_ros2(tmp_path / "a", rows)) as reader:
        check(reader, 3)


def test_pictures_are_paired_by_their_own_times(tmp_path: Path) -> None:
    """Colour is logged 100 ms after it was taken, depth 1 ms."""
    rows: list[Row] = [("/calib", START_NS, fox_camera(START_NS))]
    for i in range(9):
        t = START_NS + i * STEP_NS
        rows += [
            ("/depth", t + 1_000_000, fox_raw(t, depth(i), "16UC1")),
            ("/rgb", t + 100_000_000, fox_packed(t, packed(color(i)), "png")),
        ]
    rows.sort(key=lambda row: row[1])
    with open_recording(write_foxglove(tmp_path / "a.mcap", rows)) as reader:
        check(reader, 9)
        assert reader.info.details["pairs"] == "by the pictures' own times, at most 0.0 ms apart"


def test_without_times_of_their_own_the_log_pairs_them(tmp_path: Path) -> None:
    rows: list[Row] = []
    for i in range(3):
        t = START_NS + i * STEP_NS
        rows += [("/rgb", t, fox_raw(0, color(i), "rgb8")), ("/depth", t + 2_000_000, fox_raw(0, depth(i), "16UC1"))]
    with open_recording(write_foxglove(tmp_path / "a.mcap", rows)) as reader:
        assert [int(frame.color[0, 0, 2]) for frame in reader] == [0, 20, 40]
        assert reader.info.details["pairs"] == "by the times of recording, at most 2.0 ms apart"


def test_equal_times_go_together_in_their_order(tmp_path: Path) -> None:
    rows: list[Row] = []
    for i in range(4):
        t = START_NS + i // 2 * STEP_NS
        rows += [("/rgb", t, fox_raw(t, color(i), "rgb8")), ("/depth", t, fox_raw(t, depth(i), "16UC1"))]
    with open_recording(write_foxglove(tmp_path / "a.mcap", rows)) as reader:
        for i, frame in enumerate(reader):
            assert np.array_equal(frame.color, color(i))
            assert np.array_equal(frame.depth, depth(i))


def test_the_unit_can_be_set(tmp_path: Path) -> None:
    path = write_foxglove(tmp_path / "a.mcap", fox_rows())
    with open_recording(path, depth_unit_m="0.0001") as reader:
        assert reader.read(0).calibration.depth_unit_m == 0.0001
        assert reader.info.details["depth unit"] == "0.1 mm a count, as you said"
        assert not any("assumed" in warning for warning in reader.info.notes)


def test_metres_are_stored_in_millimetres_and_what_is_no_distance_is_a_hole(tmp_path: Path) -> None:
    metres = (depth() / 1000).astype(np.float32)
    metres[0, :5] = np.nan, np.inf, -np.inf, -1, 100
    rows = [("/rgb", 5, fox_raw(5, color(), "rgb8")), ("/depth", 5, fox_raw(5, metres, "32FC1"))]
    with open_recording(write_foxglove(tmp_path / "a.mcap", rows)) as reader:
        frame = reader.read(0)
    expected = depth()
    expected[0, :5] = 0
    assert np.array_equal(frame.depth, expected)


def test_streams_can_be_chosen(tmp_path: Path) -> None:
    rows = fox_rows(2)
    for i in range(2):
        t = START_NS + i * STEP_NS
        rows += [("/other/rgb", t, fox_raw(t, color(i)[..., ::-1], "rgb8", "other"))]
        rows += [("/other/depth", t, fox_raw(t, depth(i + 5), "16UC1", "other"))]
    path = write_foxglove(tmp_path / "a.mcap", rows)
    with open_recording(path) as reader:
        check(reader, 2)
        assert any("/other/rgb with /other/depth" in warning for warning in reader.info.notes)
        assert "/other/rgb" in reader.info.details["other pictures"]
    with open_recording(path, color="/other/rgb", depth="/other/depth", calibration="/calib") as reader:
        frame = reader.read(1)
        assert np.array_equal(frame.color, color(1)[..., ::-1])
        assert np.array_equal(frame.depth, depth(6))
        assert frame.calibration.origin == "file"
    with pytest.raises(RecordingError, match="no pictures on that topic"):
        open_recording(path, color="/nowhere")
    with pytest.raises(RecordingError, match="calibration"):
        open_recording(path, colour="/rgb")


def test_pictures_that_change_size_on_the_way_are_no_damage(tmp_path: Path) -> None:
    rows: list[Row] = []
    for i in range(6):
        t = START_NS + i * STEP_NS
        width, height = (WIDTH, HEIGHT) if i < 3 else (HEIGHT, WIDTH)
        rows += [
            (
                "/calib",
                t,
                fox_camera(t, (60.0, 0, width / 2, 0, 61.0, height / 2, 0, 0, 1), width=width, height=height),
            ),
            ("/rgb", t, fox_packed(t, packed(color(i, width, height)), "png")),
            ("/depth", t, fox_raw(t, depth(i, width, height), "16UC1")),
        ]
    with open_recording(write_foxglove(tmp_path / "a.mcap", rows)) as reader:
        frames = list(reader)
    assert [frame.color.shape[1] for frame in frames] == [WIDTH] * 3 + [HEIGHT] * 3
    assert frames[5].calibration.color.cx == HEIGHT / 2
    assert frames[5].calibration.origin == "file"


def test_a_refusal_names_the_encoding_and_the_topic(tmp_path: Path) -> None:
    rows = [("/rgb", 5, fox_raw(5, color()[..., :2], "yuv999")), ("/depth", 5, fox_raw(5, depth(), "16UC1"))]
    with pytest.raises(RecordingError, match=r"no colour .*/rgb \(yuv999"):
        open_recording(write_foxglove(tmp_path / "a.mcap", rows))


@pytest.mark.parametrize("name", ["a.bag", "a.db3"])
@pytest.mark.parametrize("data", [b"", b"no bag at all", b"#ROSBAG V1.2\n"])
def test_what_is_no_bag_is_said_without_blaming_anybody(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(RecordingError) as caught:
        open_recording(path)
    assert "RealSense" not in str(caught.value)
    assert ("ROS 1 bag" in str(caught.value)) == (name == "a.bag")


def test_another_database_is_no_recording(tmp_path: Path) -> None:
    path = tmp_path / "a.db3"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE other (id INTEGER)")
    database.close()
    with pytest.raises(RecordingError, match="no database of rosbag2"):
        open_recording(path)


def test_messages_that_are_packed_one_by_one(tmp_path: Path) -> None:
    from rosbags.rosbag2 import CompressionFormat, CompressionMode

    options: dict[str, Any] = {"compression_format": CompressionFormat.ZSTD, "mode": CompressionMode.MESSAGE}
    options = {"fmt": options["compression_format"], "mode": options["mode"]}
    with open_recording(write_ros2(tmp_path / "a", ros_rows(), "sqlite3", **options)) as reader:
        check(reader)


@pytest.mark.parametrize("jitter_ms", [2, 60])
def test_large_bags_of_bz2_open_by_samples_of_the_stamps_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jitter_ms: int
) -> None:
    """Recorded 100 ms late, more or less: where that varies too much, every stamp is read all the same."""
    monkeypatch.setattr("rgbd_seg.recording.messages.stamps.SAMPLES", 5)
    rows = []
    for i in range(24):
        t = START_NS + i * STEP_NS
        late = t + 100_000_000 + (i % 3) * jitter_ms * 500_000
        rows += [
            ("/camera/color/image_raw", late, ros_image(ROS1, t, color(i % 12), "rgb8")),
            ("/camera/aligned_depth_to_color/image_raw", t + 1, ros_image(ROS1, t, depth(i), "16UC1")),
        ]
    rows.sort(key=lambda row: row[1])
    with open_recording(write_ros1(tmp_path / "a.bag", rows, "BZ2")) as reader:
        assert any("5 of 24 were read" in note for note in reader.info.notes)
        assert any("less 10" in note for note in reader.info.notes) == (jitter_ms == 2)
        assert len(reader) == 24
        for i in (0, 7, 23):
            frame = reader.read(i)
            assert np.array_equal(frame.color, color(i % 12))
            assert np.array_equal(frame.depth, depth(i))
            assert abs(frame.time_us - i * STEP_NS / 1000) < 5
