"""The recorder: nothing is lost silently, it stops by itself in time, and the file is finished however it ends."""

from __future__ import annotations

import threading
from collections import namedtuple
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.labels import LabelSet
from rgbd_seg.pipeline.pre_roll import PreRoll
from rgbd_seg.pipeline.recorder import MIB, QUEUE_FULL, Recorder, RecorderOptions, RecorderStatus
from rgbd_seg.recording.layouts.mcap import McapReader
from rgbd_seg.recording.mcap.input import McapInput
from rgbd_seg.recording.mcap.output import McapOutput
from rgbd_seg.recording.mcap.scan import scan
from rgbd_seg.recording.mcap.writer import RecordingWriter, WriterOptions
from rgbd_seg.sensors.sensor import SensorInfo
from tests.recording.frames import PERIOD_NS, make_calibration, make_frame, make_segmentation
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOURCE = SensorInfo("imagined:7", "Imagined camera", "camera", serial="7", details={"lens": "wide"})
OPTIONS = RecorderOptions(min_free_bytes=0)


def start(path: Path, options: RecorderOptions = OPTIONS, **more: object) -> Recorder:
    """A recorder of the imagined camera."""
    return Recorder(path, make_calibration(), SOURCE, options=options, **more)  # type: ignore[arg-type]


