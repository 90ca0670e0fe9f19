"""The end of a run's log, which grows while one looks at it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from rgbd_seg.app.widgets.dialog_size import resize_within_screen

_SHOWN_BYTES = 100_000
_EVERY_MS = 1000


class LogDialog(QDialog):
    """Reads the file anew when it has grown."""

    def __init__(self, path: Path, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        resize_within_screen(self, 820, 460)
        self._path = path
        self._size = -1
        layout = QVBoxLayout(self)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Log")
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        layout.addWidget(self.text)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        layout.addWidget(buttons)
        timer = QTimer(self)
        timer.timeout.connect(self._read)
        timer.start(_EVERY_MS)
        self._read()

    def _read(self) -> None:
        try:
            size = self._path.stat().st_size
            if size == self._size:
                return
            with self._path.open("rb") as file:
                file.seek(max(0, size - _SHOWN_BYTES))
                text = file.read(_SHOWN_BYTES).decode("utf-8", "replace")
        except OSError as error:
            self.text.setPlainText(f"{self._path} cannot be read: {error.strerror or error}.")
            return
        self._size = size
        self.text.setPlainText(text.strip())
        self.text.verticalScrollBar().setValue(self.text.verticalScrollBar().maximum())
