"""A second program on the same camera and on the same file: the first one must not notice."""

from __future__ import annotations

import signal
import subprocess
import time
from typing import TYPE_CHECKING

from rgbd_seg.pipeline.status import StopReason
from rgbd_seg.recording import open_recording
from rgbd_seg.sensors.isolation.isolated import TimeLimits
from tests.reliability.camera_faults import nasty_pipeline
from tests.reliability.fault import Outcome, fault
from tests.reliability.process_faults import last_line, record_command, recording_program, wait_for_chunks
from tests.reliability.recorded import recorded
from tests.waiting import PATIENCE_S, started, until

if TYPE_CHECKING:
    from pathlib import Path


@fault("a second program on the same camera")
def _same_camera(folder: Path) -> Outcome:
    """The driver gives the camera to one process, as USB does; when the first one ends, the second gets it."""
    camera = f"exclusive?lock={folder / 'camera'}"
    # A busy machine may keep the driver waiting, which must not count as a hang here.
    patient = TimeLimits(answer_s=PATIENCE_S)
    with started(nasty_pipeline(camera, limits=patient)) as first:
        until(lambda: first.status().captured > 5)
        with started(nasty_pipeline(camera)) as second:
            until(lambda: not second.running)
            seen = second.status().error
            assert second.status().stop_reason is StopReason.SENSOR_FAILED
            assert "in use" in seen
        known = first.status().captured
        until(lambda: first.status().captured > known + 5)
    begin = time.monotonic()
    with started(nasty_pipeline(camera)) as third:
        until(lambda: third.status().captured > 0)
        recovered_s = time.monotonic() - begin
    captured = first.status().captured
    assert first.status().reopened == 0
    return Outcome(seen, captured, captured, 0.0, recovered_s)


@fault("a second program records onto the same file")
def _same_file(folder: Path) -> Outcome:
    path = folder / "a.mcap"
    with recording_program(path) as process:
        second = subprocess.run(record_command(path), capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert second.returncode == 1
        ended_ns = time.time_ns()
        process.send_signal(signal.SIGINT)
        last_line(process)
        result = recorded(path, ended_ns)
    assert result.kept == result.captured
    return Outcome(second.stderr.strip().splitlines()[-1], result.captured, result.kept, result.lost_s)


@fault("a second program reads the file that is recorded")
def _read_while_recorded(folder: Path) -> Outcome:
    path = folder / "a.mcap"
    with recording_program(path) as process:
        with open_recording(path) as reader:
            early, seen = len(list(reader)), " ".join(reader.info.warnings)
        assert early > 0
        wait_for_chunks(path)
        ended_ns = time.time_ns()
        process.send_signal(signal.SIGINT)
        last_line(process)
        result = recorded(path, ended_ns)
    assert result.kept == result.captured > early
    return Outcome(seen, result.captured, result.kept, result.lost_s)
