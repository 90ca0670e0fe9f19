"""A frame that a replay was sent to waits a moment for its own labels, so that a quick model's do not flicker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

if TYPE_CHECKING:
    from rgbd_seg.frame import RgbdFrame

_PATIENCE_MS = 150


class WaitingPicture(QObject):
    """The newest of such frames; `overdue` gives it away when its labels have not come."""

    overdue = Signal(object)  # RgbdFrame

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._frame: RgbdFrame | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PATIENCE_MS)
        self._timer.timeout.connect(self._give)

    def offer(self, frame: RgbdFrame) -> None:
        """Keeps a frame in place of the one before; whoever drags the timeline does not start the waiting anew."""
        self._frame = frame
        if not self._timer.isActive():
            self._timer.start()

    def forget(self) -> None:
        """Its labels have come, or something else has."""
        self._frame = None
        self._timer.stop()

    def _give(self) -> None:
        frame, self._frame = self._frame, None
        if frame is not None:
            self.overdue.emit(frame)
