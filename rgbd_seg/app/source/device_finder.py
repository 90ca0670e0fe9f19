"""Keeps the window's list of cameras true: they appear and go without being asked for.

Vendors' libraries look in child processes (`rgbd_seg.sensors.hotplug`), so they can neither stall nor crash the window.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from rgbd_seg.sensors.hotplug import DeviceWatcher


class DeviceFinder(QObject):
    """A `DeviceWatcher` that speaks in Qt's signals, so that its listeners run on their own thread."""

    found = Signal(object, object)  # list[SensorInfo] and {driver: problem}.

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._watcher = DeviceWatcher(self.found.emit)

    def start(self) -> None:
        """Looks now, and from now on whenever something is plugged in or out."""
        self._watcher.start()

    def refresh(self) -> None:
        """Looks now; `found` follows even if nothing has changed."""
        self._watcher.look_now()

    def close(self) -> None:
        """Stops looking and ends the child processes."""
        self._watcher.stop()
