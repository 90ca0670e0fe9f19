"""The program's eyes for other programs: `for frame, segmentation in rgbd_seg.stream("synthetic:", model=...)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rgbd_seg.assets import model_path
from rgbd_seg.errors import ModelError, RgbdSegError, SensorError
from rgbd_seg.frame import Segmentation
from rgbd_seg.inference.segmenter import SegmenterOptions
from rgbd_seg.pipeline.live import LivePipeline, LiveSettings
from rgbd_seg.pipeline.status import ModelState, StopReason
from rgbd_seg.sensors import open_sensor

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.inference.segmenter import Segmenter
    from rgbd_seg.sensors.sensor import Request, Sensor


def stream(
    source: str | Path,
    model: str | Path | None = None,
    *,
    request: Request | None = None,
    options: SegmenterOptions | None = None,
    every_frame: bool = False,
) -> Generator[tuple[RgbdFrame, Segmentation]]:
    """Frames and their segmentation as they come; the newest wins, a slow loop misses old ones.

    Leaving the loop, or closing the generator, stops the camera and frees the model.

    Args:
        source: A URI such as `"realsense:0123456789"` or `"synthetic:?seed=3"`, or the path of a recording.
        model: A model file, "demo" for the one that comes with the program, or None for frames without labels
            (`segmentation.labels` is None then).
        request: Mode and registration of the source.
        options: Back end, device and precision of the model.
        every_frame: Segment each frame in turn and wait for the loop instead of skipping: for recordings.

    Yields:
        The frame and what the model saw in it.

    Raises:
        ConfigurationError: The source or an option is malformed.
        SensorError: The source cannot be opened, or was lost for good.
        ModelError: The model cannot be loaded, or failed.
    """
    from rgbd_seg.inference import open_segmenter

    sensor = open_sensor(str(source), request)
    segmenter = None if model is None else open_segmenter(model_path(str(model)), options or SegmenterOptions())
    if every_frame:
        yield from _every_frame(sensor, segmenter)
    else:
        yield from _newest_frames(sensor, segmenter, options or SegmenterOptions())


def _every_frame(sensor: Sensor, segmenter: Segmenter | None) -> Generator[tuple[RgbdFrame, Segmentation]]:
    """A plain loop: the consumer sets the pace."""
    try:
        if sensor.playback is not None:
            sensor.playback.every_frame = True
        with sensor:
            for frame in sensor:
                yield frame, segmenter(frame) if segmenter else Segmentation(frame)
    finally:
        if segmenter is not None:
            segmenter.close()


def _newest_frames(
    sensor: Sensor, segmenter: Segmenter | None, options: SegmenterOptions
) -> Generator[tuple[RgbdFrame, Segmentation]]:
    """The same threads and slots that the window uses."""
    pipeline = LivePipeline(
        sensor, segmenter=segmenter, settings=LiveSettings(options.smoothing, options.min_confidence)
    )
    pipeline.start()
    try:
        while (segmentation := pipeline.results.take()) is not None:
            model = pipeline.status().model
            if model.state is ModelState.FAILED:
                raise ModelError(model.error)
            yield segmentation.frame, segmentation
        _raise_for_end(pipeline)
    finally:
        pipeline.stop()


def _raise_for_end(pipeline: LivePipeline) -> None:
    status = pipeline.status()
    if status.stop_reason is StopReason.SENSOR_FAILED:
        raise SensorError(status.error)
    if status.stop_reason is StopReason.INTERNAL_ERROR:
        raise RgbdSegError(status.error)
