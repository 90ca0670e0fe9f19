"""Frames and their segmentation as they come: `for frame, result in rgbd_seg.stream("synthetic:", model="demo")`."""

from __future__ import annotations

import weakref
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, Self, TypeVar, cast, overload

from rgbd_seg.api.interrupts import Interrupts
from rgbd_seg.api.model import Model
from rgbd_seg.api.result import Result
from rgbd_seg.assets import model_path
from rgbd_seg.errors import ConfigurationError, ModelError, RgbdSegError, SensorError
from rgbd_seg.frame import RgbdFrame, Segmentation
from rgbd_seg.inference.segmenter import Segmenter, SegmenterOptions
from rgbd_seg.pipeline.live import LivePipeline
from rgbd_seg.pipeline.live_settings import LiveSettings
from rgbd_seg.pipeline.recorder import Recorder
from rgbd_seg.pipeline.recording_settings import recording_settings
from rgbd_seg.pipeline.status import ModelState, StopReason
from rgbd_seg.sensors import open_sensor
from rgbd_seg.sensors.offline import every_frame as all_frames
from rgbd_seg.sensors.sensor import Request, Sensor, StreamMode

S = TypeVar("S", bound=Segmentation)
_LOOK_S = 0.2  # How soon a Ctrl-C is noticed while no frame comes.
_PRE_ROLL_S = 5.0  # The frames that came while the first result was being made are recorded too.


@overload
def stream(
    source: str | Path,
    model: None = None,
    *,
    mode: str | None = None,
    registered: bool = True,
    every_frame: bool = False,
    record: str | Path | None = None,
) -> Stream[Segmentation]: ...
@overload
def stream(
    source: str | Path,
    model: str | Path | Model,
    *,
    mode: str | None = None,
    registered: bool = True,
    options: SegmenterOptions | None = None,
    min_confidence: float | None = None,
    every_frame: bool = False,
    record: str | Path | None = None,
) -> Stream[Result]: ...
def stream(
    source: str | Path,
    model: str | Path | Model | None = None,
    *,
    mode: str | None = None,
    registered: bool = True,
    options: SegmenterOptions | None = None,
    min_confidence: float | None = None,
    every_frame: bool = False,
    record: str | Path | None = None,
) -> Stream[Any]:
    """Frames and their segmentation as they come; the newest wins, a slow loop misses old ones.

    The source and the model are opened with the first frame, and closed when the loop is left or the program drops the
    stream. Ctrl-C ends the loop as if the source had ended; a second Ctrl-C interrupts as usual.

    Args:
        source: A URI such as `"realsense:0123456789"` or `"synthetic:?seed=3"`, or the path of a recording.
        model: A `Model` of yours (which stays open), a model file, "real", "real-fine" or "demo" for those that come
            with the program, or None for frames without labels (`segmentation.labels` is None then).
        mode: Picture size and rate, such as "640x480@30"; None for the source's own.
        registered: Whether depth is to be registered to colour.
        options: Back end, device, precision and smoothing of a model file.
        min_confidence: Pixels below this (0..1) stay unlabelled.
        every_frame: Segment each frame in turn and wait for the loop instead of skipping: for recordings.
        record: A new `.mcap` file for every frame that comes, whether the loop sees it or not.

    Returns:
        An iterator over `(frame, result)`, also to be used in a `with` block.

    Raises:
        ConfigurationError: The source or an option is malformed. This and the following come with the first frame.
        SensorError: The source cannot be opened, or was lost for good.
        ModelError: The model cannot be loaded, or failed.
        RecordingError: The file cannot be written.
    """
    settings = options or SegmenterOptions()
    if isinstance(model, Model):
        if options is not None or min_confidence is not None:
            raise ConfigurationError("options and min_confidence belong to open_model: this model is open already")
        settings = model.options
    if min_confidence is not None:
        if not 0 <= min_confidence <= 1:
            raise ConfigurationError(f"min_confidence must be 0..1, not {min_confidence!r}")
        settings = replace(settings, min_confidence=min_confidence)
    request = Request(None if mode is None else parse_mode(mode), registered)
    run = _Run(str(source), request, model, settings, record, every_frame=every_frame)
    return Stream(run, labelled=model is not None)


def parse_mode(text: str) -> StreamMode:
    """A mode such as "640x480@30".

    Raises:
        ConfigurationError: It is none.
    """
    try:
        width, height, fps = text.lower().replace("@", "x").split("x")
        return StreamMode(int(width), int(height), float(fps))
    except ValueError:
        raise ConfigurationError(f"mode must look like 640x480@30, not {text!r:.40}") from None


