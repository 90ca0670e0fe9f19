"""Alt pressed and released by itself, which opens a menu; Alt together with anything else does not."""

from __future__ import annotations

import sys

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

_SOMETHING_ELSE = frozenset(
    {
        QEvent.Type.MouseButtonPress,
        QEvent.Type.Wheel,
        QEvent.Type.WindowDeactivate,
        QEvent.Type.ApplicationStateChange,
    }
)


class AltKey(QObject):
    """Looks at every event of the application only while Alt is held."""

    alone = Signal()

    def press(self, event: QKeyEvent) -> None:
        """Takes a key that no control wanted; whether Alt stays alone is seen from then on."""
        others = event.modifiers() & ~Qt.KeyboardModifier.AltModifier
        if event.key() == Qt.Key.Key_Alt and not others and not event.isAutoRepeat() and sys.platform != "darwin":
            self._application().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Ends with Alt's release or with whatever comes before it."""
        kind = event.type()
        if kind in _SOMETHING_ELSE:
            self._application().removeEventFilter(self)
        elif isinstance(event, QKeyEvent) and event.key() != Qt.Key.Key_Alt:
            self._application().removeEventFilter(self)
        elif kind == QEvent.Type.KeyRelease:
            self._application().removeEventFilter(self)
            QTimer.singleShot(0, self.alone.emit)  # A menu has a loop of its own, and this event must end.
        return super().eventFilter(watched, event)

    @staticmethod
    def _application() -> QApplication:
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        return application
