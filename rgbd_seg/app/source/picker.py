"""The dialog that opens any source: its name with what was used lately, and every option that such a source has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from rgbd_seg.app.notices import sentence
from rgbd_seg.app.source.names import short_name
from rgbd_seg.app.widgets.accessible_names import name_controls
from rgbd_seg.app.widgets.dialog_size import resize_within_screen
from rgbd_seg.app.widgets.file_dialog import RECORDINGS, choose
from rgbd_seg.errors import RgbdSegError
from rgbd_seg.sensors import parse_uri
from rgbd_seg.sensors.options import SourceOption, options_of, problem_of, with_option
from rgbd_seg.sensors.sensor import SensorInfo

_LOOK_AFTER_MS = 150  # Of quiet in the field: then the file is looked for.
_ABOUT = (
    "A file or folder, or the name of a source: synthetic:?room=kitchen, realsense:, openni:, kinect1:0, kinect2:, "
    "azure:. Options follow after a question mark."
)


class SourcePicker(QDialog):
    """Emits the name of a source with its options. The name is what counts: fields change it, and follow it."""

    source_wanted = Signal(str)

    def __init__(
        self, uri: str, devices: Sequence[SensorInfo], recent: Sequence[str], folder: Path, parent: QWidget
    ) -> None:
        """Shows what is likely.

        Args:
            uri: The source that is open, "" for none.
            devices: What is plugged in.
            recent: What was used lately.
            folder: Where files are looked for.
            parent: The window.
        """
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Open a source")
        resize_within_screen(self, 580, 480)
        self._folder = folder
        self._offered: tuple[SourceOption, ...] | None = None
        self._fields: dict[str, QComboBox | QLineEdit] = {}
        column = QVBoxLayout(self)
        column.addLayout(self._make_starts(devices, folder))
        self.name = QLineEdit()
        self.name.setAccessibleName("Source: a file, a folder, or a name such as synthetic:")
        self.name.setPlaceholderText("synthetic:?room=kitchen, realsense:, /home/me/walk.mcap …")
        self.name.setClearButtonEnabled(True)
        self.name.textChanged.connect(self._name_changed)
        known = list(dict.fromkeys([*recent, *(device.uri for device in devices), "synthetic:"]))
        completer = QCompleter(known, self)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setMaxVisibleItems(10)
        popup = completer.popup()
        assert popup is not None
        popup.setStyleSheet("QAbstractItemView { border: 1px solid #4f9cf9; padding: 4px; }")
        self.name.setCompleter(completer)
        column.addWidget(self.name)
        self.problem = QLabel()
        self.problem.setWordWrap(True)
        self.problem.setMinimumHeight(2 * self.problem.fontMetrics().lineSpacing())
        self.problem.setAlignment(Qt.AlignmentFlag.AlignTop)
        column.addWidget(self.problem)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setMinimumHeight(80)
        column.addWidget(self._area, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.open_button = buttons.addButton("Open", QDialogButtonBox.ButtonRole.AcceptRole)
        self.open_button.setObjectName("primary")
        self.open_button.setDefault(True)
        buttons.accepted.connect(self._accept)
        buttons.rejected.connect(self.close)
        column.addWidget(buttons)
        self._look = QTimer(self)
        self._look.setSingleShot(True)
        self._look.setInterval(_LOOK_AFTER_MS)
        self._look.timeout.connect(self.check)
        name_controls(self)
        self.name.setText(uri or "synthetic:")
        self.name.selectAll()
        self.name.setFocus()
        self.check()
        name_controls(self)

    def _make_starts(self, devices: Sequence[SensorInfo], folder: Path) -> QHBoxLayout:
        row = QHBoxLayout()
        cameras = [device for device in devices if device.kind == "camera"]
        for text, uri in (*((device.name, device.uri) for device in cameras[:3]), ("Synthetic room", "synthetic:")):
            button = QPushButton(text)
            button.setToolTip(uri)
            button.clicked.connect(lambda _checked, u=uri: self.name.setText(u))
            row.addWidget(button)
        file, directory = QPushButton("File…"), QPushButton("Folder…")
        file.clicked.connect(lambda: choose(self, "A recording", self.name.setText, files=RECORDINGS, start=folder))
        directory.clicked.connect(lambda: choose(self, "A folder with frames", self.name.setText, start=folder))
        row.addWidget(file)
        row.addWidget(directory)
        row.addStretch(1)
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(False)  # Return opens.
        return row

    @property
    def uri(self) -> str:
        return self.name.text().strip()

    def _name_changed(self) -> None:
        self._look.start()
        self.problem.setText("")

    def check(self) -> bool:
        """Shows the options that the source has, and what is wrong with its name; whether nothing is."""
        self._look.stop()
        uri = self.uri
        problem = problem_of(uri) if uri else ""
        try:
            self._show_options(uri, options_of(uri) if uri else ())
        except OSError as error:
            problem = problem or f"{error.filename} cannot be read: {error.strerror or error}"
        except (RgbdSegError, ValueError, RuntimeError) as error:
            problem = problem or str(error)
        self.problem.setText(sentence(problem) if problem else _ABOUT if not uri else short_name(uri))
        self.problem.setObjectName("" if problem else "quiet")
        self.problem.setStyleSheet("color: #e5484d;" if problem else "")
        self.open_button.setEnabled(bool(uri) and not problem)
        return bool(uri) and not problem

    def _show_options(self, uri: str, offered: tuple[SourceOption, ...]) -> None:
        if offered != self._offered:
            self._offered = offered
            self._fields = {}
            inner = QWidget()
            form = QFormLayout(inner)
            form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
            for option in offered:
                field = self._make_field(option)
                self._fields[option.name] = field
                form.addRow(option.label, field)
            if not offered:
                form.addRow(QLabel("A source like this has no options here; its controls are in the source panel."))
            self._area.setWidget(inner)
            name_controls(inner)
        values = parse_uri(uri).options if uri else {}
        for name, field in self._fields.items():
            _show_value(field, values.get(name, ""))

    def _make_field(self, option: SourceOption) -> QComboBox | QLineEdit:
        if option.choices:
            box = QComboBox()
            box.setAccessibleName(option.label)
            box.addItem(f"as usual: {option.usual}", "")
            for value, words in option.choices:
                box.addItem(words, value)
            box.activated.connect(lambda: self._set(option.name, str(box.currentData())))
            return box
        line = QLineEdit()
        line.setAccessibleName(f"{option.label}, usually {option.usual}")
        line.setPlaceholderText(f"{option.usual}   ({option.example})")
        line.textEdited.connect(lambda text: self._set(option.name, text.strip()))
        return line

    def _set(self, name: str, value: str) -> None:
        try:
            self.name.setText(with_option(self.uri, name, value))
        except RgbdSegError as error:
            self.problem.setText(sentence(str(error)))

    def _accept(self) -> None:
        if self.check():
            self.source_wanted.emit(self.uri)
            self.close()


def _show_value(field: QComboBox | QLineEdit, value: str) -> None:
    """Shows what the name says; a value that is not among the choices becomes one, to be refused where it is read."""
    if isinstance(field, QComboBox):
        if field.findData(value) < 0:
            field.addItem(value, value)
        field.setCurrentIndex(field.findData(value))
    elif field.text().strip() != value:
        field.setText(value)
