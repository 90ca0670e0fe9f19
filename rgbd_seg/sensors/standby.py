"""A driver's process that has loaded everything and waits to be told what to open.

Starting Python and importing NumPy and a camera's library takes most of the time that a lost camera needs to be back.
While a camera runs, a second process does that ahead. It touches no device before it is told to.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rgbd_seg.sensors.child_process import ChildEnded, ChildProcess
from rgbd_seg.sensors.shared_frames import SharedMemory

if TYPE_CHECKING:
    from rgbd_seg.sensors.child_process import Message

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class DriverProcess:
    """A process that runs `rgbd_seg.sensors.driver_process`, and the memory for its frames, which is not mapped yet."""

    child: ChildProcess
    memory: SharedMemory

    def end(self) -> None:
        """Kills the process and gives the memory back."""
        self.child.end()
        self.memory.close()


class Standby:
    """Hands out driver's processes; at most one waits.

    Args:
        driver: Module with `open_device(uri, request)`, imported in the child only. If it has a function `load`, the
            child calls that ahead, too: it loads the vendor's library without touching a device.
    """

    def __init__(self, driver: str) -> None:
        self._driver = driver
        self._waiting: DriverProcess | None = None

    @property
    def ready(self) -> bool:
        """Whether a process waits, or is on its way."""
        return self._waiting is not None

    def prepare(self) -> None:
        """Starts a process unless one waits; where that fails, the next one is started when it is needed."""
        if self._waiting is None:
            try:
                self._waiting = self._start()
            except OSError as error:
                _log.warning("no second driver's process: %s", error)

    def take(self, order: Message) -> DriverProcess:
        """A process that has been given its first message: the one that waits if it still lives, else a new one.

        Raises:
            ChildEnded: The new one died at once.
            OSError: None could be started.
        """
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

    def dismiss(self) -> None:
        """Ends the process that waits."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.end()

    def _start(self) -> DriverProcess:
        memory = SharedMemory()
        arguments = {"driver": self._driver, "descriptor": memory.descriptor, "tag": memory.tag}
        share = [memory.descriptor] if memory.descriptor >= 0 else []
        try:
            return DriverProcess(ChildProcess("rgbd_seg.sensors.driver_process:run", arguments, share), memory)
        except BaseException:
            memory.close()
            raise
