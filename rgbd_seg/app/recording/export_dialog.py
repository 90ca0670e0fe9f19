"""Asks what to export and how, without stopping the window; remembers nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from rgbd_seg.app.typed_path import new_path
from rgbd_seg.app.widgets.file_dialog import MODELS, choose
from rgbd_seg.app.widgets.form_area import FormArea
from rgbd_seg.app.widgets.spin_box import SpinBox
from rgbd_seg.coloring import OPACITY
from rgbd_seg.errors import ConfigurationError
from rgbd_seg.inference.segmenter import SegmenterOptions
from rgbd_seg.pipeline.offline.export_job import ExportPlan
from rgbd_seg.recording.exports.formats import ExportOptions, formats

_LABELS = ("as recorded", "predicted by the loaded model", "predicted by another model…")
_COLORS = (("as the format has it", None), ("PNG: every bit", "png"), ("JPEG: small", "jpg"))
_POINT_COLORS = (("of the camera", "camera"), ("of the labels", "labels"))


class ExportDialog(QDialog):
    """Asks what of a recording to write, where to and in which format; the answer is emitted as one plan."""

    plan_made = Signal(ExportPlan)

    def __init__(
        self,
        source: Path,
        source_options: dict[str, str],
        length: int,
        time_of: Callable[[int], float],
        picked: tuple[int | None, int | None],
        folder: Path,
        model: Path | None,
        options: SegmenterOptions,
        parent: QWidget,
        *,
        opacity: float = OPACITY,
    ) -> None:
        """Fills in what is likely.

        Args:
            source: The recording.
            source_options: Options of its reader.
            length: Number of its frames.
            time_of: Seconds from the first frame to any other.
            picked: First and last frame that were marked on the timeline.
            folder: Where to propose the result.
            model: The loaded model's file, None for none.
            options: How it is run.
            parent: The window.
            opacity: Of labels over colour in the window; a video gets the same.
        """
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Export {source.name}")
        self._source, self._source_options, self._folder = source, source_options, folder
        self._loaded, self._options, self._opacity = model, options, opacity
        self._frames, self._time_of = length, time_of
        self._other: Path | None = None
        self._proposed = ""
        area = FormArea(self, 460)
        self._form = area.form
        self.format = QComboBox()
        for name, one in formats().items():
            self.format.addItem(f"{name}: {one.summary}", name)
        self._form.addRow("As", self.format)
        self._form.addRow("Frames", self._make_range(picked))
        self.labels = QComboBox()
        self.labels.addItems(_LABELS)
        self.labels.activated.connect(self._choose_model)
        self._form.addRow("Labels", self.labels)
        self.color = _choice(_COLORS)
        self._form.addRow("Colour", self.color)
        self.point_colors = _choice(_POINT_COLORS)
        self._form.addRow("Point colours", self.point_colors)
        self.point_step = SpinBox()
        self.point_step.setRange(1, 100)
        self.point_step.setSuffix(" pixels")
        self.point_step.setToolTip("1 makes a point of every pixel, 4 of every fourth one across and down")
        self._form.addRow("A point every", self.point_step)
        self._form.addRow("To", self._make_target())
        self._note = QLabel()
        self._note.setObjectName("quiet")
        self._note.setWordWrap(True)
        area.column.addWidget(self._note)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        export = buttons.addButton("Export", QDialogButtonBox.ButtonRole.AcceptRole)
        export.setObjectName("primary")
        buttons.accepted.connect(self._accept)
        buttons.rejected.connect(self.close)
        area.column.addWidget(buttons)
        self.format.currentIndexChanged.connect(self._show_format)
        self._show_format()

    def _make_range(self, picked: tuple[int | None, int | None]) -> QHBoxLayout:
        length = self._frames
        row = QHBoxLayout()
        self.first, self.last = SpinBox(), SpinBox()
        self.first.setAccessibleName("First frame")
        self.last.setAccessibleName("Last frame")
        for box, mark, usual in ((self.first, picked[0], 0), (self.last, picked[1], length - 1)):
            box.setRange(1, max(length, 1))
            box.setValue((usual if mark is None else mark) + 1)
            box.setMinimumWidth(90)
            box.valueChanged.connect(self._show_length)
        self.step = SpinBox()
        self.step.setRange(1, max(length, 1))
        self.step.setPrefix("every ")
        self.step.setSuffix(" frames")
        self.step.setSpecialValueText("every one")
        self.step.setAccessibleName("Only every so many-th frame")
        self.step.valueChanged.connect(self._show_length)
        self._length = QLabel()
        row.addWidget(self.first)
        row.addWidget(QLabel("to"))
        row.addWidget(self.last)
        row.addWidget(self.step)
        row.addWidget(self._length)
        row.addStretch(1)
        self._show_length()
        return row

    def _make_target(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.target = QLineEdit()
        self.target.setAccessibleName("File or folder to write")
        browse = QPushButton("…")
        browse.setToolTip("Choose the folder")
        browse.clicked.connect(self._browse)
        row.addWidget(self.target, 1)
        row.addWidget(browse)
        return row

    def _show_length(self) -> None:
        """How much the range is, and that it is one."""
        first, last = self.first.value(), self.last.value()
        if first > last:
            self._length.setText("The first must not come after the last.")
            return
        seconds = self._time_of(last - 1) - self._time_of(first - 1)
        taken = (last - first) // self.step.value() + 1
        self._length.setText(f"of {self._frames} frames: {taken} in {seconds:.1f} s")

    def _show_format(self) -> None:
        """What the chosen format can be asked for, and its file."""
        name = str(self.format.currentData())
        for box, names in (
            (self.color, set(formats()) - {"mp4", "ply"}),
            (self.point_colors, {"ply"}),
            (self.point_step, {"ply"}),
        ):
            self._form.setRowVisible(box, name in names)
        self._note.setText("")
        self._propose()
        self.adjustSize()

    def _propose(self) -> None:
        """An unused name; one that was typed keeps its place and changes only its suffix."""
        name = str(self.format.currentData())
        suffix = formats()[name].suffix
        typed = self.target.text().strip()
        if typed and typed != self._proposed:
            path = Path(typed)
            known = {one.suffix for one in formats().values() if one.suffix}
            self.target.setText(str(path.with_suffix(suffix) if path.suffix in known else f"{path}{suffix}"))
            return
        base = self._folder / f"{self._source.stem} {'export' if suffix else name}{suffix}"
        path, number = base, 1
        while os.path.exists(path):
            number += 1
            path = base.with_name(f"{base.stem} {number}{base.suffix}")
        self._proposed = str(path)
        self.target.setText(self._proposed)

    def _browse(self) -> None:
        choose(self, "Export into", self._take_folder, start=self._folder)

    def _take_folder(self, folder: str) -> None:
        self._folder = Path(folder)
        self.target.clear()
        self._propose()

    def _choose_model(self, index: int) -> None:
        if index == 2:
            choose(self, "Model for the labels", self._take_model, files=MODELS)
        elif index == 1 and self._loaded is None:
            self._note.setText("No model is loaded.")
            self.labels.setCurrentIndex(0)

    def _take_model(self, path: str) -> None:
        self._other = Path(path)
        self.labels.setItemText(2, f"predicted by {self._other.name}")

    def _accept(self) -> None:
        model = (None, self._loaded, self._other)[self.labels.currentIndex()]
        if self.labels.currentIndex() and model is None:
            self._note.setText("Choose a model first.")
            return
        if self.first.value() > self.last.value():
            self._note.setText("The first frame must not come after the last.")
            return
        name = str(self.format.currentData())
        suffix, typed = formats()[name].suffix, self.target.text().strip()
        try:
            target = new_path(typed + suffix if typed and not typed.lower().endswith(suffix) else typed, self._folder)
        except ConfigurationError as error:
            self._note.setText(str(error))
            return
        self.plan_made.emit(
            ExportPlan(
                self._source,
                self._source_options,
                self.step.value(),
                model,
                self._options,
                target=target,
                to=name,
                start=self.first.value() - 1,
                stop=self.last.value(),
                written=ExportOptions(
                    color=self.color.currentData(),
                    opacity=self._opacity,
                    cloud_step=self.point_step.value(),
                    cloud_colors=self.point_colors.currentData(),
                ),
            )
        )
        self.close()


def _choice(rows: tuple[tuple[str, str | None], ...]) -> QComboBox:
    """A box that shows the first column and means the second."""
    box = QComboBox()
    for text, value in rows:
        box.addItem(text, value)
    return box
