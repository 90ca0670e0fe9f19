"""Asks for labels of another tool and what their classes become; the window goes on meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from rgbd_seg.app.widgets.accessible_names import name_controls
from rgbd_seg.app.widgets.dialog_size import resize_within_screen
from rgbd_seg.app.widgets.file_dialog import LABELS, choose
from rgbd_seg.labelling.annotations import FORMATS
from rgbd_seg.labelling.annotations.annotations import DOUBTFUL_NAMES
from rgbd_seg.labels import LabelSet

_VOID, _ASK = "void: nothing is known there", "choose…"


class ImportDialog(QDialog):
    """Emits a path, and then what is to be imported; receives the classes that were found."""

    path_wanted = Signal(object, object)  # Path, name of a format or None to find it out.
    import_wanted = Signal(object, bool)  # Our name by theirs, "" for void; whether labels that are there are replaced.

    def __init__(self, ours: LabelSet | None, parent: QWidget) -> None:
        """Nothing is chosen yet.

        Args:
            ours: The classes of the data set, None where it has none yet.
            parent: The page of label mode.
        """
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Import labels of another tool")
        resize_within_screen(self, 560, 420)
        self._ours = ours.names if ours else ()
        self._theirs: tuple[str, ...] = ()
        column = QVBoxLayout(self)
        row = QHBoxLayout()
        self.path = QLineEdit()
        self.path.setPlaceholderText("a file or folder of CVAT, COCO, labelme, Pascal VOC, or PNGs")
        self.path.returnPressed.connect(self._look)
        self.format = QComboBox()
        self.format.setToolTip("Format of the labels")
        self.format.addItem("any format", None)
        for name in FORMATS:
            self.format.addItem(name, name)
        self.format.activated.connect(self._look)
        row.addWidget(self.path, 1)
        row.addWidget(self.format)
        for text, tip, files in (("File…", "Choose a file", LABELS), ("Folder…", "Choose a folder", "")):
            button = QPushButton(text)
            button.setToolTip(tip)
            button.setAutoDefault(False)
            button.clicked.connect(lambda _=False, tip=tip, files=files: choose(self, tip, self._take, files=files))
            row.addWidget(button)
        column.addLayout(row)
        self.classes = QTableWidget(0, 2)
        self.classes.setAccessibleName("Their classes and what they become")
        self.classes.setHorizontalHeaderLabels(["Their class", "becomes"])
        self.classes.verticalHeader().hide()
        self.classes.horizontalHeader().setStretchLastSection(True)
        self.classes.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        column.addWidget(self.classes, 1)
        self.replace = QCheckBox("also frames that have labels already; those are kept in backup/")
        column.addWidget(self.replace)
        self.note = QLabel()
        self.note.setWordWrap(True)
        column.addWidget(self.note)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.begin = buttons.addButton("Import", QDialogButtonBox.ButtonRole.AcceptRole)
        self.begin.setObjectName("primary")
        self.begin.setAutoDefault(False)
        buttons.accepted.connect(lambda: self.import_wanted.emit(self.mapping, self.replace.isChecked()))
        buttons.rejected.connect(self.close)
        column.addWidget(buttons)
        name_controls(self)
        self._check()

    # Values in

    def show_classes(self, names: Sequence[str]) -> None:
        """Shows the classes that were found; each keeps its name unless something else is chosen."""
        table = self.classes
        self._theirs = ()
        table.setRowCount(0)
        table.setRowCount(len(names))
        for row, name in enumerate(names):
            table.setItem(row, 0, QTableWidgetItem(name))
            box = QComboBox()
            box.setEditable(True)
            box.setAccessibleName(f"What {name} becomes")
            doubtful = name.lower() in DOUBTFUL_NAMES
            box.addItems([*([_ASK] if doubtful else []), *dict.fromkeys([name, *self._ours]), _VOID])
            table.setCellWidget(row, 1, box)
            box.currentTextChanged.connect(self._check)
        self._theirs = tuple(names)
        table.resizeColumnToContents(0)
        self.note.setText("")
        self._check()

    def show_problem(self, text: str) -> None:
        self._theirs = ()
        self.classes.setRowCount(0)
        self._check()
        self.note.setText(text)

    @property
    def mapping(self) -> dict[str, str]:
        """Our name by theirs, "" for void."""
        chosen = [self._box(row).currentText().strip() for row in range(self.classes.rowCount())]
        return {one: "" if ours in (_VOID, "") else ours for one, ours in zip(self._theirs, chosen, strict=True)}

    # Hands

    def _take(self, path: str) -> None:
        self.path.setText(path)
        self._look()

    def _look(self) -> None:
        if self.path.text().strip():
            self.note.setText("Looking at the labels…")
            self.path_wanted.emit(Path(self.path.text().strip()).expanduser(), self.format.currentData())

    def _check(self) -> None:
        mapping = self.mapping
        asked = [theirs for theirs, ours in mapping.items() if ours == _ASK]
        if asked:
            self.note.setText(f"Say what “{asked[0]}” is: a class to be learned like the others, or void.")
        elif mapping:
            self.note.setText("")
        self.begin.setEnabled(bool(mapping) and not asked and any(mapping.values()))

    def _box(self, row: int) -> QComboBox:
        box = self.classes.cellWidget(row, 1)
        assert isinstance(box, QComboBox)
        return box
