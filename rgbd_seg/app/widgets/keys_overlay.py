"""The list of keys, over the window until any key or click."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QAbstractSlider, QBoxLayout, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from rgbd_seg.app.actions import key_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent

_RIGHT_COLUMN = ("Views", "Window")
_MOVES = {
    Qt.Key.Key_Up: QAbstractSlider.SliderAction.SliderSingleStepSub,
    Qt.Key.Key_Down: QAbstractSlider.SliderAction.SliderSingleStepAdd,
    Qt.Key.Key_PageUp: QAbstractSlider.SliderAction.SliderPageStepSub,
    Qt.Key.Key_PageDown: QAbstractSlider.SliderAction.SliderPageStepAdd,
}


class KeysOverlay(QWidget):
    """Half-transparent, so that the picture goes on behind it; as large as what it covers, also when that changes."""

    def __init__(self, covered: QWidget, beneath: QWidget) -> None:
        """Covers nothing yet.

        Args:
            covered: What it will lie on.
            beneath: The part of it that has the keys afterwards.
        """
        super().__init__(covered)
        self._covered, self._beneath = covered, beneath
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setStyleSheet(
            "KeysOverlay { background: rgba(16, 17, 19, 235); } QLabel { color: #e8e8ea; font-size: 12px; }"
        )
        by_group = key_rows()
        left = [(group, rows) for group, rows in by_group.items() if group not in _RIGHT_COLUMN]
        right = [(group, by_group[group]) for group in _RIGHT_COLUMN if group in by_group]
        inside = QWidget()
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight, inside)
        self._columns.setContentsMargins(16, 8, 16, 8)
        self._columns.setSpacing(48)
        self._columns.addStretch(1)
        for groups in (left, right):
            self._columns.addLayout(_column(groups))
        self._columns.addStretch(1)
        self._wide_px = inside.sizeHint().width()
        self._area = QScrollArea()
        self._area.setWidget(inside)
        self._area.setWidgetResizable(True)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setStyleSheet("QScrollArea, QScrollArea > QWidget > QWidget { background: transparent; }")
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._area)
        self.hide()

    def toggle(self) -> None:
        """Covers what it lies on, or leaves it."""
        if self.isVisible():
            self._leave()
            return
        self._covered.installEventFilter(self)
        self.setGeometry(self._covered.rect())
        self.show()
        self.raise_()
        self.setFocus()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Keeps the size of what is covered."""
        if event.type() == QEvent.Type.Resize:
            self.setGeometry(self._covered.rect())
        return False

    def event(self, event: QEvent) -> bool:
        """Takes every key for itself, also those that are shortcuts of the window."""
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def mousePressEvent(self, _event: QMouseEvent) -> None:
        self._leave()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """All in one column where there is no room for two beside each other."""
        super().resizeEvent(event)
        beside, below = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._columns.setDirection(beside if self.width() >= self._wide_px else below)
        self._columns.setSpacing(48 if self.width() >= self._wide_px else 8)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Any key leaves, but for those that move where the window is too low for the whole list."""
        bar, action = self._area.verticalScrollBar(), _MOVES.get(Qt.Key(event.key()))
        if action is not None and bar.maximum() > 0:
            bar.triggerAction(action)
        else:
            self._leave()

    def _leave(self) -> None:
        self.hide()
        self._beneath.setFocus()


def _column(groups: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(20)
    grid.setVerticalSpacing(2)
    grid.setColumnStretch(1, 1)
    line = 0
    for group, rows in groups:
        heading = QLabel(group.upper())
        heading.setStyleSheet("color: #9a9da3; font-size: 11px; font-weight: 600;")
        if line:
            grid.setRowMinimumHeight(line, 8)
            line += 1
        grid.addWidget(heading, line, 0, 1, 2)
        line += 1
        for keys, text in rows:
            key = QLabel(keys)
            key.setStyleSheet("color: #4f9cf9;")
            grid.addWidget(key, line, 0)
            grid.addWidget(QLabel(text), line, 1)
            line += 1
    grid.setRowStretch(line, 1)
    return grid
