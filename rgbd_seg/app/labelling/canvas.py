"""The picture that is painted on: labels over it, the outline of what a click would take, and the hands."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen, QWheelEvent, qRgba

from rgbd_seg.app.view.image_view import ImageView, Pixel
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.labels import LabelSet

_VOID_STRIPE = 255  # An index of its own: void is seen as stripes, not as a colour that a class might have.
_STRIPE_EVERY_PX, _STRIPE_PX = 14, 2


class LabelCanvas(ImageView):
    """Emits what the hands do in picture pixels; paints what it is given."""

    pressed = Signal(object, object)  # Pixel, keyboard modifiers.
    moved = Signal(object)  # Pixel while a button is held.
    released = Signal()
    grain_wanted = Signal(int)  # Steps of the wheel: positive is coarser or larger.

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.wheel_is_grain = True
        self._overlay: QImage | None = None
        self._indices: NDArray[np.uint8] | None = None
        self._outline: list[QLineF] = []
        self._shape: tuple[str, Sequence[Pixel], int] = ("", (), 0)
        self._brush: tuple[Pixel, int] | None = None
        self._painting = False
        self._color = QColor("white")

    # Values in

    def show_frame(self, frame: RgbdFrame | None) -> None:
        """Shows the camera's picture below the labels."""
        self.show_outline(None)
        if frame is None:
            self._overlay = None
            self.show_image(None)
            return
        image = QImage(frame.width, frame.height, QImage.Format.Format_RGB32)
        pixels = np.frombuffer(image.bits(), np.uint8).reshape(frame.height, frame.width, 4)
        cv2.cvtColor(frame.color, cv2.COLOR_RGB2BGRA, dst=pixels)
        self.show_image(image)

    def show_labels(self, labels: NDArray[np.uint8], label_set: LabelSet, opacity: float) -> None:
        height, width = labels.shape
        stripe = (np.arange(width) + np.arange(height)[:, None]) % _STRIPE_EVERY_PX < _STRIPE_PX
        indices = np.where((labels == 0) & stripe, np.uint8(_VOID_STRIPE), labels)
        self._indices = np.ascontiguousarray(indices)  # Qt asks that what a QImage looks at stays.
        image = QImage(self._indices.data, width, height, width, QImage.Format.Format_Indexed8)
        alpha = round(opacity * 255)
        table = [qRgba(0, 0, 0, 0)] * 256
        for label, one in enumerate(label_set.classes, start=1):
            table[label] = qRgba(*one.color, alpha)
        table[_VOID_STRIPE] = qRgba(255, 255, 255, 70)
        image.setColorTable(table)
        self._overlay = image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
        self.update()

    def show_outline(self, contours: Sequence[NDArray[np.int32]] | None, color: QColor | None = None) -> None:
        """Shows what a click would take: closed contours in picture pixels."""
        corners = [(contour.reshape(-1, 2) + 0.5).tolist() for contour in contours or ()]
        # Single lines: Qt takes five times as long for the outline of one long path.
        self._outline = [
            QLineF(*start, *end) for one in corners for start, end in zip(one, one[1:] + one[:1], strict=True)
        ]
        self._color = color or self._color
        self.update()

    def show_shape(self, kind: str, points: Sequence[Pixel], radius: int = 0) -> None:
        """Shows what is being drawn: "polygon", "box" or "stroke" through some pixels; "" for nothing."""
        self._shape = (kind, tuple(points), radius)
        self.update()

    def show_brush(self, at: Pixel | None, radius: int) -> None:
        """Shows the round brush at a pixel."""
        self._brush = None if at is None else (at, radius)
        self.update()

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws the picture, the labels, and what the hands are about to do."""
        super().paintEvent(event)
        if self._image is None:
            return
        painter = QPainter(self)
        rect = self.picture_rect()
        if self._overlay is not None:
            painter.drawImage(rect, self._overlay)
        scale = rect.width() / self._image.width()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(rect.topLeft())
        painter.scale(scale, scale)
        for pen in self._pens(scale):
            painter.setPen(pen)
            painter.drawLines(self._outline)
        kind, points, radius = self._shape
        if points:
            path = QPainterPath(QPointF(points[0][0] + 0.5, points[0][1] + 0.5))
            if kind == "box":
                (x0, y0), (x1, y1) = points[0], points[-1]
                path = QPainterPath()
                path.addRect(min(x0, x1), min(y0, y1), abs(x1 - x0) + 1, abs(y1 - y0) + 1)
            else:
                for x, y in points[1:]:
                    path.lineTo(x + 0.5, y + 0.5)
            if kind == "stroke":
                wide = QColor(self._color)
                wide.setAlpha(110)
                pen = QPen(wide, max(2 * radius + 1, 2 / scale))
                pen.setCapStyle(Qt.PenCapStyle.RoundCap)
                pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
                painter.strokePath(path, pen)
            else:
                self._draw_path(painter, path, scale)
        if self._brush is not None:
            (x, y), radius = self._brush
            path = QPainterPath()
            path.addEllipse(QPointF(x + 0.5, y + 0.5), radius + 0.5, radius + 0.5)
            self._draw_path(painter, path, scale)

    def _draw_path(self, painter: QPainter, path: QPainterPath, scale: float) -> None:
        for pen in self._pens(scale):
            painter.strokePath(path, pen)

    def _pens(self, scale: float) -> tuple[QPen, QPen]:
        """A dark line, and a bright one to lie in its middle; opaque, because lines overlap where they meet."""
        return QPen(QColor(0, 0, 0), 3.5 / scale), QPen(self._color.lighter(130), 1.6 / scale)

    # Hands: the left button paints, the middle and right ones pan

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The tool's grain; with Ctrl, or for tools that have none, zooms at the pointer."""
        control = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if self.wheel_is_grain and not control:
            self.grain_wanted.emit(1 if event.angleDelta().y() > 0 else -1)
            event.accept()
        else:
            super().wheelEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus()
        at = event.position()
        if event.button() == Qt.MouseButton.LeftButton:
            pixel = self.pixel_at(at.x(), at.y())
            if pixel is not None:
                self._painting = True
                self.pressed.emit(pixel, event.modifiers())
        elif event.button() in (Qt.MouseButton.MiddleButton, Qt.MouseButton.RightButton):
            self._pressed_at, self._dragged = at, True

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Paints on, pans, or tells where the pointer is."""
        if self._painting:
            at = event.position()
            self.moved.emit(self._nearest_pixel(at))
        else:
            super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._painting and event.button() == Qt.MouseButton.LeftButton:
            self._painting = False
            self.released.emit()
        self._pressed_at = None

    def _nearest_pixel(self, at: QPointF) -> Pixel:
        """The pixel under a point, also where it lies outside the picture."""
        rect = self.picture_rect()
        scale = rect.width() / self._size()[0]
        return int((at.x() - rect.x()) // scale), int((at.y() - rect.y()) // scale)
