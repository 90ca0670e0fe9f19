"""What is seen while no source is open: four large choices, what was used lately, and where to drop a file."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rgbd_seg.app.source.names import short_name
from rgbd_seg.app.widgets.icons import dress
from rgbd_seg.app.widgets.theme import Theme

_SIGN_PX = 36
_CHOICE_PX, _NARROW_CHOICE_PX = (164, 140), 136
_SPACING_PX = 12


class _Choice(QPushButton):
    """A large button with a picture, a name and what it means."""

    def __init__(self, theme: Theme, picture: str, name: str, about: str) -> None:
        super().__init__()
        self.setObjectName("choice")
        self.setAccessibleName(f"{name}: {about}")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setMaximumWidth(_CHOICE_PX[0])
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 16, 8, 12)
        column.setSpacing(6)
        sign, title, words = QLabel(), QLabel(name), QLabel(about)
        dress(sign, picture, "accent", theme, side=_SIGN_PX)
        words.setObjectName("quiet")
        words.setWordWrap(True)
        for label in (sign, title, words):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            column.addWidget(label)
        column.addStretch(1)

    def sizeHint(self) -> QSize:
        return QSize(*_CHOICE_PX)

    def minimumSizeHint(self) -> QSize:
        """Four of them beside each other fit a window of 640 pixels."""
        return QSize(_NARROW_CHOICE_PX, _CHOICE_PX[1])


class Welcome(QWidget):
    """The page while no source is open: cameras that were found, files, and what was used lately."""

    camera_wanted = Signal()
    file_wanted = Signal()
    folder_wanted = Signal()
    picker_wanted = Signal()
    source_wanted = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setSpacing(16)
        column.addStretch(2)
        title = QLabel("What do you want to look at?")
        title.setObjectName("title")
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(title)
        self._camera = _Choice(theme, "camera", "Camera", "the first one that is plugged in")
        self._camera.clicked.connect(self.camera_wanted)
        file = _Choice(theme, "file", "Recording", "a .mcap file, with every frame")
        file.clicked.connect(self.file_wanted)
        folder = _Choice(theme, "folder", "Folder", "SUN RGB-D, TUM or pairs of pictures")
        folder.clicked.connect(self.folder_wanted)
        room = _Choice(theme, "room", "Synthetic room", "built in, with exact labels")
        room.clicked.connect(lambda: self.source_wanted.emit("synthetic:"))
        self._choices = (self._camera, file, folder, room)
        self._grid = QGridLayout()
        self._grid.setSpacing(_SPACING_PX)
        self._across = 0
        self._place_choices(len(self._choices))
        row = QHBoxLayout()
        row.addStretch(1)
        row.addLayout(self._grid, 100)  # No wider than its buttons want to be.
        row.addStretch(1)
        column.addLayout(row)
        more = QToolButton()
        more.setText("Any source, with its options…")
        more.setToolTip("Kinds of rooms, cameras by name, topics of a bag  Ctrl+U")
        more.clicked.connect(self.picker_wanted)
        column.addWidget(more, 0, Qt.AlignmentFlag.AlignHCenter)
        self._uris: tuple[str, ...] = ()
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        column.addLayout(self._recent)
        drop = QLabel("or drop a recording, a folder or a model here")
        drop.setObjectName("quiet")
        drop.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(drop)
        column.addStretch(3)

    def minimumSizeHint(self) -> QSize:
        """Two choices beside each other, as in a narrow window."""
        return QSize(2 * _NARROW_CHOICE_PX + 3 * _SPACING_PX, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Two rows of choices where one is too wide."""
        super().resizeEvent(event)
        many = len(self._choices)
        self._place_choices(many if self.width() >= many * (_NARROW_CHOICE_PX + _SPACING_PX) + _SPACING_PX else 2)

    def _place_choices(self, across: int) -> None:
        if across != self._across:
            self._across = across
            for place, button in enumerate(self._choices):
                self._grid.addWidget(button, *divmod(place, across))

    def show_recent(self, uris: Sequence[str]) -> None:
        if tuple(uris) == self._uris:
            return
        self._uris = tuple(uris)
        while (item := self._recent.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        for uri in list(uris)[:4]:
            button = QToolButton()
            button.setText(short_name(uri))
            button.setToolTip(uri)
            button.clicked.connect(lambda _checked, u=uri: self.source_wanted.emit(u))
            self._recent.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
