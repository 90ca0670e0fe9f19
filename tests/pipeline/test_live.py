"""The live pipeline: counting, losing and finding, swapping models, and every way it can end."""

from __future__ import annotations

import threading
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rgbd_seg.errors import ModelError
from rgbd_seg.inference.segmenter import SegmenterOptions
from rgbd_seg.pipeline.live import LivePipeline
from rgbd_seg.pipeline.live_settings import LiveSettings
from rgbd_seg.pipeline.status import ModelState, RateMeter, State, StopReason
from rgbd_seg.sensors import open_sensor
from tests.pipeline.constant_segmenter import ConstantSegmenter
from tests.pipeline.scripted_sensor import Event, ScriptedSensor
from tests.recording.picture_trees import write_pairs
from tests.waiting import PATIENCE_S, started, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rgbd_seg.inference.segmenter import Segmenter
    from rgbd_seg.sensors.sensor import Control

QUICK = LiveSettings(reopen_every_s=0.01)


@pytest.fixture
def run() -> Iterator[Callable[..., LivePipeline]]:
    """Starts pipelines and stops them at the end; no thread may survive."""
    before = set(threading.enumerate())
    pipelines: list[LivePipeline] = []

    def start(script: list[Event] | Iterator[Event], **options: object) -> LivePipeline:
        sensor = script if isinstance(script, ScriptedSensor) else ScriptedSensor(script)
        pipeline = LivePipeline(sensor, **({"settings": QUICK} | options))  # type: ignore[arg-type]
        pipelines.append(pipeline)
        pipeline.start()
        return pipeline

    yield start
    for pipeline in pipelines:
        pipeline.stop()
        pipeline.stop()
        assert not pipeline.running
        sensor = pipeline.sensor
        assert isinstance(sensor, ScriptedSensor)
        assert sensor.closed == sensor.opened
    assert set(threading.enumerate()) <= before


def test_the_last_frame_of_a_recording_reaches_the_results(run: Callable[..., LivePipeline]) -> None:
    pipeline = run([1, 2, 5, "end"])
    until(lambda: not pipeline.running)
    status = pipeline.status()
    assert status.stop_reason is StopReason.END_OF_STREAM
    assert (status.captured, status.missed) == (3, 2)
    last = pipeline.results.take()
    assert last is not None
    assert last.frame.depth[0, 0] == 5
    assert last.labels is None
    assert status.segmented + status.skipped == 3


def test_frames_without_a_consumer_are_counted_not_queued(run: Callable[..., LivePipeline]) -> None:
    pipeline = run(iter(range(1, 400)))
    until(lambda: not pipeline.running)
    status = pipeline.status()
    assert status.captured == 399
    assert status.segmented + status.skipped == 399
    assert status.unseen == status.segmented - 1


def test_a_lost_camera_is_opened_again_and_frames_go_on(run: Callable[..., LivePipeline]) -> None:
    pipeline = run([1, 2, "lost", "refuse open", "refuse open", 3, 4, "end"])
    until(lambda: not pipeline.running)
    status = pipeline.status()
    assert status.captured == 4
    assert status.reopened == 1


def test_a_silent_camera_counts_as_lost(run: Callable[..., LivePipeline]) -> None:
    sensor = ScriptedSensor([1, *["silence"] * 30, 2, "end"])
    sensor.lost_after_s = 0.05
    pipeline = run(sensor)
    until(lambda: not pipeline.running)
    assert pipeline.status().captured == 2
    assert pipeline.status().reopened >= 1


def test_the_loss_is_told_in_words(run: Callable[..., LivePipeline]) -> None:
    def script() -> Iterator[Event]:
        yield 1
        yield "lost"
        while True:
            yield "refuse open"

    pipeline = run(script())
    until(lambda: pipeline.status().state is State.LOST)
    assert "unplugged" in pipeline.status().message
    pipeline.stop()
    assert pipeline.status().stop_reason is StopReason.REQUESTED


def test_a_recording_that_breaks_ends_with_its_error(run: Callable[..., LivePipeline]) -> None:
    pipeline = run(ScriptedSensor([1, "lost"], kind="recording"))
    until(lambda: not pipeline.running)
    assert pipeline.status().stop_reason is StopReason.SENSOR_FAILED
    assert "unplugged" in pipeline.status().error


def test_a_source_that_does_not_open_ends_with_its_sentence(run: Callable[..., LivePipeline]) -> None:
    pipeline = run(["refuse open"])
    until(lambda: not pipeline.running)
    assert pipeline.status().stop_reason is StopReason.SENSOR_FAILED
    assert "not plugged in" in pipeline.status().error


def test_a_bug_in_a_driver_is_a_message_not_a_dead_thread(
    run: Callable[..., LivePipeline], caplog: pytest.LogCaptureFixture
) -> None:
    pipeline = run([1, "bug"])
    until(lambda: not pipeline.running)
    assert pipeline.status().stop_reason is StopReason.INTERNAL_ERROR
    assert "ZeroDivisionError" in pipeline.status().error
    assert "a pipeline thread failed" in caplog.text


def test_a_model_is_loaded_beside_running_frames_and_swapped(run: Callable[..., LivePipeline]) -> None:
    pipeline = run(slow_frames())
    first, second = ConstantSegmenter("first"), ConstantSegmenter("second")
    loading = threading.Event()

    def slow_loader(progress: Callable[[str, float], None]) -> Segmenter:
        progress("compiling", 0.5)
        loading.wait(PATIENCE_S)
        return first

    load(pipeline, slow_loader)
    until(lambda: pipeline.status().model.stage == "compiling")
    before = pipeline.status().segmented
    until(lambda: pipeline.status().segmented > before + 2)  # The picture keeps running.
    loading.set()
    until(lambda: model_of(pipeline) == "first")
    load(pipeline, lambda progress: second)
    until(lambda: model_of(pipeline) == "second")
    until(lambda: first.closed)
    pipeline.model.unload()
    until(lambda: model_of(pipeline) == "")
    until(lambda: second.closed)


