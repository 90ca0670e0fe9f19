"""The panel of measurements: a table by class, and a switch that logs it to a CSV file."""

from __future__ import annotations

import csv
import time
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from rgbd_seg.app.statistics.figure_table import FigureTable

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.measurements import Measurement
    from rgbd_seg.selection import Selection

_NOTE = "Surface and boxes come from depth; parts without depth are not counted."
_HEADINGS = ("Class", "Near m", "Area m²", "Box m")
_CSV_HEADINGS = (
    "time_s",
    "frame",
    "class",
    "nearest_m",
    "area_m2",
    "x_low_m",
    "y_low_m",
    "z_low_m",
    "x_high_m",
    "y_high_m",
    "z_high_m",
)


class MeasurementLog:
    """A CSV file that grows by one row for each class and measured frame."""

    def __init__(self, path: Path) -> None:
        """Creates the file.

        Raises:
            OSError: It cannot be written.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("x", newline="", encoding="utf-8")
        self._writer: Any = csv.writer(self._file)
        self._writer.writerow(_CSV_HEADINGS)
        self._began = time.monotonic()

    def add(self, frame_index: int, measurements: tuple[Measurement, ...]) -> None:
        """Appends a frame and hands it to the system."""
        seconds = f"{time.monotonic() - self._began:.3f}"
        for one in measurements:
            values = (one.nearest_m, one.area_m2, *one.low_m, *one.high_m)
            self._writer.writerow([seconds, frame_index, one.name, *(f"{value:.4f}" for value in values)])
        self._file.flush()

    def close(self) -> None:
        self._file.close()


class MeasurePanel(QWidget):
    """Shows measurements; emits whether they are to be logged."""

    log_wanted = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        self.table = FigureTable(_HEADINGS)
        self.table.verticalHeader().setDefaultSectionSize(24)
        font = self.table.font()
        font.setPixelSize(12)
        self.table.setFont(font)
        self.table.horizontalHeader().setMinimumSectionSize(36)
        self.table.horizontalHeader().setToolTip("Nearest point; visible surface; width, height and depth of the box")
        layout.addWidget(self.table, 1)
        self._selection = QLabel()
        self._selection.setWordWrap(True)
        self._selection.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._selection.hide()
        layout.addWidget(self._selection)
        self._note = QLabel(_NOTE)
        self._note.setObjectName("quiet")
        self._note.setWordWrap(True)
        layout.addWidget(self._note)
        self.log = QPushButton("Log to CSV")
        self.log.setCheckable(True)
        self.log.setToolTip("Writes these figures twice a second into a file beside the recordings")
        self.log.clicked.connect(self.log_wanted)
        layout.addWidget(self.log)

    def show_measurements(self, measurements: tuple[Measurement, ...]) -> None:
        rows, tips = [], []
        for one in measurements:
            box = "x".join(f"{side:.1f}" for side in one.size_m)
            rows.append((one.name.replace("_", " "), f"{one.nearest_m:.2f}", f"{one.area_m2:.2f}", box))
            sides = " x ".join(f"{side:.3f}" for side in one.size_m)
            tips.append(f"nearest {one.nearest_m:.3f} m, area {one.area_m2:.3f} m², box {sides} m")
        self.table.show_rows(rows, tips)

    def show_selection(self, selection: Selection | None) -> None:
        """Says what was measured of the selection, and what that assumes; None for no selection."""
        self._selection.setVisible(selection is not None)
        text = f"Selection: {selection.explained()}" if selection is not None else ""
        if text != self._selection.text():
            self._selection.setText(text)

    def show_logging(self, path: Path | None) -> None:
        """Shows where figures are being written, None for nowhere."""
        self.log.setChecked(path is not None)
        self.log.setText("Stop logging" if path else "Log to CSV")
        self._note.setText(f"Logging to {path.name}." if path else _NOTE)
        self._note.setToolTip(str(path or ""))
