"""Faults of the disk under a running recording, and of files under a running replay."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest import mock

import numpy as np

from rgbd_seg.errors import RecordingError
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.pipeline.live import LivePipeline
from rgbd_seg.pipeline.recorder import Recorder, RecorderOptions
from rgbd_seg.recording import open_recording
from rgbd_seg.sensors import open_sensor
from rgbd_seg.sensors.sensor import SensorInfo
from tests.recording.frames import make_calibration
from tests.reliability.fault import Outcome, fault
from tests.waiting import started, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_INFO = SensorInfo("imagined:", "Imagined camera", "camera")
_NOISE = np.random.default_rng(1)


def noise_frame(index: int) -> RgbdFrame:
    """A frame that no compression makes small: about 40 KB each, so that a small disk fills up."""
    calibration = make_calibration()
    size = (calibration.color.height, calibration.color.width)
    color = _NOISE.integers(0, 256, (*size, 3), np.uint8)
    depth = _NOISE.integers(0, 65536, size, np.uint16)
    return RgbdFrame(color, depth, calibration, index, time.monotonic_ns())


@contextmanager
def small_disk(folder: Path, options: str = "size=4m") -> Iterator[Path]:
    """A real file system of 4 MB in memory; needs the right to mount."""
    disk = folder / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)], capture_output=True, check=False)
    if done.returncode:
        raise PermissionError("mounting a small disk is not permitted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def feed(recorder: Recorder, most: int, times_ns: list[int] | None = None) -> int:
    """Offers frames until the recording ends by itself; returns how many were taken, and notes when."""
    taken = 0
    for index in range(most):
        if recorder.status().state != "recording":
            break
        frame = noise_frame(index)
        if recorder.offer(frame, wait_s=5.0):
            taken += 1
            if times_ns is not None:
                times_ns.append(frame.host_ns)
        time.sleep(0.01)
    return taken


def outcome(path: Path, recorder: Recorder, taken: int, times_ns: Sequence[int] = ()) -> Outcome:
    """What is in the file, against what the recorder took and against what it says."""
    status = recorder.stop()
    with open_recording(path) as reader:
        kept = sum(1 for _ in reader)
        seconds = float(reader.times_us[-1]) / 1e6
    assert (status.frames, status.frames + status.dropped) == (kept, taken), f"{status} against {kept} of {taken}"
    lost_s = max((times_ns[-1] - times_ns[0]) / 1e9 - seconds, 0.0) if times_ns else 0.0
    return Outcome(status.reason, taken, kept, lost_s)


@fault("disk full while recording")
def _disk_full(folder: Path) -> Outcome:
    with small_disk(folder) as disk:
        recorder = Recorder(disk / "a.mcap", make_calibration(), _INFO, options=RecorderOptions(min_free_bytes=0))
        times_ns: list[int] = []
        taken = feed(recorder, 5000, times_ns)
        until(lambda: recorder.status().state == "failed")
        result = outcome(disk / "a.mcap", recorder, taken, times_ns)
    assert result.kept > 10
    return result


@fault("disk nearly full while recording")
def _disk_nearly_full(folder: Path) -> Outcome:
    with small_disk(folder, "size=16m") as disk:
        options = RecorderOptions(min_free_bytes=12_000_000)
        recorder = Recorder(disk / "a.mcap", make_calibration(), _INFO, options=options)
        taken = feed(recorder, 20_000)
        until(lambda: recorder.status().state == "finished")
        result = outcome(disk / "a.mcap", recorder, taken)
    assert "are left on the disk" in result.seen
    return result


@fault("folder cannot be written")
def _read_only(folder: Path) -> Outcome:
    with small_disk(folder, "ro,size=4m") as disk:
        try:
            Recorder(disk / "a.mcap", make_calibration(), _INFO, options=RecorderOptions(min_free_bytes=0))
        except RecordingError as error:
            return Outcome(str(error), 0, 0)
    raise AssertionError("a recording began in a folder that cannot be written")


@fault("folder deleted under a running recording")
def _folder_deleted(folder: Path) -> Outcome:
    target = folder / "recordings"
    target.mkdir()
    recorder = Recorder(target / "a.mcap", make_calibration(), _INFO, options=RecorderOptions(min_free_bytes=0))
    taken = feed(recorder, 20)
    shutil.rmtree(target)
    feed(recorder, 5000)
    until(lambda: recorder.status().state == "failed")
    return Outcome(recorder.stop().reason, taken, 0)  # Deleted with the folder: all that can be done is to say so.


@fault("recording onto an existing file")
def _same_file(folder: Path) -> Outcome:
    path = folder / "a.mcap"
    with Recorder(path, make_calibration(), _INFO, options=RecorderOptions(min_free_bytes=0)) as recorder:
        taken = feed(recorder, 20)
        try:
            Recorder(path, make_calibration(), _INFO, options=RecorderOptions(min_free_bytes=0))
        except RecordingError as error:
            seen = str(error)
        else:
            raise AssertionError("a second recording took the same file")
        taken += feed(recorder, 20)
        result = outcome(path, recorder, taken)
    assert result.kept == taken
    return Outcome(seen, taken, result.kept)


@fault("clock jumps while recording")
def _clock_jumps(folder: Path) -> Outcome:
    path, real_ns = folder / "a.mcap", time.time_ns
    with Recorder(path, make_calibration(), _INFO, options=RecorderOptions(min_free_bytes=0)) as recorder:
        taken = feed(recorder, 10)
        for jump_s in (3600, -86400 * 365):
            with (
                mock.patch("time.time_ns", lambda jump_s=jump_s: real_ns() + jump_s * 10**9),
                mock.patch("time.time", lambda jump_s=jump_s: real_ns() / 1e9 + jump_s),
            ):
                taken += feed(recorder, 10)
        result = outcome(path, recorder, taken)
    with open_recording(path) as reader:
        assert reader.times_us[-1] < 60e6, "a jump of the clock came into the recording"
    assert result.kept == taken
    return Outcome("", taken, result.kept)


def _recorded(folder: Path, frames: int) -> Path:
    path = folder / "a.mcap"
    with Recorder(path, make_calibration(), _INFO, options=RecorderOptions(min_free_bytes=0)) as recorder:
        feed(recorder, frames)
    return path


@fault("recording cut short while it is replayed")
def _cut_while_replayed(folder: Path) -> Outcome:
    path = _recorded(folder, 200)
    return _replay_while(path, lambda: os.truncate(path, path.stat().st_size // 3))


@fault("recording deleted while it is replayed")
def _deleted_while_replayed(folder: Path) -> Outcome:
    path = _recorded(folder, 200)
    return _replay_while(path, path.unlink)


@fault("recording replaced while it is replayed")
def _replaced_while_replayed(folder: Path) -> Outcome:
    """As programs replace files: the replay keeps the old one to its end."""
    path, other = _recorded(folder, 200), folder / "other"
    other.mkdir()
    newer = _recorded(other, 20)
    result = _replay_while(path, lambda: os.replace(newer, path))
    assert (result.captured, result.seen) == (200, "")
    return result


@fault("recording overwritten in place while it is replayed")
def _overwritten_while_replayed(folder: Path) -> Outcome:
    """As `cp` does it: no frame of the other recording is taken for one of this."""
    path, other = _recorded(folder, 200), folder / "other"
    other.mkdir()
    data = _recorded(other, 200).read_bytes()
    result = _replay_while(path, lambda: path.write_bytes(data))
    assert result.captured < 200
    assert "left out" in result.seen
    return result


def _replay_while(path: Path, hurt: object) -> Outcome:
    assert callable(hurt)
    sensor = open_sensor(str(path))
    assert sensor.playback is not None
    sensor.playback.every_frame = True
    with started(LivePipeline(sensor)) as pipeline:
        until(lambda: pipeline.status().captured > 5)
        hurt()
        until(lambda: not pipeline.running)
    status = pipeline.status()
    warnings = getattr(sensor, "warnings", ())
    return Outcome(status.error or (warnings[0] if warnings else ""), status.captured, status.segmented)
