"""Work on a whole recording in the background: progress, an end, and a way to stop it. No Qt."""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from rgbd_seg.errors import RgbdSegError
from rgbd_seg.inference.segmenter import Segmenter, SegmenterOptions
from rgbd_seg.pipeline.model_slot import Opener

if TYPE_CHECKING:
    from rgbd_seg.recording.convert import Damage
    from rgbd_seg.recording.reader import RecordingReader

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JobStatus:
    """How a job is getting on.

    Attributes:
        done: Frames that are done.
        total: Of so many.
        state: "running", "finished", "cancelled" or "failed".
        text: What was done, why it failed, or what is done before the first frame.
        left_s: About how many seconds are left; None while nobody can say.
    """

    done: int = 0
    total: int = 0
    state: str = "running"
    text: str = ""
    left_s: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Which recording is worked on.

    Attributes:
        source: Path of the recording.
        source_options: Options of its reader, from the URI.
        step: Only every so many-th frame.
        model: Model file that labels every frame anew; None keeps truth or recorded labels.
        options: How that model is run.
    """

    source: Path
    source_options: dict[str, str]
    step: int = 1
    model: Path | None = None
    options: SegmenterOptions = field(default_factory=SegmenterOptions)


P = TypeVar("P", bound=Plan)


class Job(ABC, Generic[P]):
    """Begins when it is made: loads the plan's model if there is one, and opens the recording."""

    def __init__(self, plan: P, opener: Opener, wake: Callable[[], None]) -> None:
        """Starts the thread.

        Args:
            plan: What to do.
            opener: Opens model files.
            wake: Called from the thread when the status changes.
        """
        self.plan, self._opener, self._wake = plan, opener, wake
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._status = JobStatus()
        self._began_s = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"rgbd-seg {type(self).__name__}", daemon=True)
        self._thread.start()

    @abstractmethod
    def _work(self, reader: RecordingReader, segmenter: Segmenter | None, damage: Damage) -> JobStatus:
        """Goes through the frames; asks `is_cancelled` between them, and returns how it ended."""

    @property
    def status(self) -> JobStatus:
        with self._lock:
            return self._status

    @property
    def is_cancelled(self) -> bool:
        """Whether it was told to stop, which it does after the frame or the loading it is busy with."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        self._cancelled.set()

    def close(self, timeout_s: float = 10.0) -> None:
        """Cancels and waits, so that nothing unfinished stays behind."""
        self.cancel()
        self._thread.join(timeout_s)

    def _report(self, status: JobStatus) -> None:
        with self._lock:
            self._status = status
        self._wake()

    def _begin(self, total: int) -> None:
        """The first frame comes now: from here on the time that is left is told."""
        self._began_s = time.monotonic()
        self._report(JobStatus(0, total))

    def _progress(self, done: int, total: int | None) -> None:
        total = total or 0
        left_s = (time.monotonic() - self._began_s) / done * (total - done)
        self._report(JobStatus(done, total, left_s=left_s))

    def _loading(self, stage: str, part: float) -> None:
        self._report(JobStatus(text=f"loading the model, {stage}, {round(100 * part)} %"))

    def _open(self) -> JobStatus:
        from rgbd_seg.recording.convert import Damage
        from rgbd_seg.sensors import open_any_recording

        plan = self.plan
        segmenter = self._opener(plan.model, plan.options, self._loading) if plan.model else None
        try:
            with open_any_recording(plan.source, **plan.source_options) as reader:
                return self._work(reader, segmenter, Damage())
        finally:
            if segmenter is not None:
                segmenter.close()

    def _run(self) -> None:
        try:
            self._report(self._open())
        except Exception as error:  # Whatever a reader, a writer or a back end throws becomes a message.
            if not isinstance(error, RgbdSegError):
                _log.exception("%s failed", type(self).__name__)
            self._report(JobStatus(self.status.done, self.status.total, "failed", str(error) or repr(error)))


def progress_text(status: JobStatus) -> str:
    """How far a job is and how long it will take, in words."""
    if not status.total:
        return status.text or "beginning"
    text = f"{status.done} of {status.total} frames"
    if status.left_s is None or status.left_s < 2:
        return text
    left = f"{status.left_s:.0f} s" if status.left_s < 100 else f"{status.left_s / 60:.0f} min"
    return f"{text}, about {left} left"