class Stream(Generic[S]):
    """An iterator over `(frame, result)`; made by `stream`. One that is dropped or left at the exit closes itself."""

    def __init__(self, run: _Run, *, labelled: bool) -> None:
        self._interrupts, self._labelled = run.interrupts, labelled
        self._results = run.results()
        # The generator knows nothing of this object, so that dropping it ends the generator at once.
        self._end = weakref.finalize(self, _end, self._results, self._interrupts)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> tuple[RgbdFrame, S]:
        self._interrupts.watch()
        try:
            segmentation = next(self._results)
        except BaseException:  # The end, or an error: both close everything.
            self._interrupts.close()
            raise
        result = Result.of(segmentation) if self._labelled else segmentation
        return segmentation.frame, cast("S", result)

    def close(self) -> None:
        """Stops the source, finishes the recording and frees the model. Closing twice does nothing."""
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _end(results: Generator[Segmentation], interrupts: Interrupts) -> None:
    results.close()
    interrupts.close()


class _Run:
    """What a stream runs: one source, at most one model, at most one recording."""

    def __init__(
        self,
        source: str,
        request: Request,
        model: str | Path | Model | None,
        options: SegmenterOptions,
        record: str | Path | None,
        *,
        every_frame: bool,
    ) -> None:
        self._source, self._request, self._model, self._options = source, request, model, options
        self._every_frame, self._record = every_frame, record
        self.interrupts = Interrupts()

    def results(self) -> Generator[Segmentation]:
        """Opens everything, gives results, and closes everything again."""
        sensor = open_sensor(self._source, self._request)
        segmenter = self._open_model()
        if self._every_frame:
            yield from self._all(sensor, segmenter)
        else:
            yield from self._newest(sensor, segmenter)

    def _open_model(self) -> Segmenter | None:
        from rgbd_seg.inference import open_segmenter

        if self._model is None:
            return None
        if not isinstance(self._model, Model):
            return open_segmenter(model_path(str(self._model)), self._options)
        lent = self._model.kept.lend()
        if lent is None:
            raise ModelError(f"the model {self._model.info.model} is closed: open it again")
        return lent

    def _all(self, sensor: Sensor, segmenter: Segmenter | None) -> Generator[Segmentation]:
        """A plain loop: the consumer sets the pace."""
        recorder: Recorder | None = None
        try:
            if sensor.playback is not None:
                sensor.playback.every_frame = True
            with sensor:
                if self._record is not None:
                    recorder = self._recorder(self._record, sensor)
                for frame in all_frames(sensor, cancelled=lambda: self.interrupts.came):
                    segmentation = segmenter(frame) if segmenter else Segmentation(frame)
                    if recorder is not None:
                        recorder.offer(frame, segmentation, wait_s=5.0)
                    yield segmentation
        finally:
            if recorder is not None:
                recorder.stop()
            if segmenter is not None:
                segmenter.close()

    def _newest(self, sensor: Sensor, segmenter: Segmenter | None) -> Generator[Segmentation]:
        """The same threads and slots that the window uses."""
        settings = LiveSettings(self._options.smoothing, self._options.min_confidence)
        if self._record is not None:
            settings = replace(settings, pre_roll_s=_PRE_ROLL_S)
        pipeline = LivePipeline(sensor, segmenter=segmenter, settings=settings)
        pipeline.start()
        try:
            record = self._record
            while not self.interrupts.came:
                segmentation = pipeline.results.take(_LOOK_S)
                if segmentation is None:
                    if pipeline.results.closed:
                        _raise_for_end(pipeline)
                        return
                    continue
                if record is not None:
                    pipeline.attach_recorder(self._recorder(record, sensor))
                    record = None
                model = pipeline.status().model
                if model.state is ModelState.FAILED:
                    raise ModelError(model.error)
                yield segmentation
        finally:
            pipeline.stop()

    def _recorder(self, path: str | Path, sensor: Sensor) -> Recorder:
        settings = recording_settings(sensor.controls(), self._request.mode, sensor.calibration)
        return Recorder(path, sensor.calibration, sensor.info, settings=settings)


def _raise_for_end(pipeline: LivePipeline) -> None:
    status = pipeline.status()
    if status.stop_reason is StopReason.SENSOR_FAILED:
        raise SensorError(status.error)
    if status.stop_reason is StopReason.INTERNAL_ERROR:
        raise RgbdSegError(status.error)
