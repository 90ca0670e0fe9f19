"""The live pipeline: capture and inference threads around two latest-value slots.

    capture    sensor.read() -> recorder.offer(frame), pictures.put(frame), frames.put(frame), wake()
    inference  frames.take() -> segmenter(frame) -> results.put(segmentation), wake()
    whoever    wake -> results.take_nowait(), pictures.take_nowait()

The recorder taps before the frames slot, where frames may be dropped. Settings come in as values that the threads adopt
between frames. Every thread ends in `_guarded`, which records why.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from rgbd_seg.errors import EndOfStream, RgbdSegError, SensorError, SensorLost, SensorTimeout
from rgbd_seg.frame import Segmentation
from rgbd_seg.pipeline.background import Background
from rgbd_seg.pipeline.live_settings import LiveSettings
from rgbd_seg.pipeline.model_slot import ModelSlot
from rgbd_seg.pipeline.pre_roll import PreRoll
from rgbd_seg.pipeline.recorder import MIB
from rgbd_seg.pipeline.slot import LatestSlot
from rgbd_seg.pipeline.status import RateMeter, StageMeter, State, Status, StopReason
from rgbd_seg.recording.silence import SilenceWatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.inference.segmenter import Segmenter, SegmenterInfo
    from rgbd_seg.pipeline.recorder import Recorder
    from rgbd_seg.sensors.sensor import Control, ControlValue, Sensor, StreamMode

_log = logging.getLogger(__name__)
_PRE_ROLL_BYTES = 128 * MIB  # Half of what waits in a recorder's queue at most.
_READ_TIMEOUT_S = 0.5
_JOIN_TIMEOUT_S = 10.0
# A driver that crashed is often back at once, so the first try does not wait as long as the others.
_FIRST_REOPEN_S = 0.1


class LivePipeline:
    """Runs one source, at most one model and at most one recording. Made anew for every source.

    All methods may be called from any thread; none waits for a frame.
    """

    def __init__(
        self,
        sensor: Sensor,
        *,
        model: ModelSlot | None = None,
        segmenter: Segmenter | None = None,
        wake: Callable[[], None] = lambda: None,
        settings: LiveSettings | None = None,
    ) -> None:
        """Prepares the threads; `start` starts them.

        Args:
            sensor: The source, not opened yet. The capture thread opens, reads and closes it.
            model: The model and whoever changes it; outlives the pipeline. While it is prepared for another size of
                frames, these come without labels.
            segmenter: Instead of it, a model that is loaded already; the pipeline closes it. Every frame has labels.
            wake: Called from a thread of the pipeline whenever there is something new: a result, a state, an end. It
                must return at once.
            settings: What to begin with.
        """
        self.sensor = sensor
        self.results: LatestSlot[Segmentation] = LatestSlot()
        self.pictures: LatestSlot[RgbdFrame] = LatestSlot()  # Each is at least as new as any result so far.
        self.leapt_ns = 0  # Arrival of the newest frame that a replay was sent to: labels of before are of elsewhere.
        self.looked: LatestSlot[Segmentation] = LatestSlot()  # What `look_at` has asked for.
        self._wanted: LatestSlot[RgbdFrame] = LatestSlot()
        self._frames: LatestSlot[RgbdFrame] = LatestSlot()
        self._wake = wake
        self._lock = threading.Lock()
        self._settings = settings or LiveSettings()
        self._status = Status()
        self._stop = threading.Event()
        self._idle = threading.Event()  # Set while no frame is on its way through the inference thread.
        self._idle.set()
        self._background = Background()
        self._commands: deque[Callable[[], None]] = deque()
        self._controls: tuple[Control, ...] = ()
        self._modes: tuple[StreamMode, ...] = ()
        self._recorder: Recorder | None = None
        self._newest: RgbdFrame | None = None
        self._pre_roll = PreRoll(self._settings.pre_roll_s, _PRE_ROLL_BYTES)
        self._owns_model = model is None
        self.model = model or ModelSlot(wake, segmenter=segmenter)
        self._capture_rate, self._segment_rate = RateMeter(), RateMeter()
        self._behind, self._stages = StageMeter(), StageMeter()

    # Life

    def start(self) -> None:
        with self._lock:
            self._status = replace(self._status, state=State.CONNECTING, message=f"opening {self.sensor.info.name}")
        self._spawn("capture", self._capture)
        self._spawn("inference", self._infer)

    def stop(self) -> None:
        """Ends all threads and waits for them; a running recording is finalised first. Stopping twice is harmless."""
        self._finish(StopReason.REQUESTED)
        self._background.join(2 * _JOIN_TIMEOUT_S)

    @property
    def running(self) -> bool:
        return self._background.busy

    @property
    def frame_size(self) -> tuple[int, int] | None:
        """(height, width) of the newest frame, None before the first."""
        frame = self._newest
        return None if frame is None else (frame.height, frame.width)

    def status(self) -> Status:
        now = time.monotonic_ns()
        with self._lock:
            recorder = self._recorder
            status = replace(
                self._status,
                skipped=self._frames.overwritten,
                unseen=self.results.overwritten,
                capture_fps=self._capture_rate.rate(now),
                segment_fps=self._segment_rate.rate(now),
                behind_ms=self._behind.means_ms().get("behind", 0.0),
                stage_ms=self._stages.means_ms(),
            )
        return replace(status, model=self.model.status, recorder=recorder.status() if recorder else None)

    def controls(self) -> tuple[Control, ...]:
        """What can be set on the source, as last seen by the capture thread; empty before it is open."""
        with self._lock:
            return self._controls

    def modes(self) -> tuple[StreamMode, ...]:
        """The modes that the open source offers; empty before it is open."""
        with self._lock:
            return self._modes

    # What can be asked of a running pipeline

    def configure(self, settings: LiveSettings) -> None:
        """Adopts other settings between two frames."""
        with self._lock:
            if settings.pre_roll_s != self._settings.pre_roll_s:
                self._pre_roll = PreRoll(settings.pre_roll_s, _PRE_ROLL_BYTES)
            self._settings = settings
        self._look_again()

    def look_at(self, frame: RgbdFrame) -> None:
        """Has a frame of before segmented beside the stream; what the model sees in it comes into `looked`."""
        self._wanted.put(frame)
        self._frames.put(frame)  # A camera may have nothing more to say, and the thread waits there.

    def set_control(self, name: str, value: ControlValue) -> None:
        """Sets a control of the sensor, on the capture thread; a refusal becomes the status message."""
        self._commands.append(lambda: self.sensor.set_control(name, value))

    def attach_recorder(self, recorder: Recorder) -> None:
        """Offers every captured frame to this recorder from now on, after those of the pre-roll.

        Raises:
            SensorError: The pipeline has ended, or another recording is running.
        """
        with self._lock:
            if self._status.state is State.STOPPED:
                raise SensorError("the source has stopped: nothing can be recorded")
            if self._recorder is not None:
                raise SensorError("a recording is running already: stop it first")
            for frame in self._pre_roll.take():
                recorder.offer(frame)
            self._recorder = recorder

    def detach_recorder(self) -> Recorder | None:
        """Finalises the running recording, if any, and returns its recorder."""
        with self._lock:
            recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.stop()
        return recorder

    # Threads

    def _spawn(self, name: str, body: Callable[[], None]) -> None:
        self._background.begin(name, lambda: self._guarded(body))

    def _guarded(self, body: Callable[[], None]) -> None:
        """The one place where a thread of the pipeline ends."""
        try:
            body()
        except EndOfStream:
            self._finish(StopReason.END_OF_STREAM)
        except SensorError as error:
            self._finish(StopReason.SENSOR_FAILED, str(error))
        except Exception as error:  # A bug must end as a message in the window, not as a silent thread.
            _log.exception("a pipeline thread failed")
            self._finish(StopReason.INTERNAL_ERROR, f"{type(error).__name__}: {error}")

    def _finish(self, reason: StopReason, error: str = "") -> None:
        """Records how the pipeline ended, for the first reason that comes, and tells all threads."""
        with self._lock:
            if self._status.stop_reason is None:
                self._status = replace(
                    self._status, state=State.STOPPED, message=error or reason.value, stop_reason=reason, error=error
                )
                _log.info("stopped after %d frames: %s", self._status.captured, self._status.message)
            recorder = self._recorder
        self._stop.set()
        if recorder is not None:
            recorder.stop()
        self._frames.close()
        self._idle.set()
        self._wake()

    def _capture(self) -> None:
        try:
            self.sensor.open()
            self._describe()
            settings = {control.name: control.value for control in self.controls()}
            _log.info("opened %s; %s; settings %s", self.sensor.info, self.sensor.calibration, settings)
            self._enter(State.RUNNING)
            while not self._stop.is_set():
                try:
                    self._capture_until_lost()
                except SensorLost as error:
                    self._reopen(error)
        finally:
            self.sensor.close()

    def _capture_until_lost(self) -> None:
        last_index: int | None = None
        silence = SilenceWatch()
        while not self._stop.is_set():
            self._run_commands()
            try:
                frame = self.sensor.read(_READ_TIMEOUT_S)
            except SensorTimeout:  # The sensor itself says when silence is a loss; a paused replay is silent for ever.
                continue
            missed = 0 if last_index is None else max(frame.index - last_index - 1, 0)
            last_index = frame.index
            silent_s = silence.silent_s(frame.host_ns)
            if self.sensor.playback is not None:
                missed, silent_s = 0, 0.0
            self._accept(frame, missed, 0.0 if missed else silent_s)

    def _accept(self, frame: RgbdFrame, missed: int, silent_s: float) -> None:
        playback = self.sensor.playback
        with self._lock:
            recorder = self._recorder
            if recorder is None:
                self._pre_roll.offer(frame)
            self._capture_rate.tick(time.monotonic_ns())
            self._status = replace(
                self._status,
                captured=self._status.captured + 1,
                missed=self._status.missed + missed,
                silent_s=self._status.silent_s + silent_s,
            )
        if recorder is not None:
            recorder.offer(frame)
        if playback is not None and playback.every_frame:
            while not self._idle.wait(_READ_TIMEOUT_S) and not self._stop.is_set():
                pass
        self._newest = frame
        self._idle.clear()
        if playback is not None and playback.leapt:
            self.leapt_ns = frame.host_ns
        together = playback is not None and playback.every_frame
        if self._settings.pictures and not together and self.model.status.info is not None:
            self.pictures.put(frame)  # Before the model has it: a result is never newer than the picture.
            self._wake()
        self._frames.put(frame)

    def _look_again(self) -> None:
        """Sends the newest frame round once more where no other will come soon: another model, a replay that stands."""
        playback, frame = self.sensor.playback, self._newest
        if playback is not None and frame is not None and (playback.paused or playback.at_end):
            self._frames.put(frame)

    def _reopen(self, error: SensorLost) -> None:
        """Tries to open the same source again until it is back or the pipeline is stopped."""
        if self.sensor.info.kind == "recording":
            raise error
        lost_ns = time.monotonic_ns()
        _log.warning("lost: %s", str(error))  # Not the error: whoever keeps log records would keep its frames.
        self._enter(State.LOST, f"{error}. Waiting for it to come back")
        pause_s = min(_FIRST_REOPEN_S, self._settings.reopen_every_s)
        while not self._stop.wait(pause_s):
            pause_s = self._settings.reopen_every_s
            try:
                self.sensor.reopen()
                self._describe()
            except SensorError:
                continue
            with self._lock:
                recorder = self._recorder
                self._status = replace(self._status, reopened=self._status.reopened + 1)
            if recorder is not None:
                recorder.mark_gap("camera lost", (time.monotonic_ns() - lost_ns) / 1e9)
            _log.info("came back after %.1f s", (time.monotonic_ns() - lost_ns) / 1e9)
            self._enter(State.RUNNING)
            return

    def _describe(self) -> None:
        """Asks the source what can be set, on the one thread that may use it."""
        controls, modes = self.sensor.controls(), self.sensor.modes()
        with self._lock:
            self._controls, self._modes = controls, modes
        self._wake()

    def _run_commands(self) -> None:
        changed = bool(self._commands)
        while self._commands:
            try:
                self._commands.popleft()()
            except SensorLost:
                raise
            except RgbdSegError as error:
                self._enter(State.RUNNING, str(error))
        if changed:
            self._describe()

    def _infer(self) -> None:
        self.model.attach(self._look_again)
        known: SegmenterInfo | None = None
        try:
            while (frame := self._frames.take()) is not None:
                if (wanted := self._wanted.take_nowait()) is not None:
                    self._look(wanted)
                    if frame is wanted:
                        continue
                segmentation = self._segment(frame)
                info = self.model.status.info
                if info is not known:
                    with self._lock:
                        self._stages.clear()
                    known = info
                self._publish(segmentation)
        finally:
            if self._owns_model:
                self.model.close(_JOIN_TIMEOUT_S)
            self.results.close()
            self._wake()

    def _look(self, frame: RgbdFrame) -> None:
        settings = self._settings
        segmentation = self.model.segment(frame, settings.smoothing, settings.min_confidence)
        if segmentation is None:
            self._wanted.put(frame)  # The model is being prepared; with the next frame again.
            return
        self.looked.put(segmentation)
        self._wake()

    def _segment(self, frame: RgbdFrame) -> Segmentation:
        """Segments; while the model is prepared for such frames, the picture goes on without labels.

        Where every frame is to have labels, it waits for them, but shows the picture at once.
        """
        playback, shown = self.sensor.playback, self._owns_model
        while True:
            settings = self._settings
            patient = self._owns_model or (playback is not None and playback.every_frame)
            standing = patient or (playback is not None and (playback.paused or playback.at_end))
            segmentation = self.model.segment(frame, settings.smoothing, settings.min_confidence, standing=standing)
            if segmentation is not None:
                return segmentation
            if not patient or self._stop.is_set():
                return Segmentation(frame)
            if not shown:
                self.results.put(Segmentation(frame))
                self._wake()
                shown = True
            self.model.wait_prepared(_READ_TIMEOUT_S)

    def _publish(self, segmentation: Segmentation) -> None:
        now = time.monotonic_ns()
        recorder = self._recorder
        if recorder is not None and segmentation.labels is not None:
            recorder.offer_labels(segmentation)
        with self._lock:
            self._segment_rate.tick(now)
            self._behind.add({"behind": (now - segmentation.frame.host_ns) / 1e9})
            self._stages.add(segmentation.elapsed_s)
            self._status = replace(self._status, segmented=self._status.segmented + 1)
        self._idle.set()
        self.results.put(segmentation)
        self._wake()

    def _enter(self, state: State, message: str = "") -> None:
        with self._lock:
            if self._status.stop_reason is None:
                self._status = replace(self._status, state=state, message=message)
        self._wake()