def test_a_failed_load_leaves_the_old_model_running(run: Callable[..., LivePipeline]) -> None:
    old = ConstantSegmenter("old")
    pipeline = run(slow_frames(), segmenter=old)

    def broken(progress: Callable[[str, float], None]) -> Segmenter:
        raise ModelError("broken.safetensors is truncated")

    load(pipeline, broken)
    until(lambda: pipeline.status().model.state is ModelState.FAILED)
    assert "truncated" in pipeline.status().model.error
    pipeline.results.take()
    assert model_of(pipeline) == "old"
    assert pipeline.status().model.info is old.info


def test_an_overtaken_load_is_closed_and_never_used(run: Callable[..., LivePipeline]) -> None:
    pipeline = run(slow_frames())
    slow, quick = ConstantSegmenter("slow"), ConstantSegmenter("quick")
    release = threading.Event()

    def slow_loader(progress: Callable[[str, float], None]) -> Segmenter:
        release.wait(PATIENCE_S)
        return slow

    load(pipeline, slow_loader)
    load(pipeline, lambda progress: quick)
    until(lambda: model_of(pipeline) == "quick")
    release.set()
    until(lambda: slow.closed)
    assert model_of(pipeline) == "quick"


def test_a_model_that_fails_while_running_leaves_the_picture(
    run: Callable[..., LivePipeline], caplog: pytest.LogCaptureFixture
) -> None:
    segmenter = ConstantSegmenter()
    pipeline = run(slow_frames(), segmenter=segmenter)
    until(lambda: model_of(pipeline) == "constant")
    segmenter.error = ModelError("device lost")
    until(lambda: pipeline.status().model.state is ModelState.FAILED)
    assert "device lost" in pipeline.status().model.error
    until(lambda: model_of(pipeline) == "")
    until(lambda: segmenter.closed)


def test_settings_reach_the_model_between_frames(run: Callable[..., LivePipeline]) -> None:
    segmenter = ConstantSegmenter()
    pipeline = run(slow_frames(), segmenter=segmenter)
    until(lambda: segmenter.settings == [("off", 0.0)])
    pipeline.configure(LiveSettings("high", 0.25))
    until(lambda: segmenter.settings == [("off", 0.0), ("high", 0.25)])


def test_controls_are_set_on_the_capture_thread_and_refusals_are_told(run: Callable[..., LivePipeline]) -> None:
    pipeline = run(slow_frames())
    pipeline.set_control("gain", 7)
    sensor = pipeline.sensor
    assert isinstance(sensor, ScriptedSensor)
    until(lambda: sensor.gain == 7)
    pipeline.set_control("gain", 70)
    until(lambda: "0 to 10" in pipeline.status().message)


def test_rate_is_events_per_second_within_the_window() -> None:
    meter = RateMeter(window_s=1.0)
    for i in range(100):
        meter.tick(i * 50_000_000)
    assert meter.rate(99 * 50_000_000) == pytest.approx(20.0)
    assert meter.rate(1000 * 50_000_000) == 0.0
    for late in (0, 2_000_000):  # Two at once after a pause are no 500 a second.
        meter.tick(2000 * 50_000_000 + late)
    assert meter.rate(2000 * 50_000_000 + 5_000_000) <= 3.0
    for i in range(1, 6):
        meter.tick(2000 * 50_000_000 + i * 50_000_000)
    assert meter.rate(2000 * 50_000_000 + 260_000_000) == pytest.approx(24.0)


def slow_frames() -> Iterator[Event]:
    """Frames without end, 200 a second."""
    for number in count(1):
        time.sleep(0.005)
        yield number


def load(pipeline: LivePipeline, loader: Callable[[Callable[[str, float], None]], Segmenter]) -> None:
    pipeline.model.opener = lambda path, options, progress: loader(progress)
    pipeline.model.load(Path("model"), SegmenterOptions())


def model_of(pipeline: LivePipeline) -> str | None:
    """The model's name in the next result."""
    result = pipeline.results.take(PATIENCE_S)
    return None if result is None else result.model


def test_a_replay_that_stands_is_segmented_by_a_model_that_comes_later(tmp_path: Path) -> None:
    write_pairs(tmp_path / "a", 3)
    sensor = open_sensor(str(tmp_path / "a"))
    assert sensor.playback is not None
    sensor.playback.hold_at_end = True
    sensor.playback.every_frame = True
    with started(LivePipeline(sensor)) as pipeline:
        until(lambda: pipeline.status().segmented == 3)
        pipeline.results.take_nowait()
        load(pipeline, lambda progress: ConstantSegmenter("late"))
        assert model_of(pipeline) == "late"
        pipeline.model.unload()
        assert model_of(pipeline) == ""


def test_controls_are_asked_for_on_the_capture_thread_only(run: Callable[..., LivePipeline]) -> None:
    asked: set[str] = set()

    class Asked(ScriptedSensor):
        def controls(self) -> tuple[Control, ...]:
            asked.add(threading.current_thread().name)
            return super().controls()

    pipeline = run(Asked(slow_frames()))
    until(lambda: pipeline.status().captured > 2)
    assert [control.value for control in pipeline.controls()] == [1]
    pipeline.set_control("gain", 7)
    until(lambda: [control.value for control in pipeline.controls()] == [7])
    assert asked == {"rgbd-seg capture"}
