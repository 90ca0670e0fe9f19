"""Threads in the background that one owner begins and waits for, and one limit for several waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Deadline:
    """Begins when it is made: what the first wait takes, the others have less."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    @property
    def left_s(self) -> float:
        """Seconds that may still be waited, never negative."""
        return max(self._until - time.monotonic(), 0.0)


class Background:
    """Daemon threads, so that one that hangs in a vendor's library cannot keep the program from ending."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def begin(self, name: str, body: Callable[[], None]) -> None:
        """Starts a thread that runs `body` once."""
        thread = threading.Thread(target=body, name=f"rgbd-seg {name}", daemon=True)
        with self._lock:
            self._threads = [t for t in self._threads if t.is_alive()] + [thread]
            thread.start()

    @property
    def busy(self) -> bool:
        """Whether any of them still runs."""
        with self._lock:
            return any(thread.is_alive() for thread in self._threads)

    def join(self, timeout_s: float) -> None:
        """Waits until all but the calling thread have ended, at most `timeout_s` seconds altogether."""
        deadline = Deadline(timeout_s)
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(deadline.left_s)
