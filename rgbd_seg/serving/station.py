"""A source and a model without a window: what is served, and the desk that a page can ask."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from rgbd_seg.errors import RgbdSegError, SensorError
from rgbd_seg.pipeline.session import Session
from rgbd_seg.pipeline.session_recording import start_recording, summary
from rgbd_seg.pipeline.status import ModelState, State, Status, StopReason, losses_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rgbd_seg.inference.segmenter import SegmenterOptions
    from rgbd_seg.sensors.sensor import Request
    from rgbd_seg.serving.server import LiveServer

_log = logging.getLogger(__name__)
_LOOK_S = 0.2  # How soon a request, a stop or another state is seen while no frame comes.
_NOTE_S = 15.0


class Station:
    """Runs the same session as the window, on the thread that calls `run`.

    `name`, `status`, `record` and `note` may be asked from any thread: see `Desk`.

    Args:
        folder: Where recordings go; made when the first begins.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._awake = threading.Event()
        self._session = Session(self._awake.set)
        self._asked: deque[bool] = deque()
        self._status = Status()
        self._note, self._note_until_s = "", 0.0
        self._name = "rgbd-seg"
        self._failed_model = ""
        self._waiting_to_record = False

    # The desk

    @property
    def name(self) -> str:
        return self._name

    def status(self) -> Status:
        """Counters and states, as of a moment ago."""
        return self._status

    @property
    def note(self) -> str:
        """What became of the last request to record, for a while."""
        return self._note if time.monotonic() < self._note_until_s else ""

    def record(self, on: bool) -> None:
        """Asks for a recording, or for its end."""
        self._asked.append(on)
        self._awake.set()

    # Its own thread

    def record_when_running(self) -> None:
        """Records as soon as the source runs."""
        self._waiting_to_record = True

    def open(self, source: str, request: Request, model: Path | None, options: SegmenterOptions) -> None:
        """Begins to open the source, and to load the model."""
        self._session.open_source(source, request)
        if model is not None:
            self._session.load_model(model, options)

    def run(self, server: LiveServer, stopped: Callable[[], bool], minute: Callable[[str], None]) -> None:
        """Publishes until it is stopped.

        Args:
            server: Where to.
            stopped: Asked several times a second.
            minute: Gets a line of figures every minute, and once a source or a model is there or fails.

        Raises:
            SensorError: The source cannot be opened, or failed for good. A camera that is lost is waited for.
        """
        next_line_s, told = time.monotonic() + 60, State.IDLE
        look_s = 0.0
        while not stopped():
            self._awake.wait(_LOOK_S)
            self._awake.clear()
            segmentation = self._session.take()
            if segmentation is not None:
                server.publish(segmentation)
            now = time.monotonic()
            if now - look_s < _LOOK_S and not self._asked:
                continue
            look_s = now
            self._look()
            status = self._status
            if status.state is State.STOPPED and status.stop_reason is not StopReason.REQUESTED:
                raise SensorError(status.error or status.message)
            if status.state is not told or now >= next_line_s:
                told, next_line_s = status.state, now + 60
                minute(self.line(server))
            if status.model.state is ModelState.FAILED and status.model.error != self._failed_model:
                self._failed_model = status.model.error
                minute(f"the model failed: {status.model.error}")

    def close(self) -> None:
        """Finishes a recording and ends everything."""
        self._session.close()

    def line(self, server: LiveServer) -> str:
        """The figures that a log wants."""
        status = self._status
        parts = [
            status.state.value + (f" ({status.message})" if status.message else ""),
            f"{status.capture_fps:.1f} fps",
            f"{status.segment_fps:.1f} segmented",
            f"{status.behind_ms:.0f} ms behind",
            losses_text(status),
            f"{server.clients} viewers",
        ]
        if status.reopened:
            parts.append(f"came back {status.reopened} times")
        if status.recorder is not None and status.recorder.state == "recording":
            parts.append(f"recording {status.recorder.path.name}: {status.recorder.file_bytes / 1e6:.0f} MB")
        return ", ".join(parts)

    def _look(self) -> None:
        while self._asked:
            self._obey(self._asked.popleft())
        ended = self._session.ended_recordings.take_nowait()
        if ended is not None:
            reason = f" ({ended.reason})" if ended.reason not in ("", "stopped") else ""
            self._say(summary(ended) + reason)
        self._status = self._session.status()
        info = self._session.info
        if info is not None:
            self._name = info.name
        if self._waiting_to_record and self._status.state is State.RUNNING:
            self._waiting_to_record = False
            self._obey(True)

    def _obey(self, on: bool) -> None:
        recorder = self._session.status().recorder
        running = recorder is not None and recorder.state == "recording"
        if on == running:
            return
        if not on:
            self._session.stop_recording()
            return
        try:
            self._say(f"Recording into {start_recording(self._session, self._folder)}")
        except RgbdSegError as error:
            self._say(str(error))

    def _say(self, text: str) -> None:
        _log.info("%s", text)
        self._note, self._note_until_s = text, time.monotonic() + _NOTE_S
