"""Asks what to train, on what and from where; says what is wrong while one types, and never stops the window."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QWidget,
)

from rgbd_seg.app.training.plan import TrainingPlan
from rgbd_seg.app.training.start_model import StartModel
from rgbd_seg.app.training.words import duration
from rgbd_seg.app.widgets.file_dialog import MODELS, choose
from rgbd_seg.app.widgets.form_area import FormArea
from rgbd_seg.app.widgets.spin_box import SpinBox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rgbd_seg.app.training.data_survey import DataSurvey
    from rgbd_seg.app.training.pace import Pace

_HEIGHTS = (96, 120, 192, 240, 360, 480)
_NOTHING, _OTHER = "nothing", "other"
_LOOKING = "Looking at the pictures…"
_NO_FOLDER = "Choose a folder of labelled pictures."


class TrainingDialog(QDialog):
    """Emits what is to be looked at, and in the end a plan; receives what was found."""

    folder_wanted = Signal(str)
    start_wanted = Signal(str)  # A model file; "" for nothing to start from.
    plan_made = Signal(object)  # TrainingPlan.
    pace_wanted = Signal(object)  # TrainingPlan.

    def __init__(self, folder: str, starts: Sequence[tuple[str, str]], parent: QWidget) -> None:
        """Fills in what is likely.

        Args:
            folder: The labelled pictures, "" for none yet.
            starts: Models to start from: what people call them, and their files; the first one is proposed.
            parent: The window.
        """
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Train a model")
        self._data: DataSurvey | None = None
        self._start: StartModel | None = None
        self._data_problem = _LOOKING if folder else _NO_FOLDER
        self._start_problem = ""
        self._pace: Pace | None = None
        self._pace_kind = ""
        area = FormArea(self, 500)
        form = area.form
        form.setHorizontalSpacing(12)
        self.name = QLineEdit("my model")
        self.name.textChanged.connect(self._check)
        form.addRow("Name", self.name)
        row = QHBoxLayout()
        self.folder = QLineEdit(folder)
        self.folder.setAccessibleName("Folder of labelled pictures")
        self.folder.setPlaceholderText("a folder with image/, depth/, label/ and labels.json")
        self.folder.editingFinished.connect(self._look_at_folder)
        browse = QPushButton("…")
        browse.setAutoDefault(False)
        browse.setToolTip("Choose the folder")
        browse.clicked.connect(self._browse)
        row.addWidget(self.folder, 1)
        row.addWidget(browse)
        form.addRow("Pictures", row)
        self._about_data = _quiet("What label mode makes, or an export of a recording as “folder”.")
        form.addRow("", self._about_data)
        self.predictions = QCheckBox()
        self.predictions.setAccessibleName("Train on labels that are no truth")
        self.predictions.setToolTip("A network that is trained on another's predictions learns its mistakes as well")
        self.predictions.toggled.connect(self._check)
        form.addRow("", self.predictions)
        self.predictions.hide()
        self.start = QComboBox()
        for text, path in starts:
            self.start.addItem(text, path)
        self.start.addItem("another model file…", _OTHER)
        self.start.addItem("nothing: a small network", _NOTHING)
        self.start.activated.connect(self._choose_start)
        form.addRow("Start from", self.start)
        self._about_start = _quiet("")
        form.addRow("", self._about_start)
        self.classes = QListWidget()
        self.classes.setMaximumHeight(150)
        self.classes.setToolTip("Pixels of classes that are not chosen are left out of the training")
        self.classes.itemChanged.connect(self._check)
        form.addRow("Classes", self.classes)
        form.addRow("", self._make_class_buttons())
        form.addRow("Input size", self._make_size())
        form.addRow("For", self._make_limit())
        self._about_time = _quiet("")
        form.addRow("", self._about_time)
        self._note = QLabel()
        self._note.setWordWrap(True)
        area.column.addWidget(self._note)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.begin = buttons.addButton("Start training", QDialogButtonBox.ButtonRole.AcceptRole)
        self.begin.setObjectName("primary")
        buttons.accepted.connect(self._accept)
        buttons.rejected.connect(self.close)
        area.column.addWidget(buttons)
        self._check()

    def _make_class_buttons(self) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        for text, tip in (("All", "Learn every class"), ("Seen", "Learn those that the pictures hold"), ("None", "")):
            button = QPushButton(text)
            button.setAutoDefault(False)
            button.setToolTip(tip)
            button.clicked.connect(partial(self._pick_classes, text))
            row.addWidget(button)
        row.addStretch(1)
        return holder

    def _make_size(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.size_choice = QComboBox()
        self.size_choice.setAccessibleName("Input size")
        self.size_choice.setToolTip("Smaller is faster, larger sees smaller things")
        self.batch = SpinBox()
        self.batch.setAccessibleName("Pictures a step")
        self.batch.setRange(1, 64)
        self.batch.setValue(8)
        self.batch.setToolTip("Fewer need less memory")
        self.batch.valueChanged.connect(self._check)
        self.size_choice.currentIndexChanged.connect(self._check)
        row.setSpacing(8)
        row.addWidget(self.size_choice, 1)
        row.addWidget(self.batch)
        row.addWidget(QLabel("pictures a step"))
        return row

    def _make_limit(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.amount = SpinBox()
        self.amount.setAccessibleName("How long")
        self.amount.setRange(1, 10_000)
        self.amount.setValue(10)
        self.amount.valueChanged.connect(self._show_time)
        self.unit = QComboBox()
        self.unit.setAccessibleName("In minutes or epochs")
        self.unit.addItems(["minutes", "epochs"])
        self.unit.currentTextChanged.connect(self._show_time)
        self.unit.setToolTip("An epoch goes through all pictures once")
        row.setSpacing(8)
        row.addWidget(self.amount)
        row.addWidget(self.unit)
        row.addWidget(_quiet("It can be stopped earlier, with its best state kept."), 1)
        return row

    # Values in

    def show_data(self, found: DataSurvey | str) -> None:
        """Shows what is in the folder, or why it cannot be used."""
        self._data, self._data_problem = (None, found) if isinstance(found, str) else (found, "")
        self._about_data.setText("" if self._data is None else " ".join((f"{self._data}.", *self._data.notes)))
        if self._data is not None and self.name.text() in ("", "my model"):
            self.name.setText(self._data.folder.name)
        predicted = self._data.predicted if self._data else ""
        self.predictions.setChecked(False)
        self.predictions.setText(f"Train on labels {predicted}, which are no truth")
        self.predictions.setVisible(bool(predicted))
        self._show_classes()
        self._show_sizes()
        self._check()

    def show_start(self, found: StartModel | str | None) -> None:
        """Shows the model to start from, None for nothing, or why it cannot be used."""
        self._start = found if isinstance(found, StartModel) else None
        self._start_problem = found if isinstance(found, str) else ""
        self._show_sizes()
        self._check()

    def show_pace(self, kind: str, pace: Pace | None) -> None:
        """Shows how long it will take, as far as that is known for runs of this kind."""
        if kind == self._pace_kind:
            self._pace = pace
            self._show_time()
            if pace is None:
                self._about_time.setText("How long it takes could not be measured.")

    def show_problem(self, text: str) -> None:
        """Says why the plan cannot be carried out."""
        self._note.setText(text)

    # Hands

    def _browse(self) -> None:
        start = Path(self.folder.text()).parent if self.folder.text() else None
        choose(self, "Folder of labelled pictures", self._take_folder, start=start)

    def _take_folder(self, folder: str) -> None:
        self.folder.setText(folder)
        self._look_at_folder()

    def _look_at_folder(self) -> None:
        if self._data is None or str(self._data.folder) != self.folder.text():
            typed = self.folder.text().strip()
            self._data, self._data_problem = None, _LOOKING if typed else _NO_FOLDER
            self._check()
            if typed:
                self.folder_wanted.emit(typed)

    def _choose_start(self, _index: int) -> None:
        path = self.start.currentData()
        if path == _OTHER:
            choose(self, "Start from", self._take_start, files=MODELS)
            return
        self._start, self._start_problem = None, ""
        self.start_wanted.emit("" if path == _NOTHING else path)

    def _take_start(self, path: str) -> None:
        self.start.insertItem(0, Path(path).name, path)
        self.start.setCurrentIndex(0)
        self._choose_start(0)

    def _pick_classes(self, which: str) -> None:
        shares = self._data.shares if self._data else {}
        for row in range(self.classes.count()):
            item = self.classes.item(row)
            wanted = which == "All" or (which == "Seen" and shares.get(item.data(Qt.ItemDataRole.UserRole), 0) > 0)
            item.setCheckState(Qt.CheckState.Checked if wanted else Qt.CheckState.Unchecked)

    def _show_classes(self) -> None:
        with QSignalBlocker(self.classes):
            self.classes.clear()
            for name, share in self._data.shares.items() if self._data else ():
                text = f"{share:.1%}" if share >= 0.0005 else "hardly any" if share else "not in the pictures"
                item = QListWidgetItem(f"{name.replace('_', ' ')}   {text}")
                item.setData(Qt.ItemDataRole.UserRole, name)
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                item.setCheckState(Qt.CheckState.Checked)
                self.classes.addItem(item)

    def _show_sizes(self) -> None:
        """The start model's own size first, then common ones in the shape of the pictures."""
        sizes: list[tuple[int, int]] = [self._start.size] if self._start else []
        if self._data is not None:
            height, width = self._data.size
            sizes += [(h, max(32, round(h * width / height / 8) * 8)) for h in _HEIGHTS if h <= 2 * height]
        self.size_choice.clear()
        for one in dict.fromkeys(sizes):
            of_model = "   as the model" if self._start and one == self._start.size else ""
            self.size_choice.addItem(f"{one[1]}x{one[0]}{of_model}", one)

    @property
    def chosen_classes(self) -> tuple[str, ...]:
        items = [self.classes.item(row) for row in range(self.classes.count())]
        return tuple(
            str(item.data(Qt.ItemDataRole.UserRole)) for item in items if item.checkState() == Qt.CheckState.Checked
        )

    def _plan(self) -> TrainingPlan | None:
        size = self.size_choice.currentData()
        if self._data is None or self._start_problem or size is None:
            return None
        amount, in_minutes = self.amount.value(), self.unit.currentText() == "minutes"
        return TrainingPlan(
            self.name.text(),
            self._data,
            self._start,
            self.chosen_classes,
            (size[0], size[1]),
            self.batch.value(),
            amount if in_minutes else None,
            None if in_minutes else amount,
            self.predictions.isChecked(),
        )

    def _check(self) -> None:
        plan = self._plan()
        problem = plan.problem if plan else self._start_problem or self._data_problem
        self._note.setText(problem)
        self.begin.setEnabled(plan is not None and not problem)
        if self._start is None:
            self._about_start.setText("")
        elif plan is not None:
            self._about_start.setText(
                "It goes on with the classes it knows."
                if plan.keeps_classes
                else "Its last layer starts anew, because the classes are others."
            )
        if plan is not None and not problem and plan.kind != self._pace_kind:
            self._pace, self._pace_kind = None, plan.kind
            self.pace_wanted.emit(plan)
        self._show_time()

    def _show_time(self) -> None:
        plan = self._plan()
        if plan is None or plan.problem:
            self._about_time.setText("")
        elif self._pace is None:
            self._about_time.setText("Measuring how long this machine takes…")
        else:
            seconds = self._pace.seconds(plan)
            self._about_time.setText(
                f"About {duration(seconds)} until the model is there, as measured on this machine."
            )

    def _accept(self) -> None:
        plan = self._plan()
        if plan is not None and not plan.problem:
            self.plan_made.emit(plan)


def _quiet(text: str) -> QLabel:
    label = QLabel(text)
    label.setObjectName("quiet")
    label.setWordWrap(True)
    return label
