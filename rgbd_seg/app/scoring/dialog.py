"""Asks which models to score on which labelled frames, and shows the scores; the window goes on meanwhile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QImage, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from rgbd_seg.app.scoring.request import ScoreRequest, ScoreResult
from rgbd_seg.app.typed_path import typed_path
from rgbd_seg.app.widgets.accessible_names import name_controls
from rgbd_seg.app.widgets.dialog_size import resize_within_screen
from rgbd_seg.app.widgets.file_dialog import MODELS, choose
from rgbd_seg.class_matching import parse_mapping
from rgbd_seg.errors import ConfigurationError
from rgbd_seg.pipeline.offline.score_report import worst_picture
from rgbd_seg.pipeline.offline.score_source import SourceScore
from rgbd_seg.pipeline.offline.score_table import occurring, score_rows

_PICTURES_PX = 560  # Four beside each other, with room for their text.
_ROLE = Qt.ItemDataRole.UserRole


class ScoreDialog(QDialog):
    """Emits what is to be scored; receives scores."""

    wanted = Signal(object)  # ScoreRequest.
    cancelled = Signal()
    frame_wanted = Signal(str, int)  # Folder, place of the frame in it.
    report_wanted = Signal()

    def __init__(
        self, folder: str, models: Sequence[tuple[str, str]], ticked: int, held_out: Sequence[str], parent: QWidget
    ) -> None:
        """Fills in what is likely.

        Args:
            folder: The labelled frames, "" for none yet.
            models: What people call them, and their files.
            ticked: How many of them, from the first, are to be scored.
            held_out: Names of the frames that a training has held out, [] where no training is compared.
            parent: The window.
        """
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Score models on labelled frames")
        resize_within_screen(self, 720, 560)
        self._held_out = tuple(held_out)
        self._request: ScoreRequest | None = None
        self._scores: dict[str, SourceScore] = {}
        column = QVBoxLayout(self)
        form = QFormLayout()
        form.setHorizontalSpacing(12)
        row = QHBoxLayout()
        self.folder = QLineEdit(folder)
        self.folder.setPlaceholderText("a labelled folder or recording")
        browse = QPushButton("…")
        browse.setAutoDefault(False)
        browse.setToolTip("Choose the folder")
        browse.clicked.connect(lambda: choose(self, "Folder of labelled frames", self.folder.setText))
        row.addWidget(self.folder, 1)
        row.addWidget(browse)
        form.addRow("Frames", row)
        self.only_held_out = QCheckBox(f"only the {len(held_out)} that the training has held out")
        self.only_held_out.setChecked(bool(held_out))
        self.only_held_out.setVisible(bool(held_out))
        form.addRow("", self.only_held_out)
        row = QHBoxLayout()
        self.models = QListWidget()
        self.models.setMaximumHeight(84)
        self.models.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.models.setToolTip("The models to score")
        for index, (name, path) in enumerate(models):
            self._add(name, path, ticked=index < ticked)
        add = QPushButton("Add…")
        add.setAutoDefault(False)
        add.setToolTip("Add a model file")
        add.clicked.connect(lambda: choose(self, "Score a model", self._add_file, files=MODELS))
        row.addWidget(self.models, 1)
        row.addWidget(add, 0, Qt.AlignmentFlag.AlignTop)
        form.addRow("Models", row)
        self.mapping = QLineEdit()
        self.mapping.setPlaceholderText("classes are matched by name; others: seat=chair,stool; top=table")
        form.addRow("One and the same", self.mapping)
        column.addLayout(form)
        row = QHBoxLayout()
        self.begin = QPushButton("Score")
        self.begin.setObjectName("primary")
        self.begin.clicked.connect(self._begin)
        self.cancel = QPushButton("Stop")
        self.cancel.setToolTip("Ends with what was scored so far")
        self.cancel.setAutoDefault(False)
        self.cancel.clicked.connect(self.cancelled)
        self.report = QPushButton("Save as a page…")
        self.report.setToolTip("An HTML file with the same tables and pictures")
        self.report.setAutoDefault(False)
        self.report.clicked.connect(self.report_wanted)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("How far the scoring is")
        for widget in (self.begin, self.cancel, self.report):
            row.addWidget(widget)
        row.addWidget(self.bar, 1)
        row.addStretch()
        column.addLayout(row)
        self.note = QLabel()
        self.note.setWordWrap(True)
        column.addWidget(self.note)
        column.addWidget(self._make_results(), 1)
        column.addStretch()  # Has the room until there are results.
        name_controls(self)
        self._show_busy(False)

    def _make_results(self) -> QTabWidget:
        self.tabs = QTabWidget()
        self.by_class = _table("IoU by class")
        self.tabs.addTab(self.by_class, "By class")
        for text in ("Confusion", "Worst frames"):
            page = QWidget()
            column = QVBoxLayout(page)
            column.setContentsMargins(0, 6, 0, 0)
            which = QComboBox()
            which.setAccessibleName(f"Model: {text.lower()}")
            column.addWidget(which)
            if text == "Confusion":
                self.confused, self.confusion = which, _table("Rows: truth, columns: prediction, in percent of the row")
                which.currentTextChanged.connect(self._show_confusion)
                column.addWidget(self.confusion, 1)
            else:
                self.worst_of, self.worst = which, QListWidget()
                self.worst.setAccessibleName("The worst frames: picture, labels, prediction, errors in red")
                which.currentTextChanged.connect(self._show_worst)
                self.worst.itemClicked.connect(self._go_to)
                self.worst.setToolTip(
                    "Picture, labels, prediction, errors in red. A click shows the frame in the window"
                )
                column.addWidget(self.worst, 1)
            self.tabs.addTab(page, text)
        self.tabs.hide()
        return self.tabs

    def _add(self, name: str, path: str, *, ticked: bool) -> None:
        taken = {self.models.item(row).text() for row in range(self.models.count())}
        where, number = f"{name} in {Path(path).parent.name}" if name in taken else name, 1
        while where in taken:  # Scores are told apart by these names.
            number += 1
            where = f"{name} ({number})"
        item = QListWidgetItem(where)
        item.setData(_ROLE, path)
        item.setToolTip(path)
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
        self.models.addItem(item)

    def _add_file(self, path: str) -> None:
        self._add(Path(path).name, path, ticked=True)

    # Values in

    def show_progress(self, model: str, part: float) -> None:
        self.bar.setValue(round(part * 1000))
        self.note.setText(f"{model}…")

    def show_problem(self, text: str) -> None:
        self._show_busy(False)
        self.note.setText(text)

    def show_result(self, result: ScoreResult) -> None:
        self._show_busy(False)
        self._scores = dict(result.scores)
        said = [f"{name}: {why}" for name, why in result.problems.items()]
        # As in the table: people's names of classes have no underscores.
        said += [f"{name}: {score.note.replace('_', ' ')}" for name, score in self._scores.items() if score.note]
        self.note.setText("\n".join(said))
        self.report.setVisible(bool(self._scores))
        self.tabs.setVisible(bool(self._scores))
        self._show_by_class()
        for box in (self.confused, self.worst_of):
            box.clear()
            box.addItems(list(self._scores))
            box.setCurrentIndex(box.count() - 1)  # The new one.

    @property
    def scores(self) -> Sequence[SourceScore]:
        return list(self._scores.values())

    def _show_busy(self, busy: bool) -> None:
        self.begin.setEnabled(not busy)
        self.cancel.setVisible(busy)
        self.bar.setVisible(busy)
        if busy or not self._scores:
            self.report.hide()

    def _show_by_class(self) -> None:
        names, scores = list(self._scores), self.scores
        rows, change = score_rows(scores) if scores else [], len(scores) == 2
        table = self.by_class
        table.setColumnCount(len(names) + change)
        table.setRowCount(len(rows))
        table.setHorizontalHeaderLabels([*names, "change"] if change else names)
        table.setVerticalHeaderLabels([row.name.replace("_", " ") for row in rows])
        for number, row in enumerate(rows):
            for place, value in enumerate(row.values):
                table.setItem(number, place, _cell("–" if math.isnan(value) else f"{value:.3f}"))
            if change:
                by = row.values[1] - row.values[0] if row.is_fair else math.nan
                table.setItem(number, 2, _cell("–" if math.isnan(by) else f"{by:+.3f}"))
        frames = ", ".join(str(count) for count in dict.fromkeys(one.frames for one in scores))
        self.tabs.setTabText(0, f"By class ({frames} frames)")
        table.resizeColumnsToContents()

    def _show_confusion(self, model: str) -> None:
        score, table = self._scores.get(model), self.confusion
        if score is None:
            table.setRowCount(0)
            return
        there = occurring(score)
        names = [score.matching.names[place - 1].replace("_", " ") for place in there]
        table.setRowCount(len(names))
        table.setColumnCount(len(names) + 1)
        table.setVerticalHeaderLabels(names)
        table.setHorizontalHeaderLabels([*names, "none of them"])
        accent = self.palette().highlight().color()
        for row, place in enumerate(there):
            counts = score.matrix[place, [*there, 0]].tolist()
            total = max(sum(counts), 1)
            for column, count in enumerate(counts):
                item = _cell(f"{100 * count / total:.0f}")
                shade = QColor(accent)
                shade.setAlphaF(0.7 * count / total)
                item.setBackground(shade)
                table.setItem(row, column, item)
        table.resizeColumnsToContents()

    def _show_worst(self, model: str) -> None:
        self.worst.clear()
        score = self._scores.get(model)
        if score is None:
            return
        for one in score.worst:
            frame = one.segmentation.frame
            pixels = worst_picture(score, one, round(_PICTURES_PX / 4 * frame.height / frame.width))
            height, width = pixels.shape[:2]
            image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
            self.worst.setIconSize(QSize(width, height))
            text = f"frame {one.index}\nmean IoU {one.mean_iou:.3f}\n{one.wrong.mean():.0%} wrong"
            item = QListWidgetItem(QIcon(QPixmap.fromImage(image)), text)
            item.setData(_ROLE, one.position)
            self.worst.addItem(item)

    # Hands

    def _begin(self) -> None:
        items = [self.models.item(row) for row in range(self.models.count())]
        models = [(one.text(), Path(one.data(_ROLE))) for one in items if one.checkState() == Qt.CheckState.Checked]
        folder = self.folder.text().strip()
        try:
            mapping = parse_mapping([part.strip() for part in self.mapping.text().split(";") if part.strip()])
        except ConfigurationError:
            self.note.setText("One and the same: NAME=CLASS,CLASS; and so on, with names of the models and the labels.")
            return
        if not folder or not models:
            self.note.setText("Choose a labelled folder." if not folder else "Tick at least one model.")
            return
        only = self._held_out if self.only_held_out.isChecked() else ()
        try:
            self._request = ScoreRequest(typed_path(folder), models, mapping, only)
        except ConfigurationError as error:
            self.note.setText(str(error))
            return
        self._show_busy(True)
        self.wanted.emit(self._request)

    def _go_to(self, item: QListWidgetItem) -> None:
        if self._request is not None:
            self.frame_wanted.emit(str(self._request.folder), item.data(_ROLE))

    def reject(self) -> None:
        """Escape and the closing cross end what is running."""
        self.cancelled.emit()
        super().reject()


def _table(name: str) -> QTableWidget:
    table = QTableWidget()
    table.setAccessibleName(name)
    table.setToolTip(name)
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    return table


def _cell(text: str) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return item
