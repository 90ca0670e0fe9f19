"""Faults of a camera and its driver's process, under a running pipeline that records."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.pipeline.live import LivePipeline
from rgbd_seg.pipeline.live_settings import LiveSettings
from rgbd_seg.pipeline.recorder import Recorder, RecorderOptions
from rgbd_seg.pipeline.status import State
from rgbd_seg.recording import open_recording
from rgbd_seg.sensors.isolation.isolated import IsolatedSensor, TimeLimits
from rgbd_seg.sensors.sensor import Request, SensorInfo
from tests.reliability.fault import Outcome, fault
from tests.sensors import nasty_driver
from tests.waiting import PATIENCE_S, started, until

NO_LIMIT = RecorderOptions(min_free_bytes=0)
_LIMITS = TimeLimits(open_s=60.0, answer_s=0.5, control_s=2.0, close_s=0.5)
_INFO = SensorInfo("nasty:", "Nasty camera", "camera")
_CALIBRATION = Calibration(Intrinsics(32, 24, 30, 30, 16, 12), 0.0005)


def nasty_pipeline(what: str, at: int = 20, limits: TimeLimits = _LIMITS) -> LivePipeline:
    """A pipeline on a driver that misbehaves from frame `at` on."""
    folder = str(Path(nasty_driver.__file__).parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    sensor = IsolatedSensor(f"nasty:{what}?at={at}", _INFO, Request(), "nasty_driver", limits)
    return LivePipeline(sensor, settings=LiveSettings(reopen_every_s=0.05))


def _survive(what: str, folder: Path, hurt: signal.Signals | None = None) -> Outcome:
    """Records, waits for the loss (or sends a signal to the driver's process), and waits for frames to flow again."""
    pipeline = nasty_pipeline(what)
    pipeline.attach_recorder(Recorder(folder / "a.mcap", _CALIBRATION, _INFO, options=NO_LIMIT))
    with started(pipeline):
        if hurt is not None:
            until(lambda: pipeline.status().captured > 10)
            assert isinstance(pipeline.sensor, IsolatedSensor)
            pid = pipeline.sensor.child_pid
            assert pid is not None
            os.kill(pid, hurt)
        until(lambda: pipeline.status().state is State.LOST or pipeline.status().reopened > 0)
        seen = pipeline.status().message
        lost_at = time.monotonic()
        until(lambda: pipeline.status().reopened > 0)
        known = pipeline.status().captured
        until(lambda: pipeline.status().captured > known)
        recovered_s = time.monotonic() - lost_at
        captured = pipeline.status().captured  # Frames go on until the recording has ended.
    with open_recording(folder / "a.mcap") as reader:
        kept = len(reader)
        assert any("lost" in gap.reason for gap in reader.info.gaps), "the recording does not tell of the gap"
    assert kept >= captured
    return Outcome(seen, captured, captured, 0.0, recovered_s)


def _add(name: str, what: str, hurt: signal.Signals | None = None) -> None:
    fault(name)(lambda folder: _survive(what, folder, hurt))


_add("camera driver killed", "nothing", signal.SIGKILL)
_add("camera driver suspended", "nothing", signal.SIGSTOP)
_add("camera driver segfaults", "segfault")
_add("camera driver aborts", "abort")
_add("camera driver calls exit", "exit")
_add("camera driver hangs in read", "hang")
_add("camera driver raises", "raise")
_add("camera driver delivers torn pictures", "torn")
_add("camera falls silent", "silent")
_add("camera repeats one picture", "stale")


@fault("camera driver hangs for a while and goes on")
def _hang_for_a_while(folder: Path) -> Outcome:
    """Too short for a loss, and the camera's own numbers go on as if nothing had been: only the time tells."""
    pipeline = nasty_pipeline("pause", limits=TimeLimits(open_s=PATIENCE_S, answer_s=PATIENCE_S))
    pipeline.attach_recorder(Recorder(folder / "a.mcap", _CALIBRATION, _INFO, options=NO_LIMIT))
    with started(pipeline):
        # It pauses before every 20th frame: where frames come seconds apart anyway, the first may not stand out.
        until(lambda: pipeline.status().captured > 20 and pipeline.status().silent_s >= 2.4)
        known = pipeline.status().captured
        until(lambda: pipeline.status().captured > known)
        reopened = pipeline.status().reopened
    with open_recording(folder / "a.mcap") as reader:
        gaps = [gap for gap in reader.info.gaps if gap.reason == "nothing came from the source" and gap.seconds >= 2.4]
        kept = len(reader)
    assert reopened == 0
    assert gaps, "the recording does not tell of the pause"
    assert not any(gap.frames for gap in gaps)
    return Outcome(f"{gaps[0].reason} for {gaps[0].seconds:.1f} s", known, min(kept, known))


@fault("camera driver hangs in stop")
def _hang_in_stop(folder: Path) -> Outcome:
    with started(nasty_pipeline("hang in stop")) as pipeline:
        until(lambda: pipeline.status().captured > 20)
        begin = time.monotonic()
        pipeline.stop()
        assert not pipeline.running
    captured = pipeline.status().captured
    return Outcome("", captured, captured, 0.0, time.monotonic() - begin)
