"""A camera whose driver dies while the pipeline records: frames go on by themselves, and the gap is in the file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from rgbd_seg.pipeline.live import LivePipeline
from rgbd_seg.pipeline.recorder import Recorder
from rgbd_seg.pipeline.status import State
from rgbd_seg.recording import open_recording
from rgbd_seg.sensors.isolation.isolated import IsolatedSensor
from rgbd_seg.sensors.sensor import Request, SensorInfo
from tests.waiting import until

if TYPE_CHECKING:
    import pytest


def test_recording_goes_on_after_a_crash_of_the_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    plugged = tmp_path / "plugged"
    plugged.touch()
    uri = f"nasty:nothing?pace=100&while={plugged}"
    sensor = IsolatedSensor(uri, SensorInfo(uri, "Nasty camera", "camera"), Request(), "nasty_driver")
    pipeline = LivePipeline(sensor)
    pipeline.start()
    try:
        until(lambda: pipeline.status().captured >= 3)
        recorder = Recorder(tmp_path / "x.mcap", sensor.calibration, sensor.info)
        pipeline.attach_recorder(recorder)
        until(lambda: pipeline.status().captured >= 10)
        assert sensor.child_pid is not None
        plugged.unlink()
        psutil.Process(sensor.child_pid).kill()
        until(lambda: pipeline.status().state is State.LOST)
        assert "crashed with SIG" in pipeline.status().message
        plugged.touch()
        until(lambda: pipeline.status().state is State.RUNNING)
        before = pipeline.status().captured
        until(lambda: pipeline.status().captured >= before + 5)
        assert pipeline.status().reopened == 1
    finally:
        pipeline.stop()
    with open_recording(tmp_path / "x.mcap") as recording:
        gaps = recording.info.gaps
        indices = [frame.index for frame in recording]
    assert [gap.reason for gap in gaps if gap.seconds > 0] == ["camera lost"]
    assert indices == sorted(indices)
