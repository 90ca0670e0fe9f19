"""The two pages of Help: versions and licence, and what the doctor says."""

from __future__ import annotations

import os
import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from PySide6.QtCore import QProcess, Qt
from PySide6.QtGui import QFontDatabase, QFontMetricsF, QGuiApplication, QTextBlockFormat, QTextCursor
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QProgressBar, QTextEdit, QVBoxLayout, QWidget

from rgbd_seg.app.widgets.dialog_size import resize_within_screen
from rgbd_seg.version import __version__

_LIBRARIES = ("torch", "openvino", "onnxruntime", "PySide6-Essentials", "numpy", "opencv-python-headless", "mcap")

# The columns of a doctor's line: how it is and about what, or the arrow before what to do.
_BEFORE_TEXT = re.compile(r"\s+-> |\S+\s+.*?\s{2,}(?=\S)")


def versions() -> dict[str, str]:
    """Versions of the program and of the libraries that matter, "" for what is not installed."""
    found = {"rgbd-seg": __version__, "Python": sys.version.split()[0]}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


class AboutDialog(QDialog):
    """Versions and licence, ready to be copied into a report."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("About rgbd-seg")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 16)
        title = QLabel(f"rgbd-seg {__version__}")
        title.setObjectName("title")
        layout.addWidget(title)
        layout.addWidget(QLabel("See your RGB-D camera segmented live. MIT licence."))
        self.text = "\n".join(f"{name} {number or 'is not installed'}" for name, number in versions().items())
        body = QLabel(self.text)
        body.setObjectName("quiet")
        body.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout.addWidget(body)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text))
        buttons.rejected.connect(self.close)
        layout.addWidget(buttons)


class DoctorDialog(QDialog):
    """Runs `rgbd-seg doctor` in a child process and shows what it says."""

    def __init__(self, parent: QWidget, recordings: Path) -> None:
        """Begins to look.

        Args:
            parent: The window.
            recordings: Where recordings go, or will go: the disk that is measured.
        """
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Doctor")
        resize_within_screen(self, 720, 480)
        layout = QVBoxLayout(self)
        self.report = QTextEdit("Looking at libraries, cameras, back ends and the disk…")
        self.report.setReadOnly(True)
        self.report.setAccessibleName("What the doctor found")
        self.report.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        layout.addWidget(self.report)
        self._busy = QProgressBar()
        self._busy.setRange(0, 0)
        self._busy.setAccessibleName("Looking")
        layout.addWidget(self._busy)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.report.toPlainText()))
        buttons.rejected.connect(self.close)
        layout.addWidget(buttons)
        self._process = QProcess(self)
        self._process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        self._process.finished.connect(self._show)
        folder = next(one for one in (recordings, *recordings.parents) if os.path.isdir(one))
        self._process.start(sys.executable, ["-m", "rgbd_seg", "doctor", "--folder", str(folder)])

    def _show(self) -> None:
        self._busy.hide()
        text = bytes(self._process.readAll().data()).decode(errors="replace")
        self.report.setPlainText(text or "The doctor said nothing.")
        _hang(self.report)

    def done(self, result: int) -> None:
        """Ends the child process, however the dialog is closed: Escape sends no close event."""
        self._process.blockSignals(True)
        self._process.kill()
        self._process.waitForFinished(1000)
        super().done(result)


def _hang(report: QTextEdit) -> None:
    """Lets what does not fit into a line go on below the column that it begins in."""
    cursor, width = QTextCursor(report.document()), QFontMetricsF(report.font()).horizontalAdvance("0")
    while True:
        before = _BEFORE_TEXT.match(cursor.block().text())
        if before is not None:
            layout = QTextBlockFormat()
            layout.setLeftMargin(before.end() * width)
            layout.setTextIndent(-before.end() * width)
            cursor.mergeBlockFormat(layout)
        if not cursor.movePosition(QTextCursor.MoveOperation.NextBlock):
            return
