"""Work on a whole recording in the background: progress, an end, and a way to stop it. No Qt."""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from rgbd_seg.errors import RgbdSegError

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


class Job(ABC):
    """Begins when `_start` is called, at the end of a child's `__init__`."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """Nothing runs yet.

        Args:
            wake: Called from the thread when the status changes.
        """
        self._wake = wake
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._status = JobStatus()
        self._began_s = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"rgbd-seg {type(self).__name__}", daemon=True)

    @abstractmethod
    def _work(self) -> JobStatus:
        """Does everything; asks `is_cancelled` between frames, and returns how it ended."""

    @property
    def status(self) -> JobStatus:
        """How it is getting on."""
        with self._lock:
            return self._status

    @property
    def is_cancelled(self) -> bool:
        """Whether it was told to stop, which it does after the frame or the loading it is busy with."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Stops before the next frame."""
        self._cancelled.set()

    def close(self, timeout_s: float = 10.0) -> None:
        """Cancels and waits, so that nothing unfinished stays behind."""
        self.cancel()
        self._thread.join(timeout_s)

    def _start(self) -> None:
        self._thread.start()

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

    def _run(self) -> None:
        try:
            self._report(self._work())
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