class Ended:
    """Remembers the status that a recorder reports when it ends by itself."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.status: RecorderStatus | None = None

    def __call__(self, status: RecorderStatus) -> None:
        self.status = status
        self.event.set()

    def wait(self) -> RecorderStatus:
        assert self.event.wait(PATIENCE_S)
        assert self.status is not None
        return self.status


def test_what_is_offered_is_in_the_file(tmp_path: Path) -> None:
    labels = LabelSet.load("sunrgbd13")
    frames = [make_frame(i) for i in range(20)]
    with start(tmp_path / "a.mcap", settings={"exposure": "auto"}) as recorder:
        for frame in frames:
            assert recorder.offer(frame)
            assert recorder.offer_labels(make_segmentation(frame, labels))
        status = recorder.stop()
    assert (status.state, status.frames, status.dropped, status.reason) == ("finished", 20, 0, "stopped")
    assert status.queued_bytes == 0
    assert status.file_bytes == (tmp_path / "a.mcap").stat().st_size
    assert not recorder.offer(frames[0])
    with McapReader(tmp_path / "a.mcap") as reader:
        assert [frame.index for frame in reader] == list(range(20))
        assert all(frame.prediction is not None and frame.truth is None for frame in reader)
        details = reader.info.details
        assert (details["uri"], details["lens"], details["exposure"]) == ("imagined:7", "wide", "auto")


def test_a_full_queue_drops_counts_and_writes_it_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow, go_on = threading.Event(), threading.Event()
    write = RecordingWriter.write

    def stuck(self: RecordingWriter, *args: object) -> None:
        slow.set()
        assert go_on.wait(PATIENCE_S)
        write(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(RecordingWriter, "write", stuck)
    frame_bytes = make_frame(0).color.nbytes + make_frame(0).depth.nbytes
    with start(tmp_path / "a.mcap", RecorderOptions(queue_bytes=MIB, min_free_bytes=0)) as recorder:
        assert recorder.offer(make_frame(0))
        assert slow.wait(PATIENCE_S)
        accepted = [recorder.offer(make_frame(i)) for i in range(1, 200)]
        status = recorder.status()
        assert status.queued_bytes <= MIB
        assert accepted.count(True) == MIB // frame_bytes - 1  # The frame being written counts, too.
        assert status.dropped == accepted.count(False)
        go_on.set()
        # A source that can wait loses nothing.
        assert all(recorder.offer(make_frame(i), wait_s=PATIENCE_S) for i in range(200, 300))
    with McapReader(tmp_path / "a.mcap") as reader:
        (gap,) = reader.info.gaps
        assert gap.reason == QUEUE_FULL
        assert gap.frames == status.dropped
        assert len(reader) == 300 - status.dropped


def test_packs_less_before_it_drops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    write = RecordingWriter.write
    monkeypatch.setattr(RecordingWriter, "write", lambda self, *args: go_on.wait(PATIENCE_S) and write(self, *args))
    options = RecorderOptions(queue_bytes=MIB, min_free_bytes=0, writer=WriterOptions(chunk_bytes=1))
    with start(tmp_path / "a.mcap", options) as recorder:
        assert all(recorder.offer(make_frame(i)) for i in range(60))  # Most of a mebibyte.
        go_on.set()
    source = McapInput(tmp_path / "a.mcap")
    packed = [head.compression for head in scan(source).chunks]
    source.close()
    assert packed[1] == "lz4"
    assert packed[-1] == "zstd"
    with McapReader(tmp_path / "a.mcap") as reader:
        assert [frame.index for frame in reader] == list(range(60))


def test_chunks_reach_the_disk_while_no_frame_comes(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    with start(path, RecorderOptions(min_free_bytes=0, writer=WriterOptions(flush_s=0.05))) as recorder:
        for index in range(3):
            recorder.offer(make_frame(index))
        for _ in range(200):
            if recorder.status().frames == 3 and _frames_on_disk(path) == 3:
                break
            threading.Event().wait(0.05)
        else:
            pytest.fail("the frames never reached the disk")


def _frames_on_disk(path: Path) -> int:
    try:
        with McapReader(path) as reader:
            return len(reader)
    except RecordingError:
        return 0


def test_frames_from_before_the_start_come_first(tmp_path: Path) -> None:
    memory = PreRoll(5 * PERIOD_NS / 1e9, MIB)
    for index in range(20):
        memory.offer(make_frame(index))
    with start(tmp_path / "a.mcap") as recorder:
        for frame in [*memory.take(), make_frame(20)]:
            recorder.offer(frame)
    assert memory.take() == []
    with McapReader(tmp_path / "a.mcap") as reader:
        assert [frame.index for frame in reader] == [15, 16, 17, 18, 19, 20]


def test_the_memory_before_the_start_is_bounded_in_bytes() -> None:
    frame_bytes = make_frame(0).color.nbytes + make_frame(0).depth.nbytes
    memory = PreRoll(60, max_bytes=3 * frame_bytes)
    for index in range(20):
        memory.offer(make_frame(index))
    assert [frame.index for frame in memory.take()] == [17, 18, 19]
    with pytest.raises(ConfigurationError, match="0 to 60 s"):
        PreRoll(float("nan"), MIB)


Usage = namedtuple("Usage", "total used free")


def test_stops_cleanly_before_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = [10**9]
    monkeypatch.setattr("rgbd_seg.pipeline.recorder.shutil.disk_usage", lambda _: Usage(10**10, 0, free[0]))
    ended = Ended()
    with start(tmp_path / "a.mcap", RecorderOptions(min_free_bytes=10**8), on_end=ended) as recorder:
        recorder.offer(make_frame(0))
        free[0] = 10**7
        status = ended.wait()
        assert not recorder.offer(make_frame(1))
    assert status.state == "finished"
    assert "10 MB are left" in status.reason
    with McapReader(tmp_path / "a.mcap") as reader:
        assert reader.info.warnings == ()
        assert len(reader) == 1


def test_refuses_to_start_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rgbd_seg.pipeline.recorder.shutil.disk_usage", lambda _: Usage(10**10, 0, 10**6))
    with pytest.raises(RecordingError, match="make room"):
        start(tmp_path / "a.mcap", RecorderOptions(min_free_bytes=10**8))
    assert list(tmp_path.iterdir()) == []


def _refuse_after(count: int) -> Callable[..., int]:
    """A disk that is full after `count` writes."""
    import errno
    import os

    left = [count]
    writev = os.writev

    def limited(descriptor: int, views: list[memoryview]) -> int:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return writev(descriptor, views)

    return limited


def test_a_full_disk_costs_only_what_did_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = Ended()
    options = RecorderOptions(min_free_bytes=0, writer=WriterOptions(chunk_bytes=1))
    with start(tmp_path / "a.mcap", options, on_end=ended) as recorder:
        monkeypatch.setattr("rgbd_seg.recording.mcap.output.os.writev", _refuse_after(3))
        taken = sum(recorder.offer(make_frame(index)) for index in range(10))
        status = ended.wait()
    assert status.state == "failed"
    assert "No space left" in status.reason
    assert status.frames == 3
    assert status.dropped == taken - 3
    monkeypatch.undo()
    with McapReader(tmp_path / "a.mcap") as reader:
        assert [frame.index for frame in reader] == [0, 1, 2]
        assert status.seconds == pytest.approx(reader.times_us[-1] / 1e6, abs=1e-5)
        assert "was not finished" in reader.info.warnings[0]


def test_a_full_disk_takes_back_what_waited_in_the_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said of frames, seconds and gaps is what is in the file, with many frames and a gap in the lost chunk."""
    frames = [replace(make_frame(index), host_ns=index * 10**7) for index in range(30)]
    with RecordingWriter(tmp_path / "a.mcap", make_calibration(), options=WriterOptions(flush_s=60)) as writer:
        for frame in frames[:8]:
            writer.write(frame)
        writer.flush()
        writer.mark_gap("camera lost")
        for frame in frames[8:]:
            writer.write(frame)
        assert (writer.frames, len(writer.gaps)) == (30, 1)
        with monkeypatch.context() as patch:
            patch.setattr("rgbd_seg.recording.mcap.output.os.writev", _refuse_after(0))
            with pytest.raises(RecordingError, match="No space left"):
                writer.flush()
        assert (writer.frames, writer.gaps, writer.duration_s) == (8, (), pytest.approx(0.07))
        writer.write(replace(make_frame(40), host_ns=10**9))  # Room was made: it goes on, and the gap is known.
    with McapReader(tmp_path / "a.mcap") as reader:
        assert [frame.index for frame in reader] == [*range(8), 40]
        assert [(gap.after, gap.frames) for gap in reader.info.gaps] == [(7, 32)]


