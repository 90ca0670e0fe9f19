"""What was in view over a whole recording: asks with whose labels, shows the progress, then a row for each class."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from rgbd_seg.app.notices import sentence
from rgbd_seg.app.statistics.figure_table import FigureTable
from rgbd_seg.app.widgets.accessible_names import name_controls
from rgbd_seg.app.widgets.dialog_size import resize_within_screen
from rgbd_seg.app.widgets.spin_box import SpinBox
from rgbd_seg.pipeline.offline.class_statistics import SEEN_SHARE, RecordingStatistics
from rgbd_seg.pipeline.offline.job import JobStatus, progress_text

_HEADINGS = ("Class", "Time s", "of all", "First s", "Last s", "Picture", "at most", "Area m²", "at most")
_NOTE = (
    f"A class counts as in view from {SEEN_SHARE:.1%} of the picture on; shares and areas are means over the frames in "
    "which it is, and the largest. Areas are visible surfaces from depth, slant included; parts without depth are not "
    "counted."
)


class RecordingDialog(QDialog):
    """Emits what is wanted; does not stop the window."""

    begin_wanted = Signal(int, bool)  # Every so many-th frame; whether the loaded model labels them.
    stop_wanted = Signal()
    csv_wanted = Signal()

    def __init__(self, recording: Path, frames: int, model: Path | None, has_labels: bool, parent: QWidget) -> None:
        """Fills in what is likely.

        Args:
            recording: The recording.
            frames: Number of its frames.
            model: The loaded model's file, None for none.
            has_labels: Whether the frames have labels of their own.
            parent: The window.
        """
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Statistics of {recording.name}")
        resize_within_screen(self, 760, 520)
        self.recording = recording
        self.result_shown: RecordingStatistics | None = None
        column = QVBoxLayout(self)
        form = QFormLayout()
        self.labels = QComboBox()
        self.labels.setAccessibleName("Labels")
        if has_labels or model is None:
            self.labels.addItem("as recorded", False)
        if model is not None:
            self.labels.addItem(f"predicted by {model.stem}, which is loaded", True)
        form.addRow("Labels", self.labels)
        self.step = SpinBox()
        self.step.setAccessibleName("Only every so many-th frame")
        self.step.setRange(1, max(frames, 1))
        self.step.setPrefix("every ")
        self.step.setSpecialValueText(f"every one, of {frames}")
        self.step.setSuffix(f" frames, of {frames}")
        form.addRow("Frames", self.step)
        column.addLayout(form)
        self.bar = QProgressBar()
        self.bar.setAccessibleName("Progress")
        self.bar.setTextVisible(False)
        self.bar.hide()
        column.addWidget(self.bar)
        self.words = QLabel()
        self.words.setWordWrap(True)
        column.addWidget(self.words)
        self.table = FigureTable(_HEADINGS)
        column.addWidget(self.table, 1)
        note = QLabel(_NOTE)
        note.setObjectName("quiet")
        note.setWordWrap(True)
        column.addWidget(note)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.csv = QPushButton("CSV…")
        self.csv.setEnabled(False)
        self.csv.clicked.connect(self.csv_wanted)
        buttons.addButton(self.csv, QDialogButtonBox.ButtonRole.ActionRole)
        self.count = QPushButton("Count")
        self.count.setObjectName("primary")
        self.count.clicked.connect(self._count_clicked)
        buttons.addButton(self.count, QDialogButtonBox.ButtonRole.ActionRole)
        for button in buttons.buttons():
            assert isinstance(button, QPushButton)
            button.setAutoDefault(button is self.count)  # Return counts, wherever the focus is.
        self.count.setDefault(True)
        buttons.rejected.connect(self.close)
        column.addWidget(buttons)
        name_controls(self)

    def _count_clicked(self) -> None:
        if self.bar.isHidden():
            self.begin_wanted.emit(self.step.value(), bool(self.labels.currentData()))
        else:
            self.stop_wanted.emit()

    def show_status(self, status: JobStatus) -> None:
        """Shows how the job is getting on."""
        running = status.state == "running"
        self.bar.setVisible(running)
        self.bar.setRange(0, status.total)  # 0 frames: busy with something that has no end yet.
        self.bar.setValue(status.done)
        self.count.setText("Stop" if running else "Count")
        self.words.setText(progress_text(status) if running else sentence(status.text))

    def show_result(self, result: RecordingStatistics, shown_name: Callable[[str], str]) -> None:
        """Shows a row for each class.

        Args:
            result: What was counted.
            shown_name: What a class is called on screen.
        """
        self.result_shown = result
        self.csv.setEnabled(True)
        rows = [
            (
                shown_name(one.name),
                f"{one.seconds:.1f}",
                f"{one.share_of_time:.0%}",
                f"{one.first_s:.1f}",
                f"{one.last_s:.1f}",
                f"{one.mean_share:.1%}",
                f"{one.largest_share:.1%}",
                "-" if one.mean_area_m2 is None else f"{one.mean_area_m2:.2f}",
                "-" if one.largest_area_m2 is None else f"{one.largest_area_m2:.2f}",
            )
            for one in result.classes
        ]
        self.table.show_rows(rows)
