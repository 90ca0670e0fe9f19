"""The bar at the top: source, model, number of views, snapshot, record, menu."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QMenu, QSizePolicy, QToolBar, QToolButton, QWidget

from rgbd_seg.app.widgets.icons import dress
from rgbd_seg.app.widgets.theme import Theme

_LONGEST_NAME, _LONGEST_NARROW_NAME = 34, 12
_NARROW_PX = 760  # Below this width names are short and the record button is its dot, so that the menu stays in sight.
_LONGEST_RECORDING = "00:00  000 MB"


class TopBar(QToolBar):
    """Buttons only; emits what is wanted."""

    views_wanted = Signal(int)
    record_wanted = Signal()
    snapshot_wanted = Signal()

    undo_wanted = Signal()

    def __init__(self, theme: Theme, source_menu: QMenu, model_menu: QMenu, undo_menu: QMenu, main_menu: QMenu) -> None:
        super().__init__("Main bar")
        self.setObjectName("top bar")
        self.setMovable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.setIconSize(QSize(20, 20))
        self._theme = theme
        self._narrow = False
        self._names = ("", "")  # Of source and model.
        self.source = self._wide("camera", "No source", "Choose what to look at", source_menu)
        self.model = self._wide("model", "No model", "Choose what segments it", model_menu)
        spacer = QWidget()
        spacer.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(spacer)
        self._views = QButtonGroup(self)
        for count in (1, 2, 4):
            button = self._flat(f"layout-{count}", f"{count} view{'s' if count > 1 else ''}  {count}")
            button.setCheckable(True)
            self._views.addButton(button, count)
        self._views.idClicked.connect(self.views_wanted)
        self.undo = self._flat("undo", "")
        self.undo.setMenu(undo_menu)
        self.undo.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.undo.clicked.connect(self.undo_wanted)
        self.show_undo(())
        self._flat("snapshot", "Save a snapshot  S").clicked.connect(self.snapshot_wanted)
        self.record = QToolButton()
        self.record.setObjectName("record")
        self.record.setCheckable(True)
        dress(self.record, "record", "record", theme, "#ffffff")
        self.record.setToolTip("Record the source into a file  R")
        self.record.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.record.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.record.clicked.connect(self._record_clicked)
        self.addWidget(self.record)
        self.record.setText(_LONGEST_RECORDING)
        self.record.ensurePolished()
        self._record_px = self.record.sizeHint().width()
        self.record.setMinimumWidth(self._record_px)  # The buttons beside it are to stay where they are.
        self.record.setText("Record")
        self.menu = self._flat("menu", "Menu  F10 or Alt")
        self.menu.setMenu(main_menu)
        self.menu.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    def _wide(self, picture: str, text: str, tip: str, menu: QMenu) -> QToolButton:
        button = QToolButton()
        button.setObjectName("wide")
        dress(button, picture, "quiet", self._theme)
        button.setText(f"{text} ▾")
        button.setToolTip(tip)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setMenu(menu)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.addWidget(button)
        return button

    def _flat(self, picture: str, tip: str) -> QToolButton:
        button = QToolButton()
        dress(button, picture, "text", self._theme)
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.addWidget(button)
        return button

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Says less where there is little room."""
        super().resizeEvent(event)
        narrow = self.width() < _NARROW_PX
        if narrow != self._narrow:
            self._narrow = narrow
            style = Qt.ToolButtonStyle
            self.record.setToolButtonStyle(style.ToolButtonIconOnly if narrow else style.ToolButtonTextBesideIcon)
            self.record.setMinimumWidth(0 if narrow else self._record_px)
            self.show_source(self._names[0])
            self.show_model(self._names[1])

    def _record_clicked(self) -> None:
        self.record.setChecked(not self.record.isChecked())  # The state is shown by `show_recording`, not by the click.
        self.record_wanted.emit()

    def show_source(self, name: str) -> None:
        self._names = (name, self._names[1])
        self.source.setText(f"{self._short(name) or 'No source'} ▾")

    def show_model(self, name: str) -> None:
        self._names = (self._names[0], name)
        self.model.setText(f"{self._short(name) or 'No model'} ▾")

    def show_undo(self, steps: Sequence[str]) -> None:
        """Shows what can be taken back, newest first."""
        self.undo.setEnabled(bool(steps))
        self.undo.setToolTip(f"Undo {steps[0]}  Ctrl+Z" if steps else "Nothing to undo")

    def show_views(self, count: int) -> None:
        button = self._views.button(count)
        if button is not None:
            button.setChecked(True)

    def show_recording(self, text: str, possible: bool) -> None:
        """Shows time and size of the running recording, "" for none, and whether one could begin."""
        self.record.setChecked(bool(text))
        self.record.setText(text or "Record")
        self.record.setEnabled(bool(text) or possible)

    def _short(self, name: str) -> str:
        longest = _LONGEST_NARROW_NAME if self._narrow else _LONGEST_NAME
        return name if len(name) <= longest else f"{name[: longest - 1]}…"
