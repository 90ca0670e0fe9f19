"""Asks what to export and how, without stopping the window; remembers nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from rgbd_seg.app.export_job import ExportPlan
from rgbd_seg.app.file_dialog import MODELS, choose
from rgbd_seg.recording.export import FORMATS

if TYPE_CHECKING:
    from rgbd_seg.inference.segmenter import SegmenterOptions

_LABELS = ("as recorded", "predicted by the loaded model", "predicted by another model…")


class ExportDialog(QDialog):
    """Emits a plan."""

    plan_made = Signal(ExportPlan)

    def __init__(
        self,
        source: Path,
        source_options: dict[str, str],
        length: int,
        picked: tuple[int | None, int | None],
        folder: Path,
        model: Path | None,
        options: SegmenterOptions,
        parent: QWidget,
    ) -> None:
        """Fills in what is likely.

        Args:
            source: The recording.
            source_options: Options of its reader.
            length: Number of its frames.
            picked: First and last frame that were marked on the timeline.
            folder: Where to propose the result.
            model: The loaded model's file, None for none.
            options: How it is run.
            parent: The window.
        """
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Export")
        self.setMinimumWidth(480)
        self._source, self._source_options, self._folder = source, source_options, folder
        self._loaded, self._options = model, options
        self._other: Path | None = None
        form = QFormLayout(self)
        self.format = QComboBox()
        for name, one in FORMATS.items():
            self.format.addItem(f"{name}: {one.summary}", name)
        self.format.currentIndexChanged.connect(self._propose)
        form.addRow("As", self.format)
        row = QHBoxLayout()
        self.first, self.last = QSpinBox(), QSpinBox()
        for box, value in ((self.first, picked[0]), (self.last, picked[1])):
            box.setRange(1, max(length, 1))
            box.setValue((0 if box is self.first else length - 1) + 1 if value is None else value + 1)
            row.addWidget(box)
        row.addWidget(QLabel(f"of {length} frames"))
        row.addStretch(1)
        form.addRow("Frames", row)
        self.labels = QComboBox()
        self.labels.addItems(_LABELS)
        self.labels.activated.connect(self._choose_model)
        form.addRow("Labels", self.labels)
        target = QHBoxLayout()
        self.target = QLineEdit()
        browse = QPushButton("…")
        browse.clicked.connect(self._browse)
        target.addWidget(self.target, 1)
        target.addWidget(browse)
        form.addRow("To", target)
        self._note = QLabel()
        self._note.setObjectName("quiet")
        self._note.setWordWrap(True)
        form.addRow(self._note)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        export = buttons.addButton("Export", QDialogButtonBox.ButtonRole.AcceptRole)
        export.setObjectName("primary")
        buttons.accepted.connect(self._accept)
        buttons.rejected.connect(self.close)
        form.addRow(buttons)
        self._propose()

    def _propose(self) -> None:
        name = str(self.format.currentData())
        base = self._folder / f"{self._source.stem} {name}{FORMATS[name].suffix}"
        path, number = base, 1
        while path.exists():
            number += 1
            path = base.with_name(f"{base.stem} {number}{base.suffix}")
        self.target.setText(str(path))

    def _browse(self) -> None:
        choose(self, "Export into", self._take_folder, start=self._folder)

    def _take_folder(self, folder: str) -> None:
        self._folder = Path(folder)
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
        target = Path(self.target.text()).expanduser()
        if not self.target.text().strip() or target.exists():
            self._note.setText("Name a new file or folder: nothing is ever overwritten.")
            return
        self.plan_made.emit(
            ExportPlan(
                self._source,
                self._source_options,
                target,
                str(self.format.currentData()),
                self.first.value() - 1,
                self.last.value(),
                model,
                self._options,
            )
        )
        self.close()
