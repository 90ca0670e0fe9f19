"""A driver's process that has loaded everything and waits to be told what to open.

Starting Python and importing NumPy and a camera's library takes most of the time that a lost camera needs to be back.
While a camera runs, a second process does that ahead. It touches no device before it is told to. While the camera is
away, one process tries again and again, and gives way to a fresh one now and then.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from rgbd_seg.sensors.isolation.child_process import ChildEnded, ChildProcess, Message
from rgbd_seg.sensors.isolation.shared_frames import SharedMemory

_log = logging.getLogger(__name__)
# Some libraries find a camera that came back only when they are loaded anew, so a process that keeps failing to open
# one is replaced at this age (seconds).
RENEW_AFTER_S = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class DriverProcess:
    """A process that runs `rgbd_seg.sensors.isolation.driver_process`.

    Attributes:
        child: The process.
        memory: For its frames; not mapped before a source is open.
        started_s: When it was started, on the monotonic clock.
    """

    child: ChildProcess
    memory: SharedMemory
    started_s: float

    def end(self) -> None:
        """Kills the process and gives the memory back."""
        self.child.end()
        self.memory.close()


class Standby:
    """Hands out driver's processes, and keeps one waiting when told to.

    Args:
        driver: Module with `open_device(uri, request)`, imported in the child only. If it has a function `load`, the
            child calls that ahead, too: it loads the vendor's library without touching a device.
    """

    def __init__(self, driver: str) -> None:
        self._driver = driver
        self._waiting: DriverProcess | None = None
        self._successor: DriverProcess | None = None  # Takes the place of one that waits as soon as it is loaded.

    @property
    def ready(self) -> bool:
        """Whether a process waits, or is on its way."""
        return self._waiting is not None

    def prepare(self) -> None:
        """Starts a process unless one waits."""
        self._promote()
        if self._waiting is None:
            self._waiting = self._start_or_none()

    def take(self, order: Message) -> DriverProcess:
        """A process that has been given this order: the one that waits if it still lives, else a new one.

        Raises:
            ChildEnded: The new one died at once.
            OSError: None could be started.
        """
        self._promote()
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            try:
                waiting.child.send(order)
                return waiting
            except ChildEnded:
                waiting.end()
        fresh = self._start()
        try:
            fresh.child.send(order)
        except ChildEnded:
            fresh.end()
            raise
        return fresh

    def give_back(self, process: DriverProcess) -> None:
        """Takes back a process that could not open the source, for the next try."""
        self._waiting = process
        if self._successor is None and time.monotonic() - process.started_s > RENEW_AFTER_S:
            self._successor = self._start_or_none()

    def dismiss(self) -> None:
        self._dismiss_waiting()
        successor, self._successor = self._successor, None
        if successor is not None:
            successor.end()

    def _dismiss_waiting(self) -> None:
        """Ends the process that would be handed out next."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.end()

    def _promote(self) -> None:
        """Lets the successor wait if nobody does, or in place of the old one once it has said that it is loaded."""
        successor = self._successor
        if successor is None:
            return
        try:
            if self._waiting is not None and successor.child.receive(0) is None:
                return
        except ChildEnded:
            self._successor = None
            successor.end()
            return
        self._dismiss_waiting()
        self._waiting, self._successor = successor, None

    def _start_or_none(self) -> DriverProcess | None:
        """A new process; where none can be started now, one is started when it is needed."""
        try:
            return self._start()
        except OSError as error:
            _log.warning("no second driver's process: %s", error)
            return None

    def _start(self) -> DriverProcess:
        memory = SharedMemory()
        arguments = {"driver": self._driver, "descriptor": memory.descriptor, "tag": memory.tag}
        share = [memory.descriptor] if memory.descriptor >= 0 else []
        try:
            child = ChildProcess("rgbd_seg.sensors.isolation.driver_process:run", arguments, share)
        except BaseException:
            memory.close()
            raise
        return DriverProcess(child, memory, time.monotonic())