def test_a_deleted_file_is_noticed(tmp_path: Path) -> None:
    ended = Ended()
    with start(tmp_path / "a.mcap", on_end=ended) as recorder:
        recorder.offer(make_frame(0))
        (tmp_path / "a.mcap").unlink()
        status = ended.wait()
    assert status.state == "failed"
    assert "was deleted" in status.reason
    assert (status.frames, status.dropped) == (0, 1)


def test_a_deleted_folder_is_noticed(tmp_path: Path) -> None:
    ended, folder = Ended(), tmp_path / "folder"
    folder.mkdir()
    with start(folder / "a.mcap", on_end=ended) as recorder:
        recorder.offer(make_frame(0))
        (folder / "a.mcap").unlink()
        folder.rmdir()
        status = ended.wait()
    assert status.state == "failed"
    assert "gone" in status.reason


def test_a_recording_without_frames_leaves_no_file(tmp_path: Path) -> None:
    with start(tmp_path / "a.mcap") as recorder:
        pass
    assert recorder.status().frames == 0
    assert list(tmp_path.iterdir()) == []


def test_a_fault_in_the_encoder_ends_the_recording_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = Ended()
    with start(tmp_path / "a.mcap", on_end=ended) as recorder:
        recorder.offer(make_frame(0))
        while recorder.status().frames < 1:
            threading.Event().wait(0.01)
        monkeypatch.setattr("rgbd_seg.recording.mcap.writer.encode_color", lambda *_: 1 / 0)
        recorder.offer(make_frame(1))
        status = ended.wait()
    assert status.state == "failed"
    assert "ZeroDivisionError" in status.reason
    with McapReader(tmp_path / "a.mcap") as reader:
        assert [frame.index for frame in reader] == [0]


def test_a_lost_camera_is_in_the_log(tmp_path: Path) -> None:
    with start(tmp_path / "a.mcap") as recorder:
        recorder.offer(make_frame(0))
        recorder.mark_gap("camera lost", 12.5)
        recorder.offer(make_frame(1))
    with McapReader(tmp_path / "a.mcap") as reader:
        (gap,) = reader.info.gaps
    assert (gap.after, gap.seconds, gap.reason) == (0, 12.5, "camera lost")


def test_leaves_no_thread_and_no_open_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    close = McapOutput.close
    monkeypatch.setattr(McapOutput, "close", lambda self: closed.append(self) or close(self))
    before = set(threading.enumerate())
    recorder = start(tmp_path / "a.mcap")
    recorder.offer(make_frame(0))
    recorder.stop()
    recorder.stop()
    assert set(threading.enumerate()) <= before
    assert closed
