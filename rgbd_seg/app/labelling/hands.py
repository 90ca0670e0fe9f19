"""From the hands on the canvas to strokes: what the tools take is computed beside the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor

from rgbd_seg.app.labelling.tasks import HOVER
from rgbd_seg.app.labelling.tools import TOOLS
from rgbd_seg.labelling import tools as take
from rgbd_seg.labelling.regions import find_regions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rgbd_seg.app.labelling.desk import Desk
    from rgbd_seg.app.view.image_view import Pixel
    from rgbd_seg.labelling.regions import Regions

_OUTLINE = "see what a click takes"
_OUTLINE_PX = 0.7
_CLOSES_PX = 5  # A click so near the first corner closes a polygon.


class Hands(QObject):
    """Holds the tool, and what is being drawn with it."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.page)
        self._desk = desk
        self._tool = TOOLS[0]
        self._sizes = {tool.name: tool.usual for tool in TOOLS}
        self._points: list[Pixel] = []
        self._pointer: Pixel | None = None
        self._modifiers = Qt.KeyboardModifier.NoModifier
        self._strokes = 0
        canvas = desk.page.canvas
        canvas.pressed.connect(self._press)
        canvas.moved.connect(self._move)
        canvas.released.connect(self._release)
        canvas.hovered.connect(self._hover)
        canvas.grain_wanted.connect(self._resize)
        desk.page.tool_wanted.connect(self.take_tool)

    def take_tool(self, name: str) -> None:
        self._tool = next(tool for tool in TOOLS if tool.name == name)
        self.drop()
        self._desk.page.canvas.show_outline(None)
        self._desk.page.canvas.show_brush(None, 0)
        self._desk.page.show_tool(name, self._size_text())
        self._hover(self._pointer)

    def drop(self) -> bool:
        """Forgets what is being drawn; whether there was anything."""
        had, self._points = bool(self._points), []
        self._desk.page.canvas.show_shape("", ())
        return had

    def close_polygon(self) -> bool:
        """Ends a polygon that is being drawn; whether one was."""
        if self._tool.hands != "corners" or not self._points:
            return False
        if len(self._points) >= 3:
            self._stroke()
        else:
            self.drop()
        return True

    def click_in_space(self, pixel: Pixel) -> None:
        """A click in the 3D view takes the thing there, or the surface; or erases the thing."""
        self.drop()
        self._modifiers = Qt.KeyboardModifier.NoModifier
        self._points = [pixel]
        self._stroke("plane" if self._tool.name == "plane" else "cluster")

    def refresh(self) -> None:
        """Shows again what a click would take."""
        self._hover(self._pointer)

    @property
    def _size(self) -> int:
        return self._tool.sizes[self._sizes[self._tool.name]] if self._tool.sizes else 0

    def _size_text(self) -> str:
        if not self._tool.sizes:
            return ""
        return f"{self._size} regions" if self._tool.name == "region" else f"{2 * self._size + 1} pixels wide"

    def _resize(self, steps: int) -> None:
        name = self._tool.name
        self._sizes[name] = min(max(self._sizes[name] + steps, 0), len(self._tool.sizes) - 1)
        self._desk.page.show_tool(name, self._size_text())
        self._hover(self._pointer)

    def _color(self) -> QColor:
        session = self._desk.session
        if self._tool.name == "eraser":
            return QColor("white")
        return QColor(*session.label_set.classes[session.active - 1].color)

    # Looking

    def _hover(self, pixel: Pixel | None) -> None:
        self._pointer = pixel
        desk, tool, size = self._desk, self._tool.name, self._size
        session, canvas = desk.session, desk.page.canvas
        if tool in ("brush", "eraser"):
            canvas.show_brush(pixel, size)
            return
        regions = desk.regions.get(session.name)
        if pixel is None or regions is None or tool not in ("region", "plane", "cluster", "fill"):
            desk.tasks.cancel(_OUTLINE)
            canvas.show_outline(None)
            return
        labels, name, color = session.labels, session.name, self._color()

        def work() -> list[NDArray[np.int32]]:
            mask = _taken(tool, regions, labels, [pixel], size, free=False).astype(np.uint8)
            found, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
            # Without the corners of single pixels: a long line is drawn twice with every movement of the pointer.
            return [np.asarray(cv2.approxPolyDP(one, _OUTLINE_PX, True), np.int32) for one in found]

        def arrived(contours: list[NDArray[np.int32]]) -> None:
            if self._pointer is not None and name == session.name and tool == self._tool.name:
                canvas.show_outline(contours, color)

        desk.tasks.do(_OUTLINE, work, arrived, HOVER)

    # Drawing

    def _press(self, pixel: Pixel, modifiers: Qt.KeyboardModifier) -> None:
        self._modifiers = modifiers
        if self._tool.hands != "corners":
            self._points = [pixel, pixel] if self._tool.hands == "box" else [pixel]
        elif (
            len(self._points) >= 3 and max(abs(a - b) for a, b in zip(self._points[0], pixel, strict=True)) < _CLOSES_PX
        ):
            self._stroke()
            return
        else:
            self._points.append(pixel)
        self._show_shape()

    def _move(self, pixel: Pixel) -> None:
        if self._tool.hands == "stroke":
            self._points.append(pixel)
        elif self._tool.hands == "box" and self._points:
            self._points[-1] = pixel
        self._show_shape()
        if self._tool.name in ("brush", "eraser"):
            self._desk.page.canvas.show_brush(pixel, self._size)

    def _release(self) -> None:
        if self._tool.hands != "corners" and self._points:
            self._stroke()

    def _show_shape(self) -> None:
        if self._points:
            canvas = self._desk.page.canvas
            canvas.show_outline(None, self._color())
            canvas.show_shape(self._tool.hands, self._points, 0 if self._tool.name == "region" else self._size)

    def _stroke(self, instead: str = "") -> None:
        """Finds out what was taken, and paints it; maybe with another tool instead."""
        desk, session, tool, size = self._desk, self._desk.session, instead or self._tool.name, self._size
        points, self._points = self._points, []
        frame, name, labels = session.frame, session.name, session.labels
        if frame is None:
            return
        free = bool(self._modifiers & Qt.KeyboardModifier.AltModifier)
        over = not self._modifiers & Qt.KeyboardModifier.ShiftModifier
        label = 0 if self._tool.name == "eraser" else session.active
        known = desk.regions.get(name)

        def work() -> NDArray[np.bool_]:
            if tool == "eraser" or (tool == "brush" and free):
                return take.brush_area(labels.shape, points, size)
            if tool == "polygon":
                return take.polygon(labels.shape, points)
            if tool == "rectangle":
                return take.rectangle(labels.shape, points[0], points[-1])
            if tool == "cut_out":
                return take.cut_out(frame, points[0], points[-1])
            return _taken(tool, known or find_regions(frame), labels, points, size, free=free)

        def arrived(mask: NDArray[np.bool_]) -> None:
            desk.page.canvas.show_shape("", ())
            if session.name == name and session.paint(mask, label, over_labels=over):
                desk.painted()

        self._strokes += 1  # Each stroke is work of its own kind: none is forgotten for the next.
        desk.tasks.do(f"paint stroke {self._strokes}", work, arrived)


def _taken(
    tool: str, regions: Regions, labels: NDArray[np.uint8], points: list[Pixel], size: int, *, free: bool
) -> NDArray[np.bool_]:
    """What a tool that works on regions takes."""
    if tool == "region":
        return take.region(regions, points, size)
    if tool == "brush":
        return take.brush(regions, points, size)
    if tool == "fill":
        return take.fill(labels, regions, points[0], free=free)
    if tool == "plane":
        return take.plane(regions, points[0])
    return take.cluster(regions, points[0])
