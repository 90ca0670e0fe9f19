"""Looks for cameras in a child process, so that a vendor's library can neither stall nor crash the window."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass

from PySide6.QtCore import QObject, QProcess, QTimer, Signal

_USB_DEVICES = "/sys/bus/usb/devices"
_WATCH_EVERY_MS = 1500
_GIVE_UP_MS = 20_000


@dataclass(frozen=True, slots=True)
class Found:
    """One source that can be opened now.

    Attributes:
        uri: Opens it.
        name: What people call it.
        kind: "camera" or "synthetic".
        about: Serial number and connection, "" if unknown.
    """

    uri: str
    name: str
    kind: str
    about: str


class DeviceFinder(QObject):
    """Runs `rgbd-seg devices --json` when asked, and when something is plugged in or out (on Linux)."""

    found = Signal(object, object)  # tuple[Found, ...] and {driver: problem}.
    busy = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._again = False
        self._usb = _usb_names()
        self._watch = QTimer(self)
        self._watch.setInterval(_WATCH_EVERY_MS)
        self._watch.timeout.connect(self._look_at_usb)
        self._limit = QTimer(self)
        self._limit.setSingleShot(True)
        self._limit.setInterval(_GIVE_UP_MS)
        self._limit.timeout.connect(self._kill)

    def start(self) -> None:
        """Looks now and from now on whenever USB changes."""
        self._watch.start()
        self.refresh()

    def refresh(self) -> None:
        """Looks now; a look that is under way is followed by another."""
        if self._process is not None:
            self._again = True
            return
        process = QProcess(self)
        process.finished.connect(self._read)
        process.errorOccurred.connect(
            lambda error: self._read() if error == QProcess.ProcessError.FailedToStart else None
        )
        self._process = process
        self.busy.emit(True)
        self._limit.start()
        process.start(sys.executable, ["-m", "rgbd_seg", "devices", "--json"])

    def close(self) -> None:
        """Stops looking and ends the child process."""
        self._watch.stop()
        self._limit.stop()
        process, self._process = self._process, None
        if process is not None:
            process.finished.disconnect()
            process.kill()
            process.waitForFinished(1000)

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _look_at_usb(self) -> None:
        names = _usb_names()
        if names != self._usb:
            self._usb = names
            self.refresh()

    def _read(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        self._limit.stop()
        text = bytes(process.readAllStandardOutput().data()).decode(errors="replace")
        process.deleteLater()
        self.busy.emit(False)
        self.found.emit(*parse_devices(text))
        if self._again:
            self._again = False
            self.refresh()


def parse_devices(text: str) -> tuple[tuple[Found, ...], dict[str, str]]:
    """What `rgbd-seg devices --json` printed; a child that crashed is a problem like any other."""
    try:
        data = json.loads(text)
        devices = tuple(
            Found(
                str(row["uri"]),
                str(row["name"]),
                str(row["kind"]),
                ", ".join(str(row[key]) for key in ("serial", "connection") if row.get(key)),
            )
            for row in data["devices"]
        )
        return devices, {str(driver): str(problem) for driver, problem in data["problems"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return (), {"cameras": "the search for cameras ended early: try Refresh, or rgbd-seg doctor"}


def _usb_names() -> frozenset[str]:
    try:
        return frozenset(os.listdir(_USB_DEVICES))
    except OSError:  # Not Linux: there is the refresh button.
        return frozenset()
