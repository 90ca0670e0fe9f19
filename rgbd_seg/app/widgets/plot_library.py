"""pyqtgraph, loaded beside the window: its import takes 0.4 s, for which the window would not answer."""

from __future__ import annotations

import contextlib
import sys
import threading
from importlib import import_module

from PySide6.QtCore import QObject, Signal

_NAME, _LAST_OF_IT = "pyqtgraph", "PlotWidget"


class PlotLibrary(QObject):
    """Loads it once, when somebody wants to see a plot."""

    ready = Signal()  # On the thread of whoever listens.

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._thread: threading.Thread | None = None

    def load(self) -> None:
        """Emits `ready` now or soon; a second call does nothing."""
        if self._thread is not None:
            return
        self._thread = threading.Thread(target=self._import, name="rgbd-seg plots", daemon=True)
        if hasattr(sys.modules.get(_NAME), _LAST_OF_IT):
            self.ready.emit()
        else:
            self._thread.start()

    def _import(self) -> None:
        import_module(_NAME)
        with contextlib.suppress(RuntimeError):  # The panel is gone already.
            self.ready.emit()

    def wait(self, timeout_s: float) -> None:
        """For the end of the loading, which cannot be interrupted."""
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(timeout_s)
