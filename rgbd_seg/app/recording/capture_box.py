"""The part of the recording panel that takes frames for a data set by themselves."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QGroupBox, QLabel, QPushButton

from rgbd_seg.app.widgets.spin_box import DoubleSpinBox, SpinBox
from rgbd_seg.labelling.capture import Choice


class CaptureBox(QGroupBox):
    """Emits which frames are wanted; shows how many there are."""

    wanted = Signal(object, int)  # Choice, how many.
    stop_wanted = Signal()

    def __init__(self) -> None:
        super().__init__("Frames to label")
        form = QFormLayout(self)
        form.setContentsMargins(8, 8, 8, 8)
        self.kind = QComboBox()
        self.kind.addItems(("what is new and sharp", "every one that is due"))
        self.kind.setToolTip("New: unlike every frame before, so that something has moved or the camera has")
        form.addRow("Take", self.kind)
        self.every = DoubleSpinBox()
        self.every.setRange(0.1, 3600)
        self.every.setDecimals(1)
        self.every.setValue(0.5)
        self.every.setSuffix(" s")
        self.every.setToolTip("At most one frame in so many seconds")
        form.addRow("Every", self.every)
        self.count = SpinBox()
        self.count.setRange(1, 10_000)
        self.count.setValue(40)
        self.count.setSuffix(" frames")
        self.count.setToolTip("Stops by itself when there are so many")
        form.addRow("Until", self.count)
        self.button = QPushButton()
        self.button.clicked.connect(self._press)
        form.addRow(self.button)
        self.text = QLabel()
        self.text.setObjectName("quiet")
        self.text.setWordWrap(True)
        form.addRow(self.text)
        self._running = True
        self.show_running(False)

    def show_running(self, running: bool) -> None:
        """Shows whether frames are being taken."""
        if running != self._running:
            self._running = running
            self.button.setText("Stop taking frames" if running else "Take frames")
            if running:
                self.text.setText("Looking for the first one…")
            for field in (self.kind, self.every, self.count):
                field.setEnabled(not running)
        self.text.setVisible(bool(self.text.text()))

    def show_text(self, text: str) -> None:
        """Shows how many there are, and what was left out."""
        self.text.setText(text)
        self.text.show()

    def _press(self) -> None:
        if self._running:
            self.stop_wanted.emit()
        elif self.kind.currentIndex() == 0:
            self.wanted.emit(Choice(self.every.value()), self.count.value())
        else:
            self.wanted.emit(Choice(self.every.value(), 0.0, 0.0), self.count.value())
