"""Ctrl-C during a loop over frames: the loop ends as if the source had, and what is open is closed."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType
from typing import ClassVar

AGAIN_S = 0.5


class Interrupts:
    """Watches for Ctrl-C from `watch` to `close`. The first one is noted, for all who watch; a second interrupts.

    A program that has a handler of its own keeps it, and so do threads, which Python never interrupts.
    """

    _watching: ClassVar[list[Interrupts]] = []
    _noted_s: ClassVar[float] = 0.0

    def __init__(self) -> None:
        self.came = False

    def watch(self) -> None:
        """Begins to watch; a second call does nothing."""
        if self in self._watching or threading.current_thread() is not threading.main_thread():
            return
        if not self._watching:
            if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
                return
            signal.signal(signal.SIGINT, self._note)
        self._watching.append(self)

    def close(self) -> None:
        """Ends watching; the last one gives Python its own handler back."""
        if self not in self._watching:
            return
        self._watching.remove(self)
        if not self._watching and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.default_int_handler)

    @classmethod
    def _note(cls, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        # Shells and `timeout` may send one Ctrl-C twice: to the program, and to its group.
        if now - cls._noted_s > AGAIN_S and all(one.came for one in cls._watching):
            signal.default_int_handler(number, frame)
        cls._noted_s = now
        for one in cls._watching:
            one.came = True
