"""Writes the window's settings soon after they have changed: a killed window has lost half a second at most."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QTimer, Signal

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QMainWindow

    from rgbd_seg.app.settings import Settings, SettingsFile
    from rgbd_seg.app.widgets.panels import Panels

_AFTER_MS = 500  # Many changes in a row, as of a slider that is dragged, are written together.


class SettingsSaver(QObject):
    """Knows what the file holds of this window; the window's place and that of its panels are added here."""

    failed = Signal(str)

    def __init__(self, window: QMainWindow, file: SettingsFile, settings: Callable[[], Settings]) -> None:
        """Begins with what `settings` says now as what the file holds."""
        super().__init__(window)
        self._window, self.file, self._settings = window, file, settings
        self._saved = settings()
        self._panels: Panels | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_AFTER_MS)
        self._timer.timeout.connect(self.save)

    def watch(self, panels: Panels) -> None:
        """Saves when the window or a panel is moved, too."""
        self._panels = panels
        self._window.installEventFilter(self)
        for dock in panels.docks.values():
            for moved in (dock.visibilityChanged, dock.dockLocationChanged, dock.topLevelChanged):
                moved.connect(self.soon)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Sees the window being moved; nothing is kept from it."""
        if event.type() in (QEvent.Type.Move, QEvent.Type.Resize):
            self.soon()
        return super().eventFilter(watched, event)

    def soon(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def save(self) -> None:
        """Writes what has changed since the last time."""
        self._timer.stop()
        geometry = bytes(self._window.saveGeometry().toBase64().data()).decode()
        arranged = self._panels.state if self._panels is not None else self._window.saveState()
        state = bytes(arranged.toBase64().data()).decode()
        settings = replace(self._settings(), geometry=geometry, state=state)
        if settings == self._saved:
            return
        problem = self.file.save_changes(settings, self._saved)
        if problem:
            self.failed.emit(problem)
        else:
            self._saved = settings
