"""Our recordings after other tools have rewritten them: filtered (without our notes), sorted, merged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap.writer import Writer

from rgbd_seg.labels import LabelSet
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.mcap.format import TOPIC_FRAME
from rgbd_seg.recording.mcap.writer import RecordingWriter, WriterOptions
from tests.recording.frames import PERIOD_NS, make_calibration, make_frame

if TYPE_CHECKING:
    from pathlib import Path


def rewrite(sources: list[Path], out: Path, *, metadata: bool = True, joined: bool = True, without: str = "") -> Path:
    """What `mcap filter` and `mcap merge` do: messages in the order of time, attachments gone."""
    with out.open("wb") as file:
        writer = Writer(file)
        writer.start()
        rows, channels = [], {}
        for number, source in enumerate(sources):
            with source.open("rb") as original:
                reader = make_reader(original)
                if metadata:
                    for one in reader.iter_metadata():
                        writer.add_metadata(one.name, dict(one.metadata))
                for schema, channel, message in reader.iter_messages():
                    if channel.topic == without:
                        continue
                    key = (channel.topic, 0 if joined else number)
                    if key not in channels:
                        assert schema is not None
                        kind = writer.register_schema(schema.name, schema.encoding, schema.data)
                        channels[key] = writer.register_channel(
                            channel.topic, channel.message_encoding, kind, dict(channel.metadata)
                        )
                    rows.append((message.log_time, channels[key], message))
        for time_ns, channel_id, message in sorted(rows, key=lambda row: row[0]):
            writer.add_message(channel_id, time_ns, message.data, message.publish_time, message.sequence)
        writer.finish()
    return out


def record(path: Path, first: int, count: int, unit_m: float, fx: float = 60.0) -> Path:
    calibration = make_calibration()
    lens = replace(calibration.color, fx=fx)
    calibration = replace(calibration, color=lens, depth_unit_m=unit_m)
    labels = LabelSet.load("sunrgbd13")
    with RecordingWriter(path, calibration, name="cam", options=WriterOptions(color="png")) as writer:
        for i in range(first, first + count):
            frame = replace(make_frame(i, truth=labels), calibration=calibration, host_ns=10**9 + i * PERIOD_NS)
            writer.write(frame)
    return path


def test_without_our_notes_unit_camera_and_labels_are_still_right(tmp_path: Path) -> None:
    path = record(tmp_path / "a.mcap", 0, 8, 0.0001)
    bare = rewrite([path], tmp_path / "b.mcap", metadata=False)
    with open_recording(path) as reader, open_recording(bare) as found:
        assert len(found) == len(reader) == 8
        assert "rewritten" in found.info.warnings[0]
        for one, other in zip(reader, found, strict=True):
            assert np.array_equal(one.depth, other.depth)
            assert other.calibration.depth_unit_m == 0.0001
            assert (other.calibration.unit_origin, other.calibration.registration_origin) == ("file", "file")
            assert other.calibration.color == one.calibration.color
            assert one.truth is not None
            assert other.truth is not None
            assert np.array_equal(one.truth.labels, other.truth.labels)


def test_unregistered_depth_stays_so_whatever_a_tool_takes_out(tmp_path: Path) -> None:
    calibration = replace(make_calibration(), registered=False)
    with RecordingWriter(tmp_path / "a.mcap", calibration) as writer:
        for i in range(3):
            writer.write(make_frame(i, calibration))
    bare = rewrite([tmp_path / "a.mcap"], tmp_path / "bare.mcap", metadata=False)
    pictures = rewrite([bare], tmp_path / "pictures.mcap", metadata=False, without=TOPIC_FRAME)
    for path in (bare, pictures):  # The second is no longer known as ours.
        with open_recording(path) as reader:
            found = reader.read(1).calibration
            assert not found.registered
            assert (found.depth_unit_m, found.unit_origin) == (calibration.depth_unit_m, "file")


@pytest.mark.parametrize("metadata", [True, False])
def test_two_recordings_in_one_file_keep_their_units_and_cameras(tmp_path: Path, metadata: bool) -> None:
    first = record(tmp_path / "a.mcap", 0, 5, 0.001)
    second = record(tmp_path / "b.mcap", 40, 4, 0.0001, fx=90.0)
    merged = rewrite([first, second], tmp_path / "c.mcap", metadata=metadata, joined=False)
    with open_recording(merged) as reader:
        frames = list(reader)
        assert not reader.info.is_counted
    assert [frame.index for frame in frames] == list(range(9))
    assert [frame.calibration.depth_unit_m for frame in frames] == [0.001] * 5 + [0.0001] * 4
    assert [frame.calibration.color.fx for frame in frames] == [60.0] * 5 + [90.0] * 4
    assert all(frame.truth is not None for frame in frames)


def test_channels_that_a_tool_has_joined_count_nothing(tmp_path: Path) -> None:
    """`mcap merge` puts equal channels into one: what is missing between two recordings nobody knows."""
    first = record(tmp_path / "a.mcap", 0, 5, 0.001)
    second = record(tmp_path / "b.mcap", 40, 4, 0.001, fx=90.0)
    with open_recording(rewrite([first, second], tmp_path / "c.mcap")) as reader:
        assert "several recordings" in reader.info.warnings[-1]
        assert reader.info.missing.startswith("not known")
        assert [frame.index for frame in reader] == list(range(9))
        assert reader.read(8).calibration.color.fx == 90.0


def test_what_a_person_knows_better_overrules_the_file(tmp_path: Path) -> None:
    path = record(tmp_path / "a.mcap", 0, 3, 0.001)
    with open_recording(path, depth_unit_m="0.0001", registered="no") as reader:
        found = reader.read(0).calibration
    assert (found.depth_unit_m, found.unit_origin) == (0.0001, "user")
    assert (found.registered, found.registration_origin) == (False, "user")
