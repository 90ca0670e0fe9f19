"""Python's garbage collector, run by the window's thread alone.

Left to itself it runs in whichever thread happens to allocate. Qt objects in cycles of references that it finds there
would be destroyed outside the thread that they belong to, which can end the process.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

_EVERY_MS = 1000


class WindowCollector(QObject):
    """Collects once a second from Qt's loop for as long as it is not stopped; nothing else does."""

    def __init__(self, parent: QObject) -> None:
        """Takes over from automatic collection.

        Args:
            parent: Of the thread whose loop is to collect.
        """
        super().__init__(parent)
        gc.collect()
        gc.freeze()  # What the program is made of stays: looking through it again and again would hold the window.
        gc.disable()
        self._timer = QTimer(self)
        self._timer.timeout.connect(collect_what_is_due)
        self._timer.start(_EVERY_MS)

    def stop(self) -> None:
        """Gives collection back to Python; what was frozen stays so, and does not hold the end up."""
        self._timer.stop()
        gc.enable()


def collect_what_is_due() -> None:
    """Collects the oldest generation whose threshold is passed, as automatic collection would."""
    due = [
        generation
        for generation, (count, most) in enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True))
        if count > most > 0
    ]
    if due:
        gc.collect(due[-1])
