"""What is seen while no source is open: three large choices, what was used lately, and where to drop a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from rgbd_seg.app.icons import icon
from rgbd_seg.app.source_names import short_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rgbd_seg.app.theme import Theme


class Welcome(QWidget):
    """The empty state."""

    camera_wanted = Signal()
    file_wanted = Signal()
    folder_wanted = Signal()
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
        choices = QHBoxLayout()
        choices.setSpacing(16)
        choices.addStretch(1)
        self._camera = self._choice(theme, "camera", "Camera", "the first one that is plugged in")
        self._camera.clicked.connect(self.camera_wanted)
        file = self._choice(theme, "file", "Recording", "a .mcap file")
        file.clicked.connect(self.file_wanted)
        folder = self._choice(theme, "folder", "Folder", "SUN RGB-D, TUM, picture pairs")
        folder.clicked.connect(self.folder_wanted)
        room = self._choice(theme, "room", "Synthetic room", "no camera needed")
        room.clicked.connect(lambda: self.source_wanted.emit("synthetic:"))
        for button in (self._camera, file, folder, room):
            choices.addWidget(button)
        choices.addStretch(1)
        column.addLayout(choices)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        column.addLayout(self._recent)
        drop = QLabel("or drop a recording, a folder or a model here")
        drop.setObjectName("quiet")
        drop.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(drop)
        column.addStretch(3)

    def _choice(self, theme: Theme, picture: str, name: str, about: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName("wide")
        button.setIcon(icon(picture, theme.accent))
        button.setIconSize(QSize(40, 40))
        button.setText(f"\n{name}")
        button.setToolTip(f"{name}: {about}")
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setFixedSize(150, 130)
        return button

    def show_recent(self, uris: Sequence[str]) -> None:
        """Offers what was used lately."""
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
