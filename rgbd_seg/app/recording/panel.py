"""The panel of recording: where to, how much from before the button, and how the running one is getting on."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFormLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from rgbd_seg.app.recording.capture_box import CaptureBox
from rgbd_seg.app.widgets.spin_box import SpinBox
from rgbd_seg.pipeline.session_recording import clock_text, size_text

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.pipeline.recorder import RecorderStatus


class _SecondsBox(SpinBox):
    """A number field that leaves the window its letter keys: R records, also right after a number was typed."""

    def event(self, event: QEvent) -> bool:
        """Claims no key that it has no use for."""
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            text = event.text()
            if text.isprintable() and text and not text.isdigit():
                event.ignore()
                return False
        return super().event(event)


class RecordingPanel(QWidget):
    """Shows a recording; emits what is wanted."""

    record_wanted = Signal()
    folder_wanted = Signal()
    pre_roll_wanted = Signal(float)
    export_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        self.button = QPushButton("Record")
        self.button.setMinimumHeight(40)
        self.button.clicked.connect(self.record_wanted)
        layout.addWidget(self.button)
        self._form = form = QFormLayout()
        self._values = {name: QLabel("") for name in ("Time", "Size", "Rate", "Dropped", "Free disk")}
        for name, label in self._values.items():
            form.addRow(name, label)
        self._folder = QPushButton()
        self._folder.setToolTip("Choose where recordings go")
        self._folder.clicked.connect(self.folder_wanted)
        form.addRow("Folder", self._folder)
        self.pre_roll = _SecondsBox()
        self.pre_roll.setRange(0, 10)
        self.pre_roll.setSuffix(" s")
        self.pre_roll.setSpecialValueText("none")
        self.pre_roll.setToolTip("Frames from so long before the button was pressed come into the recording too")
        self.pre_roll.lineEdit().returnPressed.connect(self.pre_roll.clearFocus)
        self.pre_roll.valueChanged.connect(lambda seconds: self.pre_roll_wanted.emit(float(seconds)))
        form.addRow("From before", self.pre_roll)
        layout.addLayout(form)
        export = QPushButton("Export the open recording…")
        export.clicked.connect(self.export_wanted)
        layout.addWidget(export)
        self.capture = CaptureBox()
        layout.addWidget(self.capture)
        layout.addStretch(1)

    def show_settings(self, folder: Path, pre_roll_s: float) -> None:
        self._folder.setText(folder.name or str(folder))
        self._folder.setToolTip(f"{folder}\nClick to choose where recordings go")
        self.pre_roll.blockSignals(True)
        self.pre_roll.setValue(round(pre_roll_s))
        self.pre_roll.blockSignals(False)

    def show_recorder(self, status: RecorderStatus | None, folder: Path, possible: bool) -> None:
        """Shows the running recording; None for none."""
        running = status is not None and status.state == "recording"
        self.button.setText("Stop recording" if running else "Record")
        self.button.setEnabled(running or possible)
        for name in ("Time", "Size", "Rate", "Dropped"):
            self._form.setRowVisible(self._values[name], running)
        if status is None or not running:
            self._values["Free disk"].setText(_free_text(folder))
            return
        rate = status.file_bytes / max(status.seconds, 0.1)
        self._values["Time"].setText(f"{clock_text(status.seconds)}   {status.frames} frames")
        self._values["Size"].setText(size_text(status.file_bytes))
        self._values["Rate"].setText(f"{rate / 1e6:.1f} MB a second")
        self._values["Dropped"].setText(str(status.dropped))
        left_s = status.free_bytes / max(rate, 1.0)
        self._values["Free disk"].setText(f"{size_text(status.free_bytes)}, enough for {_long_text(left_s)}")
        self._values["Free disk"].setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)


def _long_text(seconds: float) -> str:
    return f"{seconds / 3600:.0f} h" if seconds >= 7200 else f"{seconds / 60:.0f} min"


def _free_text(folder: Path) -> str:
    while not os.path.exists(folder) and folder != folder.parent:
        folder = folder.parent
    try:
        return size_text(shutil.disk_usage(folder).free)
    except OSError:
        return "unknown"
