"""The list of keys, over the views until any key or click."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from rgbd_seg.app.shortcuts import key_rows

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent, QMouseEvent


class KeysOverlay(QWidget):
    """Half-transparent, so that the picture goes on behind it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setStyleSheet("KeysOverlay { background: rgba(16, 17, 19, 225); } QLabel { color: #e8e8ea; }")
        columns = QHBoxLayout(self)
        columns.setContentsMargins(32, 24, 32, 24)
        columns.setSpacing(36)
        columns.addStretch(1)
        by_group = key_rows()
        left = QVBoxLayout()
        right = QVBoxLayout()
        for group, rows in by_group.items():
            column = right if group in ("Views", "Window") else left
            heading = QLabel(group.upper())
            heading.setStyleSheet("color: #9a9da3; font-size: 11px; font-weight: 600; padding-top: 10px;")
            column.addWidget(heading)
            grid = QGridLayout()
            grid.setHorizontalSpacing(16)
            grid.setVerticalSpacing(2)
            for number, (keys, text) in enumerate(rows):
                key = QLabel(keys)
                key.setStyleSheet("color: #4f9cf9;")
                grid.addWidget(key, number, 0)
                grid.addWidget(QLabel(text), number, 1)
            grid.setColumnMinimumWidth(0, 110)
            column.addLayout(grid)
        for column in (left, right):
            column.addStretch(1)
            columns.addLayout(column)
        columns.addStretch(1)
        self.hide()

    def open_over(self, widget: QWidget) -> None:
        """Covers a widget."""
        self.setGeometry(widget.geometry())
        self.show()
        self.raise_()
        self.setFocus()

    def mousePressEvent(self, _event: QMouseEvent) -> None:
        """Closes."""
        self.hide()

    def keyPressEvent(self, _event: QKeyEvent) -> None:
        """Closes."""
        self.hide()
