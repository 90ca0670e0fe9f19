"""One picture on screen: scaled, zoomed and panned with the others, with a pointer cross, pins and a ruler on top."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from rgbd_seg.app.view.viewport import Viewport

BACKDROP = QColor("#101113")
_NEAREST_FROM_ZOOM = 5.0  # Screen pixels for each picture pixel from which single pixels are what one wants to see.
_DRAG_FROM_PX = 3

Pixel = tuple[int, int]  # Column and row.


@dataclass(frozen=True, slots=True)
class Marks:
    """What is drawn over a picture, in picture pixels.

    Attributes:
        pointer: Where the pointer is in a linked view.
        pin: The pinned probe.
        ruler: The ruler's ends; the second is None while it is being drawn.
        ruler_text: What is written beside the ruler.
        box: Two corners of the selection; the second is None before it is drawn.
        box_text: What is written above the selection.
    """

    pointer: Pixel | None = None
    pin: Pixel | None = None
    ruler: tuple[Pixel, Pixel | None] | None = None
    ruler_text: str = ""
    box: tuple[Pixel, Pixel | None] | None = None
    box_text: str = ""


class ImageView(QWidget):
    """Paints a QImage; tells what the hands do and changes nothing by itself."""

    viewport_wanted = Signal(Viewport)
    hovered = Signal(object)  # Pixel or None.
    clicked = Signal(object, object)  # Pixel or None, keyboard modifiers.
    double_clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._image: QImage | None = None
        self._viewport = Viewport()
        self._marks = Marks()
        self._dimmed = False
        self._pressed_at: QPointF | None = None
        self._dragged = False

    # Values in

    def show_image(self, image: QImage | None) -> None:
        """Shows another picture, or the empty backdrop."""
        self._image = image
        self.update()

    def show_viewport(self, viewport: Viewport) -> None:
        if viewport != self._viewport:
            self._viewport = viewport
            self.update()

    def show_marks(self, marks: Marks) -> None:
        if marks != self._marks:
            self._marks = marks
            self.update()

    def show_dimmed(self, dimmed: bool) -> None:
        """Darkens the picture: it is not live at the moment."""
        if dimmed != self._dimmed:
            self._dimmed = dimmed
            self.update()

    @property
    def image(self) -> QImage | None:
        return self._image

    def pixel_at(self, x: float, y: float) -> Pixel | None:
        """The picture pixel under a point of the widget, None outside the picture."""
        if self._image is None:
            return None
        left, top, scale = self._placed()
        column, row = int((x - left) // scale), int((y - top) // scale)
        inside = 0 <= column < self._image.width() and 0 <= row < self._image.height()
        return (column, row) if inside else None

    def picture_rect(self) -> QRectF:
        """Where the picture lies in the widget; empty without one."""
        if self._image is None:
            return QRectF()
        left, top, scale = self._placed()
        return QRectF(left, top, self._image.width() * scale, self._image.height() * scale)

    def _size(self) -> tuple[int, int]:
        return (self._image.width(), self._image.height()) if self._image is not None else (1, 1)

    def _placed(self) -> tuple[float, float, float]:
        return self._viewport.placed(self._size(), (max(self.width(), 1), max(self.height(), 1)))

    # Painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), BACKDROP)
        if self._image is None:
            return
        left, top, scale = self._placed()
        smooth = scale * self.devicePixelRatioF() < _NEAREST_FROM_ZOOM and scale != 1
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawImage(self.picture_rect(), self._image)
        if self._dimmed:
            painter.fillRect(self.picture_rect(), QColor(0, 0, 0, 130))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)

        def at(pixel: Pixel) -> QPointF:
            return QPointF(left + (pixel[0] + 0.5) * scale, top + (pixel[1] + 0.5) * scale)

        if self._marks.pointer is not None:
            _draw_cross(painter, at(self._marks.pointer), QColor(255, 255, 255, 190))
        if self._marks.pin is not None:
            _draw_cross(painter, at(self._marks.pin), QColor("#4f9cf9"))
        if self._marks.ruler is not None:
            start, end = self._marks.ruler
            _draw_ruler(painter, at(start), at(end) if end else None, self._marks.ruler_text)
        if self._marks.box is not None:
            first, last = self._marks.box
            _draw_box(painter, at(first), at(last or first), self._marks.box_text)

    # Hands

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zooms at the pointer."""
        if self._image is None:
            return
        factor = 1.2 ** (event.angleDelta().y() / 120)
        at = event.position()
        view = (self.width(), self.height())
        self.viewport_wanted.emit(self._viewport.zoomed(factor, (at.x(), at.y()), self._size(), view))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._pressed_at, self._dragged = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pans while a button is held; else tells where the pointer is."""
        at = event.position()
        if self._pressed_at is not None and self._image is not None:
            by = at - self._pressed_at
            if self._dragged or by.manhattanLength() > _DRAG_FROM_PX:
                self._dragged, self._pressed_at = True, at
                view = (self.width(), self.height())
                self.viewport_wanted.emit(self._viewport.moved((by.x(), by.y()), self._size(), view))
        self.hovered.emit(self.pixel_at(at.x(), at.y()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._pressed_at is not None and not self._dragged and event.button() == Qt.MouseButton.LeftButton:
            at = event.position()
            self.clicked.emit(self.pixel_at(at.x(), at.y()), event.modifiers())
        self._pressed_at = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.double_clicked.emit()

    def leaveEvent(self, _event: QEvent) -> None:
        self.hovered.emit(None)


def _draw_cross(painter: QPainter, at: QPointF, color: QColor) -> None:
    for pen in (QPen(QColor(0, 0, 0, 160), 3), QPen(color, 1.2)):
        painter.setPen(pen)
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            painter.drawLine(at + QPointF(4 * dx, 4 * dy), at + QPointF(10 * dx, 10 * dy))


def _draw_ruler(painter: QPainter, start: QPointF, end: QPointF | None, text: str) -> None:
    for pen in (QPen(QColor(0, 0, 0, 170), 4), QPen(QColor("#ffffff"), 1.6)):
        painter.setPen(pen)
        painter.drawEllipse(start, 3, 3)
        if end is not None:
            painter.drawLine(start, end)
            painter.drawEllipse(end, 3, 3)
    if text and end is not None:
        draw_tag(painter, (start + end) / 2 + QPointF(8, -8), text)


def _draw_box(painter: QPainter, first: QPointF, last: QPointF, text: str) -> None:
    box = QRectF(first, last).normalized()
    for pen in (QPen(QColor(0, 0, 0, 170), 4), QPen(QColor("#ffffff"), 1.6)):
        painter.setPen(pen)
        painter.drawRect(box)
    if text:
        draw_tag(painter, box.topLeft() + QPointF(0, -6), text)


def draw_tag(painter: QPainter, at: QPointF, text: str) -> None:
    """Writes a short text on a dark, rounded ground; `at` is its lower left corner."""
    font = QFont(painter.font())
    font.setPixelSize(12)
    painter.setFont(font)
    box = QRectF(painter.fontMetrics().boundingRect(text)).adjusted(-6, -3, 6, 3)
    box.moveBottomLeft(at)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 180))
    painter.drawRoundedRect(box, 4, 4)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QColor("#ffffff"))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
