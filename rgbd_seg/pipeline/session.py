"""What the window works with, without any Qt: one source, one model, one recording, and the newest result."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rgbd_seg.errors import RgbdSegError, SensorError
from rgbd_seg.pipeline.background import Background, Deadline
from rgbd_seg.pipeline.live import LivePipeline
from rgbd_seg.pipeline.live_settings import LiveSettings
from rgbd_seg.pipeline.model_slot import ModelSlot, open_model
from rgbd_seg.pipeline.slot import LatestSlot
from rgbd_seg.pipeline.status import State, Status, StopReason

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rgbd_seg.frame import RgbdFrame, Segmentation
    from rgbd_seg.inference.available import BackendChoice
    from rgbd_seg.inference.segmenter import SegmenterOptions
    from rgbd_seg.pipeline.model_slot import Opener
    from rgbd_seg.pipeline.recorder import Recorder, RecorderStatus
    from rgbd_seg.sensors.playback import Playback
    from rgbd_seg.sensors.sensor import Control, ControlValue, Request, Sensor, SensorInfo, StreamMode

_FINISHING_S = 30.0
_log = logging.getLogger(__name__)


def _open_sensor(uri: str, request: Request | None) -> Sensor:
    from rgbd_seg.sensors import open_sensor

    return open_sensor(uri, request)


class Session:
    """Opens sources and models in the background. No method waits for a device; all are called from one thread."""

    def __init__(
        self,
        wake: Callable[[], None],
        *,
        sensor_opener: Callable[[str, Request | None], Sensor] = _open_sensor,
        model_opener: Opener = open_model,
    ) -> None:
        """Opens nothing yet.

        Args:
            wake: Called from any thread whenever there is something new.
            sensor_opener: Opens a source by URI; called on a thread.
            model_opener: Opens a model file; called on a thread.
        """
        self._wake = wake
        self._open_sensor = sensor_opener
        self._lock = threading.Lock()
        self._pipeline: LivePipeline | None = None
        self._number = 0  # Of the newest open_source or close_source: older ones give up.
        self._opening = Status()
        self._turn = threading.Lock()  # One source is closed before the next one is opened.
        self._background = Background()
        self._settings = LiveSettings()
        self.ended_recordings: LatestSlot[RecorderStatus] = LatestSlot()
        self.model = ModelSlot(wake, opener=model_opener, frames_come=self._frames_come)
        self._closing = False
        self._finishing = False  # A recording is being made whole while the window closes.
        self.uri = ""
        self.request: Request | None = None

    # Source

    def open_source(self, uri: str, request: Request | None = None) -> None:
        """Leaves the present source and opens another, in the background."""
        self.uri, self.request = uri, request
        self.model.forget_frame_size()
        number = self._begin(Status(State.CONNECTING, f"Opening {uri}"))
        self._spawn("open", lambda: self._open(uri, request, number))

    def close_source(self) -> None:
        """Leaves the present source, in the background."""
        self.uri, self.request = "", None
        self._begin(Status())
        self._spawn("close", self._leave)

    def _begin(self, status: Status) -> int:
        with self._lock:
            self._number += 1
            self._opening = status
            number = self._number
        self._wake()
        return number

    def _spawn(self, name: str, body: Callable[[], None]) -> None:
        self._background.begin(f"{name} source", body)

    def _leave(self) -> None:
        with self._turn:
            with self._lock:
                old, self._pipeline = self._pipeline, None
            if old is not None:
                old.stop()
                self._note_end(old.status().recorder)
        self._wake()

    def _note_end(self, status: RecorderStatus | None) -> None:
        if status is not None:
            self.ended_recordings.put(status)
            self._wake()

    def _open(self, uri: str, request: Request | None, number: int) -> None:
        from rgbd_seg.sensors.drivers.replay import ReplaySensor

        self._leave()
        with self._turn:
            try:
                sensor = self._open_sensor(uri, request)
            except Exception as error:  # A driver may throw anything; the window shows it.
                if not isinstance(error, RgbdSegError):
                    _log.exception("%s could not be opened", uri)
                failed = Status(
                    State.STOPPED, str(error), stop_reason=StopReason.SENSOR_FAILED, error=str(error) or repr(error)
                )
                with self._lock:
                    if number == self._number:
                        self._opening = failed
                self._wake()
                return
            if isinstance(sensor, ReplaySensor):
                sensor.begin_to_be_watched()
            elif sensor.playback is not None:
                sensor.playback.hold_at_end = True  # So that one can go back after the last frame.
            pipeline = LivePipeline(sensor, model=self.model, wake=self._wake, settings=self._settings)
            with self._lock:
                wanted = number == self._number
                if wanted:
                    self._pipeline = pipeline
            if wanted:
                pipeline.start()

    def _frames_come(self) -> bool:
        return bool(self.uri) and not self._closing and self.status().state is not State.STOPPED

    # What is known

    @property
    def pipeline(self) -> LivePipeline | None:
        """The running pipeline, None while none is."""
        with self._lock:
            return self._pipeline

    @property
    def sensor(self) -> Sensor | None:
        pipeline = self.pipeline
        return pipeline.sensor if pipeline else None

    @property
    def info(self) -> SensorInfo | None:
        sensor = self.sensor
        return sensor.info if sensor else None

    @property
    def playback(self) -> Playback | None:
        """The playback of a recording, None for cameras."""
        sensor = self.sensor
        playback: Playback | None = sensor.playback if sensor else None
        return playback

    def file_of(self, position: int) -> Path | None:
        """The picture file of a recording's frame, where frames are files of their own."""
        file_of = getattr(self.sensor, "file_of", None)
        return file_of(position) if file_of is not None else None

    @property
    def damage(self) -> tuple[str, ...]:
        """What was wrong with the recording so far, in whole sentences; nothing for cameras."""
        sensor = self.sensor
        return sensor.warnings if sensor else ()

    def take(self) -> Segmentation | None:
        """The newest result that was not taken yet."""
        pipeline = self.pipeline
        return pipeline.results.take_nowait() if pipeline else None

    def take_picture(self) -> RgbdFrame | None:
        """The newest frame that was not taken yet; none while `show_pictures` is off. Ask after `take`."""
        pipeline = self.pipeline
        return pipeline.pictures.take_nowait() if pipeline else None

    @property
    def leapt_ns(self) -> int:
        """When a replay was last sent elsewhere, by its frames' arrival; 0 if never. Ask after `take_picture`."""
        pipeline = self.pipeline
        return pipeline.leapt_ns if pipeline else 0

    def show_pictures(self, on: bool) -> None:
        """Whether frames are handed out at once, before a model has seen them."""
        self._adopt(pictures=on)

    def look_at(self, frame: RgbdFrame) -> None:
        """Has a frame of the open source segmented beside the stream; `take_looked` has the result."""
        pipeline = self.pipeline
        if pipeline is not None:
            pipeline.look_at(frame)

    def take_looked(self) -> Segmentation | None:
        """What the model saw in the frame of `look_at`, once."""
        pipeline = self.pipeline
        return pipeline.looked.take_nowait() if pipeline else None

    def status(self) -> Status:
        with self._lock:
            pipeline, opening = self._pipeline, self._opening
        return pipeline.status() if pipeline else replace(opening, model=self.model.status)

    def modes(self) -> tuple[StreamMode, ...]:
        """The modes that the open source offers."""
        pipeline = self.pipeline
        return pipeline.modes() if pipeline else ()

    def controls(self) -> tuple[Control, ...]:
        """The controls that the open source has."""
        pipeline = self.pipeline
        return pipeline.controls() if pipeline else ()

    def set_control(self, name: str, value: ControlValue) -> None:
        """Sets a control; a refusal comes back as the status message."""
        pipeline = self.pipeline
        if pipeline is not None:
            pipeline.set_control(name, value)

    # Model

    def load_model(self, path: Path, options: SegmenterOptions) -> None:
        """Loads a model beside the running one; it takes over between two frames."""
        self.configure(options)
        self.model.load(path, options)

    def configure(self, options: SegmenterOptions) -> None:
        """Adopts smoothing and confidence threshold without a reload."""
        self._adopt(smoothing=options.smoothing, min_confidence=options.min_confidence)

    def _adopt(self, **changes: Any) -> None:
        settings = replace(self._settings, **changes)
        if settings == self._settings:
            return
        self._settings = settings
        pipeline = self.pipeline
        if pipeline is not None:
            pipeline.configure(settings)

    def look_up_backends(self, found: Callable[[tuple[BackendChoice, ...]], None]) -> None:
        """Asks the back ends what they find on this machine; calls `found` from a thread, in some seconds."""

        def look_up() -> None:
            from rgbd_seg.inference import available_backends  # It brings large libraries with it.

            found(available_backends())

        self._background.begin("look up back ends", look_up)

    def keep_before(self, seconds: float) -> None:
        """Keeps so many seconds of frames for recordings that begin later."""
        self._adopt(pre_roll_s=seconds)

    # Recording

    def start_recording(self, recorder: Recorder) -> None:
        """Offers every frame from now on to a recorder.

        Raises:
            SensorError: No source is running, or a recording is.
        """
        pipeline = self.pipeline
        if pipeline is None:
            raise SensorError("Nothing can be recorded: no source is running.")
        ended = pipeline.status().recorder
        if ended is not None and ended.state != "recording":  # It ended by itself, and its place is free.
            pipeline.detach_recorder()
        pipeline.attach_recorder(recorder)

    def stop_recording(self) -> None:
        """Finalises the recording in the background; its last status then lies in `ended_recordings`."""
        pipeline = self.pipeline
        if pipeline is None:
            return

        def body() -> None:
            recorder = pipeline.detach_recorder()
            self._note_end(recorder.status() if recorder else None)

        self._spawn("finish recording of", body)

    @property
    def busy(self) -> bool:
        """Whether a source or a model is still being opened or closed."""
        return self.model.busy or self._background.busy

    def begin_close(self) -> None:
        """Begins to end everything, without waiting."""
        recorder = self.status().recorder
        self._finishing = recorder is not None and recorder.state == "recording"
        self._closing = True
        self.close_source()

    def close(self, timeout_s: float = 1.5) -> None:
        """Ends everything; waits at most `timeout_s` seconds, but for a recording until its file is whole."""
        if not self._closing:
            self.begin_close()
        deadline = Deadline(_FINISHING_S if self._finishing else timeout_s)
        self._background.join(deadline.left_s)
        self.model.close(deadline.left_s)
