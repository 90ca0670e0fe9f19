"""The title of a panel: its name, and a cross to hide it. Dragging it moves the panel, as with Qt's own."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QLabel, QToolButton, QWidget

from rgbd_seg.app.widgets.icons import dress
from rgbd_seg.app.widgets.theme import Theme


class PanelTitle(QWidget):
    """The heading of a dock: its name and a button that closes it."""

    def __init__(self, theme: Theme, dock: QDockWidget) -> None:
        super().__init__(dock)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 8, 6, 2)
        name = QLabel(dock.windowTitle().upper())
        name.setObjectName("heading")
        close = QToolButton()
        dress(close, "close", "quiet", theme)
        close.setIconSize(QSize(14, 14))
        close.setAccessibleName(f"Hide the panel {dock.windowTitle()}")
        close.setToolTip("Hide this panel; the menu shows it again")
        close.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        close.clicked.connect(dock.hide)
        row.addWidget(name, 1)
        row.addWidget(close)
