"""A second program on the same camera and on the same file: the first one must not notice."""

from __future__ import annotations

import signal
import subprocess
import time
from typing import TYPE_CHECKING

from rgbd_seg.pipeline.status import StopReason
from rgbd_seg.recording import open_recording
from tests.reliability.camera_faults import nasty_pipeline
from tests.reliability.fault import Outcome, fault, until
from tests.reliability.process_faults import last_line, record_command, start_recording
from tests.reliability.recorded import recorded

if TYPE_CHECKING:
    from pathlib import Path


@fault("a second program on the same camera")
def _same_camera(folder: Path) -> Outcome:
    """The driver gives the camera to one process, as USB does; when the first one ends, the second gets it."""
    camera = f"exclusive?lock={folder / 'camera'}"
    first, second = nasty_pipeline(camera), nasty_pipeline(camera)
    first.start()
    until(lambda: first.status().captured > 5)
    second.start()
    until(lambda: not second.running)
    seen = second.status().error
    assert second.status().stop_reason is StopReason.SENSOR_FAILED
    assert "in use" in seen
    known = first.status().captured
    until(lambda: first.status().captured > known + 5)
    first.stop()
    second.stop()
    begin = time.monotonic()
    third = nasty_pipeline(camera)
    third.start()
    until(lambda: third.status().captured > 0)
    recovered_s = time.monotonic() - begin
    third.stop()
    captured = first.status().captured
    assert first.status().reopened == 0
    return Outcome(seen, captured, captured, 0.0, recovered_s)


@fault("a second program records onto the same file")
def _same_file(folder: Path) -> Outcome:
    path = folder / "a.mcap"
    process = start_recording(path)
    second = subprocess.run(record_command(path), capture_output=True, text=True, timeout=60, check=False)
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
    process = start_recording(path)
    with open_recording(path) as reader:
        early, seen = len(list(reader)), " ".join(reader.info.warnings)
    assert early > 0
    ended_ns = time.time_ns()
    process.send_signal(signal.SIGINT)
    last_line(process)
    result = recorded(path, ended_ns)
    assert result.kept == result.captured > early
    return Outcome(seen, result.captured, result.kept, result.lost_s)
