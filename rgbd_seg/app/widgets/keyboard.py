"""A window that works without a mouse: Tab goes as one reads, F6 from part to part, a control in focus has its keys.

Space, Return and the arrows are commands of the window and what presses a button or moves a list: whoever went to a
control by Tab means the control.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDockWidget,
    QMainWindow,
    QPushButton,
    QScrollArea,
    QScrollBar,
    QTabBar,
    QToolButton,
    QWidget,
)

from rgbd_seg.app.widgets.alt_key import AltKey

_ROW_PX = 16  # Controls whose middles differ less in height stand beside each other.
_PRESS = frozenset({Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter})
_SIDEWAYS = frozenset({Qt.Key.Key_Left, Qt.Key.Key_Right})
_UPRIGHT = frozenset({Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown})
_ENDS = frozenset({Qt.Key.Key_Home, Qt.Key.Key_End})
_OWN_KEYS: tuple[tuple[type[QWidget], frozenset[Qt.Key]], ...] = (
    (QAbstractButton, _PRESS),
    (QComboBox, _PRESS | _UPRIGHT | _ENDS),
    (QAbstractSlider, _SIDEWAYS | _UPRIGHT | _ENDS),
    (QAbstractSpinBox, _UPRIGHT),
    (QAbstractItemView, _PRESS | _SIDEWAYS | _UPRIGHT | _ENDS),
    (QTabBar, _SIDEWAYS | _ENDS),
)


def has_key(control: QWidget | None, event: QKeyEvent) -> bool:
    """Whether a key is this control's while it is in focus, and no command of the window."""
    if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
        return False
    group = control.group() if isinstance(control, QAbstractButton) else None
    if group is not None and group.exclusive() and event.key() in _SIDEWAYS | _UPRIGHT:
        return True  # One of them is a stop of Tab, and arrows go to the others.
    return any(isinstance(control, kind) and event.key() in keys for kind, keys in _OWN_KEYS)


def way_through(part: QWidget) -> list[QWidget]:
    """The controls of a part of a window that Tab stops at, row by row."""
    if isinstance(part, QDockWidget) and part.visibleRegion().isEmpty():
        return []  # Behind another one.
    found = [one for one in (part, *part.findChildren(QWidget)) if _is_stop(one)]

    title = part.titleBarWidget() if isinstance(part, QDockWidget) else None

    def place(one: QWidget) -> tuple[int, int]:
        if title is not None and title.isAncestorOf(one):
            return part.height(), 0  # What hides a panel is not the first thing one wants of it.
        middle = one.mapTo(part, QPoint(0, one.height() // 2))
        return middle.y() // _ROW_PX, middle.x()

    return sorted(found, key=place)


def _is_stop(one: QWidget) -> bool:
    reachable = one.isVisible() and one.isEnabled() and one.focusPolicy() & Qt.FocusPolicy.TabFocus
    return bool(reachable) and not isinstance(one, QScrollArea | QScrollBar) and one.focusProxy() is None


class KeyboardWindow(QMainWindow):
    """Subclasses say what their parts are, and what Alt by itself does."""

    def __init__(self) -> None:
        super().__init__()
        self.alt_key = AltKey(self)

    def parts(self) -> Sequence[QWidget]:
        """What Tab and F6 go through, in order."""
        raise NotImplementedError

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab and Shift+Tab."""
        way = [one for part in self.parts() for one in way_through(part)]
        return _go_on(way, QApplication.focusWidget(), forward)

    def go_to_part(self, forward: bool) -> None:
        """The first control of the next part that has any, or of the one before."""
        ways = [way for part in self.parts() if (way := way_through(part))]
        focus = QApplication.focusWidget()
        here = next((way[0] for way in ways if focus in way), focus)
        _go_on([way[0] for way in ways], here, forward)

    def event(self, event: QEvent) -> bool:
        """Leaves a control in focus its keys."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if has_key(QApplication.focusWidget(), event):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return presses a button as Space does, which is Qt's only key for it; Alt may stay alone."""
        self.alt_key.press(event)
        focus = QApplication.focusWidget()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(focus, QToolButton | QPushButton):
            if isinstance(focus, QToolButton) and focus.popupMode() == QToolButton.ToolButtonPopupMode.InstantPopup:
                focus.showMenu()
            else:
                focus.click()
            return
        super().keyPressEvent(event)


def _go_on(way: Sequence[QWidget], here: QWidget | None, forward: bool) -> bool:
    if not way:
        return False
    at = way.index(here) if here in way else -1 if forward else 0
    wanted = way[(at + (1 if forward else -1)) % len(way)]
    wanted.setFocus(Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason)
    above = wanted.parentWidget()
    while above is not None:
        if isinstance(above, QScrollArea):
            above.ensureWidgetVisible(wanted)
        above = above.parentWidget()
    return True
