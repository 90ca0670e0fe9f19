"""The line of a recording: small pictures, where it is, where frames are missing, and the range picked for export."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PySide6.QtGui import QImage, QMouseEvent, QPaintEvent

    from rgbd_seg.app.widgets.theme import Theme
    from rgbd_seg.recording.reader import Gap

_MARGIN_PX = 8
_STRIP_PX = 32  # Height of the small pictures above the line.
_LINE_PX = 18


class Timeline(QWidget):
    """Drawn by positions, not by time: every frame has the same room. Emits the frame that is sought."""

    seek_wanted = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._length = 0
        self._position = 0
        self._gaps: Sequence[Gap] = ()
        self._range: tuple[int | None, int | None] = (None, None)
        self._held = False
        self._thumbnails: Mapping[int, QImage] = {}
        self.setMouseTracking(True)
        self.setMinimumWidth(120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def sizeHint(self) -> QSize:
        """Pictures and line; the room is there before the pictures are, so that nothing jumps."""
        return QSize(300, _STRIP_PX + _LINE_PX)

    def show_recording(self, length: int, gaps: Sequence[Gap]) -> None:
        self._length, self._gaps = length, gaps
        self.update()

    def show_thumbnails(self, images: Mapping[int, QImage]) -> None:
        """Shows small pictures by their positions; where one is missing, the nearest stands in."""
        self._thumbnails = dict(images)
        self.update()

    def show_position(self, position: int) -> None:
        """Moves the knob, unless the hand is on it."""
        if position != self._position and not self._held:
            self._position = position
            self.update()

    def show_range(self, start: int | None, end: int | None) -> None:
        """Marks the range that was picked."""
        self._range = (start, end)
        self.update()

    def show_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def _x_of(self, position: float) -> float:
        return _MARGIN_PX + position / max(self._length - 1, 1) * (self.width() - 2 * _MARGIN_PX)

    def _position_at(self, x: float) -> int:
        share = (x - _MARGIN_PX) / max(self.width() - 2 * _MARGIN_PX, 1)
        return round(min(max(share, 0.0), 1.0) * max(self._length - 1, 0))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draws pictures, line, gaps, range and knob."""
        painter = QPainter(self)
        self._paint_thumbnails(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        middle = self.height() - _LINE_PX / 2
        painter.setBrush(QColor(self._theme.line))
        painter.drawRoundedRect(QRectF(_MARGIN_PX, middle - 2, self.width() - 2 * _MARGIN_PX, 4), 2, 2)
        painter.setBrush(QColor(self._theme.accent))
        x = self._x_of(self._position)
        painter.drawRoundedRect(QRectF(_MARGIN_PX, middle - 2, x - _MARGIN_PX, 4), 2, 2)
        start, end = self._range
        if start is not None or end is not None:
            shade = QColor(self._theme.accent)
            shade.setAlpha(70)
            left = self._x_of(start or 0)
            right = self._x_of(self._length - 1 if end is None else end)
            painter.fillRect(QRectF(left, 0, right - left, middle + 8), shade)
        for gap in self._gaps:
            painter.fillRect(QRectF(self._x_of(gap.after + 0.5) - 1.5, middle - 6, 3, 12), QColor(self._theme.warning))
        painter.setBrush(QColor(self._theme.text))
        painter.drawEllipse(QPointF(x, middle), 6, 6)

    def _paint_thumbnails(self, painter: QPainter) -> None:
        if not self._thumbnails:
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        first = next(iter(self._thumbnails.values()))
        room = self.width() - 2 * _MARGIN_PX
        count = max(round(room / (first.width() / first.height() * _STRIP_PX)), 1)
        wide = room / count
        for number in range(count):
            here = self._position_at(_MARGIN_PX + (number + 0.5) * wide)
            image = self._thumbnails[min(self._thumbnails, key=lambda position: abs(position - here))]
            painter.drawImage(QRectF(_MARGIN_PX + number * wide, 0, wide - 1, _STRIP_PX), image, _middle(image, wide))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._length:
            self._held = True
            self._go_to(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Scrubs while held; else says what is under the pointer."""
        if self._held:
            self._go_to(event.position().x())
            return
        here = self._position_at(event.position().x())
        near = [gap for gap in self._gaps if abs(self._x_of(gap.after + 0.5) - event.position().x()) < 5]
        if near:
            self.setToolTip(f"{near[0]} missing here, {near[0].seconds:.1f} s: {near[0].reason}")
        else:
            self.setToolTip(f"frame {here + 1}")

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        self._held = False

    def _go_to(self, x: float) -> None:
        position = self._position_at(x)
        if position != self._position:
            self._position = position
            self.update()
            self.seek_wanted.emit(position)


def _middle(image: QImage, wide: float) -> QRectF:
    """The part of a picture that fits a slot of that width without being stretched."""
    aspect = wide / _STRIP_PX
    width, height = min(image.width(), image.height() * aspect), min(image.height(), image.width() / aspect)
    return QRectF((image.width() - width) / 2, (image.height() - height) / 2, width, height)
