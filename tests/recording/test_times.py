"""Times survive: a copy has the original's clocks to the nanosecond, and a video shows each frame when it was taken."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from mcap.reader import make_reader

from rgbd_seg.recording import open_recording
from rgbd_seg.recording.convert import convert, source_of, stored_frames
from rgbd_seg.recording.mcap.writer import RecordingWriter, WriterOptions
from rgbd_seg.recording.pictures.video import VideoWriter
from tests.recording.frames import make_calibration, make_frame

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

OFFSET_NS = 1_700_000_000_123_456_789


def frames_in(path: Path) -> list[tuple[int, int, dict[str, Any]]]:
    """Log time, sequence and content of each frame's message."""
    with path.open("rb") as file:
        found = make_reader(file).iter_messages(topics=["/camera/frame"])
        return [(m.log_time, m.sequence, json.loads(m.data)) for _, _, m in found]


def metadata_of(path: Path) -> dict[str, dict[str, str]]:
    with path.open("rb") as file:
        return {record.name: record.metadata for record in make_reader(file).iter_metadata()}


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """Uneven times that are no whole microseconds, one frame lost, one gap that nobody has counted."""
    path = tmp_path / "original.mcap"
    host_ns = 123_456_789_123
    with RecordingWriter(path, make_calibration(), options=WriterOptions(epoch_offset_ns=OFFSET_NS)) as writer:
        for number, index in enumerate((0, 1, 2, 4, 5, 6)):
            host_ns += 33_333_333 + number * 7
            if index == 6:
                host_ns += 4_000_000_001
                writer.mark_gap("camera lost", 4.0)
            writer.write(make_frame(index, host_ns=host_ns))
    return path


@pytest.mark.parametrize("start", [0, 2])
def test_a_copy_has_the_same_clocks_start_and_gaps(original: Path, start: int, tmp_path: Path) -> None:
    copy = tmp_path / "copy.mcap"
    with open_recording(original) as reader:
        convert(stored_frames(reader, start), copy, source_of(reader))
        gaps = reader.info.gaps
    assert frames_in(copy) == frames_in(original)[start:]
    before, after = metadata_of(original)["rgbd_seg"], metadata_of(copy)["rgbd_seg"]
    assert all(before[key] == after[key] for key in ("started", "epoch_offset_ns", "calibration"))
    with open_recording(copy) as reader:
        assert reader.start_ns == frames_in(original)[start][0]
        assert reader.info.gaps == tuple(replace(gap, after=gap.after - start) for gap in gaps)
        assert "1 frame in 1 gap" in reader.info.missing
        assert "4.03 s in 1 gap whose frames nobody has counted" in reader.info.missing


def test_a_source_that_falls_silent_leaves_a_gap_in_seconds(tmp_path: Path) -> None:
    path, host_ns = tmp_path / "hang.mcap", 0
    with RecordingWriter(path, make_calibration()) as writer:
        for index in range(20):
            host_ns += 4_000_000_000 if index == 12 else 33_000_000
            writer.write(make_frame(index, host_ns=host_ns))
    with open_recording(path) as reader:
        (gap,) = reader.info.gaps
        assert (gap.after, gap.frames, gap.reason) == (11, 0, "nothing came from the source")
        assert str(gap) == "4.00 s"
        assert reader.info.missing == "4.00 s in 1 gap whose frames nobody has counted"


def brightness_at(path: Path) -> tuple[list[tuple[float, int]], float]:
    """Second and brightness of each picture of a video, and its length in seconds."""
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    fps, found = video.get(cv2.CAP_PROP_FPS), []
    while (read := video.read())[0]:
        found.append((len(found) / fps, int(np.median(read[1]))))
    video.release()
    return found, len(found) / fps


def grey(level: int) -> NDArray[np.uint8]:
    return np.full((48, 64, 3), level, np.uint8)


def shown_at(times_s: Sequence[float], fps: float, path: Path) -> tuple[list[float], float, int]:
    """When each picture of a video first shows, its length, and how many were left out."""
    levels = [20 + number * 230 // len(times_s) for number in range(len(times_s))]
    with VideoWriter(path, fps) as video:
        for level, time_s in zip(levels, times_s, strict=True):
            video.write(grey(level), time_s)
    pictures, length = brightness_at(path)
    first: dict[int, float] = {}
    for second, level in pictures:
        nearest = min(range(len(levels)), key=lambda i: abs(levels[i] - level))
        first.setdefault(nearest, second)
    return [first[i] for i in range(len(levels)) if i in first], length, video.left_out


def test_a_video_shows_each_frame_when_it_was_taken(tmp_path: Path) -> None:
    times = [5.0, 5.033, 5.1, 5.133, 7.133, 7.166, 7.3, 7.333]
    shown, length, left_out = shown_at(times, 30, tmp_path / "v.mp4")
    assert left_out == 0
    assert np.allclose(shown, np.array(times) - 5.0, atol=1 / 30 + 0.001)
    assert length == pytest.approx(7.333 - 5.0 + 1 / 30, abs=1 / 30 + 0.001)


def test_a_burst_is_shown_one_after_the_other(tmp_path: Path) -> None:
    times = [0.0, 0.01, 0.02, 0.03, 0.5, 0.6]
    shown, length, left_out = shown_at(times, 30, tmp_path / "v.mp4")
    assert (len(shown), left_out) == (6, 0)
    assert np.allclose(shown[4:], times[4:], atol=1 / 30)
    assert length == pytest.approx(0.6 + 1 / 30, abs=1 / 30 + 0.001)


def test_frames_for_which_a_video_is_too_slow_are_counted(tmp_path: Path) -> None:
    _, length, left_out = shown_at([number / 120 for number in range(60)], 10, tmp_path / "v.mp4")
    assert left_out > 30
    assert round(length * 10) + left_out == 60
    assert length < 1.0


def test_a_recording_becomes_a_video_of_the_same_length(original: Path, tmp_path: Path) -> None:
    with open_recording(original) as reader:
        convert(stored_frames(reader), tmp_path / "v.mp4", source_of(reader))
        length_s = float(reader.times_us[-1]) / 1e6
    assert brightness_at(tmp_path / "v.mp4")[1] == pytest.approx(length_s, abs=0.1)


def test_videos_are_h264_with_the_index_in_front_where_pyav_is_there(tmp_path: Path) -> None:
    """What browsers play; decoded by PyAV itself, not by OpenCV."""
    av = pytest.importorskip("av")
    path = tmp_path / "a.mp4"
    shades = [20, 90, 160, 230]
    with VideoWriter(path, 10) as video:
        for i, shade in enumerate(shades):
            video.write(np.full((48, 64, 3), (shade, 60, 255 - shade), np.uint8), i / 10)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert float(stream.average_rate) == 10
        found = [frame.to_ndarray(format="rgb24")[20, 30].tolist() for frame in file.decode(stream)]
    assert len(found) == len(shades)
    for pixel, shade in zip(found, shades, strict=True):
        assert pixel == pytest.approx([shade, 60, 255 - shade], abs=8)
