"""Ctrl-C and SIGTERM as something to look at between two steps, so that a checkpoint is written before the run ends."""

from __future__ import annotations

import signal
import sys
import threading
from typing import Any

from rgbd_seg.errors import RgbdSegError

_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


class Stopped(RgbdSegError):
    """A run was asked to end, and has.

    Attributes:
        exit_code: What a shell expects: 128 and the number of the signal.
    """

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = 128 + number


class StopSignals:
    """Notes the first such signal; a second one ends the program at once.

    Attributes:
        received: The signal's number, 0 while none has come.
    """

    def __init__(self) -> None:
        self.received = 0
        self._before: dict[int, Any] = {}

    @property
    def name(self) -> str:
        """What people call the signal that came."""
        return _NAMES[signal.Signals(self.received)]

    def listen(self) -> None:
        """Takes the signals over; only the main thread may."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in _NAMES}

    def close(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _note(self, number: int, _: Any) -> None:
        if self.received:
            self.close()
            if number == signal.SIGINT:
                raise KeyboardInterrupt
            raise SystemExit(128 + number)
        self.received = number
        sys.stderr.write(f"\n{self.name}: the run ends at the next checkpoint; once more ends it at once\n")
