"""From the threads of the pipeline to the window: a wake-up without a payload, at most one under way."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal


class Bridge(QObject):
    """`wake` may be called from any thread, as often as it likes; `awake` is emitted on the window's thread.

    What is new lies in slots where newest wins, so a slow window skips and never falls behind.
    """

    awake = Signal()
    _queued = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._under_way = threading.Event()
        self._closed = False
        self._calls: deque[Callable[[], None]] = deque()
        self._queued.connect(self._arrive, Qt.ConnectionType.QueuedConnection)

    def wake(self) -> None:
        """Asks for `awake`; returns at once."""
        if not self._under_way.is_set() and not self._closed:
            self._under_way.set()
            self._queued.emit()

    def post(self, call: Callable[[], None]) -> None:
        """Runs a small function once on the window's thread: for the ends of background work, not for frames."""
        self._calls.append(call)
        self.wake()

    def close(self) -> None:
        self._closed = True

    def _arrive(self) -> None:
        self._under_way.clear()  # First, so that what comes from now on wakes again.
        if self._closed:
            return
        while self._calls:
            self._calls.popleft()()
        self.awake.emit()
