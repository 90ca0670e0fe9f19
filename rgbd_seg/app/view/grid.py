"""One, two or four views with one zoom, one pointer and one set of marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from rgbd_seg.app.view.image_view import Marks, Pixel
from rgbd_seg.app.view.kinds import ViewKind
from rgbd_seg.app.view.pane import Pane
from rgbd_seg.app.view.viewport import Viewport

_GAP_PX = 4


def arrange(count: int, width: int, height: int, aspect: float) -> list[QRect]:
    """Where `count` (1, 2 or 4) views lie; two are put beside or above each other, whichever shows larger pictures."""
    if count == 1:
        return [QRect(0, 0, width, height)]
    half_width, half_height = (width - _GAP_PX) // 2, (height - _GAP_PX) // 2
    right, lower = half_width + _GAP_PX, half_height + _GAP_PX
    if count == 2:
        beside = min(half_width / aspect, height)
        above = min(width / aspect, half_height)
        if beside >= above:
            return [QRect(0, 0, half_width, height), QRect(right, 0, half_width, height)]
        return [QRect(0, 0, width, half_height), QRect(0, lower, width, half_height)]
    return [
        QRect(0, 0, half_width, half_height),
        QRect(right, 0, half_width, half_height),
        QRect(0, lower, half_width, half_height),
        QRect(right, lower, half_width, half_height),
    ]


class ViewGrid(QWidget):
    """Holds four panes, of which some are shown; forwards what hands do in any of them."""

    hovered = Signal(object)  # Pixel or None.
    clicked = Signal(object, object)  # Pixel or None, keyboard modifiers.
    double_clicked = Signal()
    panes_changed = Signal()
    depth_map_wanted = Signal(str)
    ends_wanted = Signal(object, object)

    def __init__(self, kinds: Sequence[ViewKind], count: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._count = count
        self._maximised: Pane | None = None
        self._viewport = Viewport()
        self._marks = Marks()
        self._aspect = 4 / 3
        self.panes = [Pane(kind, self) for kind in kinds]
        for pane in self.panes:
            pane.kind_wanted.connect(lambda kind, p=pane: self._change_kind(p, kind))
            pane.maximise_wanted.connect(lambda p=pane: self.toggle_maximised(p))
            pane.depth_map_wanted.connect(self.depth_map_wanted)
            pane.ends_wanted.connect(self.ends_wanted)
            pane.view.viewport_wanted.connect(self.show_viewport)
            pane.view.hovered.connect(lambda pixel, p=pane: self._hover(p, pixel))
            pane.view.clicked.connect(partial(self._click, pane))
            pane.view.double_clicked.connect(lambda p=pane: self._double_click(p))
        self.setMinimumSize(320, 200)
        self._place()

    @property
    def count(self) -> int:
        """How many views are shown while none is maximised."""
        return self._count

    @property
    def visible_panes(self) -> list[Pane]:
        return [self._maximised] if self._maximised else self.panes[: self._count]

    @property
    def kinds(self) -> tuple[ViewKind, ...]:
        """What each of the four views shows."""
        return tuple(pane.kind for pane in self.panes)

    @property
    def viewport(self) -> Viewport:
        """The part of the picture that all views show."""
        return self._viewport

    def show_count(self, count: int) -> None:
        self._count, self._maximised = count, None
        self._place()
        self.panes_changed.emit()

    def show_kinds(self, kinds: Sequence[ViewKind]) -> None:
        for pane, kind in zip(self.panes, kinds, strict=True):
            pane.show_kind(kind)
        self.panes_changed.emit()

    def choose_kind(self, number: int) -> None:
        """Opens the menu of kinds of a view, 1 to 4, if that is on screen."""
        shown = self.visible_panes
        if number <= len(shown):
            shown[number - 1].open_menu()

    def show_viewport(self, viewport: Viewport) -> None:
        """Shows another part of the picture in all views."""
        self._viewport = viewport
        for pane in self.panes:
            pane.view.show_viewport(viewport)

    def show_aspect(self, aspect: float) -> None:
        """Adapts to the pictures' width over height."""
        if abs(aspect - self._aspect) > 0.01:
            self._aspect = aspect
            self._place()

    def show_marks(self, marks: Marks) -> None:
        """Draws pin and ruler in all views."""
        self._marks = marks
        for pane in self.visible_panes:
            _mark(pane, marks)

    def show_dimmed(self, dimmed: bool) -> None:
        """Darkens all views: they are not live at the moment."""
        for pane in self.panes:
            pane.view.show_dimmed(dimmed)

    def toggle_maximised(self, pane: Pane) -> None:
        """One view alone, or all again."""
        self._maximised = None if self._maximised is not None or self._count == 1 else pane
        self._place()
        self.panes_changed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        shown = self.visible_panes
        rectangles = arrange(len(shown), self.width(), self.height(), self._aspect)
        for pane in self.panes:
            pane.setVisible(pane in shown)
        for pane, rectangle in zip(shown, rectangles, strict=True):
            pane.setGeometry(rectangle)
            _mark(pane, self._marks)

    def _change_kind(self, pane: Pane, kind: ViewKind) -> None:
        pane.show_kind(kind)
        _mark(pane, self._marks)
        self.panes_changed.emit()

    def _click(self, pane: Pane, pixel: Pixel | None, modifiers: Qt.KeyboardModifier) -> None:
        self.clicked.emit(pixel if _is_of_color(pane) else None, modifiers)

    def _double_click(self, pane: Pane) -> None:
        self.double_clicked.emit()
        if self._viewport != Viewport():
            self.show_viewport(Viewport())
        else:
            self.toggle_maximised(pane)

    def _hover(self, source: Pane, pixel: Pixel | None) -> None:
        pixel = pixel if _is_of_color(source) else None
        for pane in self.visible_panes:
            _mark(pane, replace(self._marks, pointer=pixel if pane is not source else None))
        source.view.setCursor(Qt.CursorShape.CrossCursor if pixel else Qt.CursorShape.ArrowCursor)
        self.hovered.emit(pixel)


def _is_of_color(pane: Pane) -> bool:
    """Whether the pixels of a view are those of colour: infrared has a camera and a size of its own."""
    return pane.kind != "infrared"


def _mark(pane: Pane, marks: Marks) -> None:
    pane.view.show_marks(marks if _is_of_color(pane) else Marks())
