"""A pipeline that records into real files: what came before the button, gaps of lost cameras, and every end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from rgbd_seg.errors import SensorError
from rgbd_seg.pipeline.live import LivePipeline
from rgbd_seg.pipeline.live_settings import LiveSettings
from rgbd_seg.pipeline.recorder import Recorder
from rgbd_seg.recording import open_recording
from tests.pipeline.constant_segmenter import LABELS, ConstantSegmenter
from tests.pipeline.scripted_sensor import CALIBRATION, Event, ScriptedSensor
from tests.waiting import started, until

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


def paced(events: Iterable[Event]) -> Iterator[Event]:
    for event in events:
        time.sleep(0.002)
        yield event


def record_all(script: Iterable[Event], path: Path) -> LivePipeline:
    """Runs a script to its end with a recorder attached before the first frame."""
    sensor = ScriptedSensor(script)
    pipeline = LivePipeline(sensor, settings=LiveSettings(reopen_every_s=0.01))
    pipeline.attach_recorder(Recorder(path, CALIBRATION, sensor.info))
    with started(pipeline):
        until(lambda: not pipeline.running)
    return pipeline


def test_every_captured_frame_is_in_the_file_when_the_source_ends(tmp_path: Path) -> None:
    record_all(range(1, 101), tmp_path / "a.mcap")
    with open_recording(tmp_path / "a.mcap") as reader:
        assert [int(frame.depth[0, 0]) for frame in reader] == list(range(1, 101))


def test_a_lost_camera_leaves_its_gap_in_the_file(tmp_path: Path) -> None:
    record_all([1, 2, "lost", "refuse open", 3, 4, "end"], tmp_path / "a.mcap")
    with open_recording(tmp_path / "a.mcap") as reader:
        assert [int(frame.depth[0, 0]) for frame in reader] == [1, 2, 3, 4]
        assert ["camera lost"] == [gap.reason for gap in reader.info.gaps]
        assert reader.info.gaps[0].after == 1


@pytest.mark.parametrize("last", ["bug", "end"])
def test_the_file_is_finished_however_the_pipeline_ends(last: Event, tmp_path: Path) -> None:
    pipeline = record_all([1, 2, 3, last], tmp_path / "a.mcap")
    status = pipeline.status().recorder
    assert status is not None
    assert (status.state, status.frames) == ("finished", 3)
    with open_recording(tmp_path / "a.mcap") as reader:
        assert len(reader) == 3
        assert not reader.info.warnings


def test_frames_from_before_the_button_come_into_the_recording(tmp_path: Path) -> None:
    sensor = ScriptedSensor(paced(range(1, 10_000)))
    with started(LivePipeline(sensor, settings=LiveSettings(pre_roll_s=30.0))) as pipeline:
        until(lambda: pipeline.status().captured > 20)
        pipeline.attach_recorder(Recorder(tmp_path / "a.mcap", CALIBRATION, sensor.info))
        with Recorder(tmp_path / "b.mcap", CALIBRATION, sensor.info) as second:
            with pytest.raises(SensorError, match="running already"):
                pipeline.attach_recorder(second)
        captured = pipeline.status().captured
        until(lambda: pipeline.status().captured > captured + 20)
        assert pipeline.detach_recorder() is not None
    with open_recording(tmp_path / "a.mcap") as reader:
        numbers = [int(frame.depth[0, 0]) for frame in reader]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > captured + 20


def test_what_the_network_saw_is_in_the_recording(tmp_path: Path) -> None:
    sensor = ScriptedSensor(paced(range(1, 10_000)))
    pipeline = LivePipeline(sensor, segmenter=ConstantSegmenter())
    pipeline.attach_recorder(Recorder(tmp_path / "a.mcap", CALIBRATION, sensor.info))
    with started(pipeline):
        until(lambda: pipeline.status().segmented > 20)
    with open_recording(tmp_path / "a.mcap") as reader:
        frames = list(reader)
    seen = [frame.prediction for frame in frames if frame.prediction is not None]
    assert len(seen) > 15
    assert all(one.label_set.names == LABELS.names and (one.labels == 1).all() for one in seen)
    assert all(frame.truth is None for frame in frames)


def test_a_pre_roll_can_be_asked_for_while_frames_run(tmp_path: Path) -> None:
    sensor = ScriptedSensor(paced(range(1, 10_000)))
    with started(LivePipeline(sensor)) as pipeline:
        until(lambda: pipeline.status().captured > 5)
        pipeline.configure(LiveSettings(pre_roll_s=30.0))
        before = pipeline.status().captured
        until(lambda: pipeline.status().captured > before + 20)
        pipeline.attach_recorder(Recorder(tmp_path / "a.mcap", CALIBRATION, sensor.info))
    with open_recording(tmp_path / "a.mcap") as reader:
        assert 5 < int(reader.read(0).depth[0, 0]) <= before + 2
        assert len(reader) >= 20


def test_nothing_can_be_recorded_after_the_end(tmp_path: Path) -> None:
    pipeline = record_all([1], tmp_path / "a.mcap")
    with Recorder(tmp_path / "b.mcap", CALIBRATION, pipeline.sensor.info) as recorder:
        with pytest.raises(SensorError, match="has stopped"):
            pipeline.attach_recorder(recorder)
