"""The scale beside a depth picture: colours with metres; its ends can be dragged, a double click frees them again."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from rgbd_seg.app.view.pictures import depth_colors

_WIDTH_PX = 62
_BAR_PX = 10
_MARGIN_PX = 14
_KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Delete)
_KEY_M = 0.1


class ColorBar(QWidget):
    """Shows near (bottom) to far (top); emits what the hand wants."""

    ends_wanted = Signal(object, object)  # Near and far in metres; None for automatic.

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.SizeVerCursor)
        self.setToolTip(
            "Drag the upper half to set the far end, the lower half for the near end. Double click: automatic. "
            "Keys: arrows for the far end, with Shift for the near end, Delete for automatic."
        )
        self.setAccessibleName("Range of the depth colours")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._ends_m = (0.4, 6.0)
        self._chosen: tuple[float | None, float | None] = (None, None)
        self._map = "turbo"
        self._drag: tuple[str, float, float] | None = None  # Which end, y at the press, metres at the press.

    def sizeHint(self) -> QSize:
        """As wide as its numbers need."""
        return QSize(_WIDTH_PX, 160)

    def show_scale(self, ends_m: tuple[float, float], chosen: tuple[float | None, float | None], name: str) -> None:
        rounded = (round(ends_m[0], 2), round(ends_m[1], 2))
        if (rounded, chosen, name) != (self._ends_m, self._chosen, self._map):
            self._ends_m, self._chosen, self._map = rounded, chosen, name
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draws the colours, both ends and up to three ticks between them."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(16, 17, 19, 200))
        if self.hasFocus():
            painter.setPen(QPen(QColor("#4f9cf9"), 2))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)
        painter.setPen(Qt.PenStyle.NoPen)
        strip = QImage(1, 255, QImage.Format.Format_RGB32)
        colors = depth_colors(self._map)
        for row in range(255):
            strip.setPixel(0, row, colors[255 - row])
        bar = QRectF(8, _MARGIN_PX, _BAR_PX, self.height() - 2 * _MARGIN_PX)
        painter.drawImage(bar, strip)
        font = painter.font()
        font.setPixelSize(11)
        near, far = self._ends_m
        count = 5 if bar.height() > 110 else 3 if bar.height() > 60 else 2
        for step in range(count):
            share = step / (count - 1)
            is_end = step in (0, count - 1)
            by_hand = is_end and self._chosen[0 if step == 0 else 1] is not None
            font.setBold(by_hand)
            painter.setFont(font)
            painter.setPen(QColor("#4f9cf9") if by_hand else QColor("#e8e8ea") if is_end else QColor("#9a9da3"))
            y = bar.bottom() - share * bar.height()
            box = QRectF(bar.right() + 5, y - 7, _WIDTH_PX - bar.right() - 6, 14)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, f"{near + share * (far - near):.1f} m")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Takes hold of the nearer end."""
        y = event.position().y()
        end = "far" if y < self.height() / 2 else "near"
        self._drag = (end, y, self._ends_m[1 if end == "far" else 0])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Moves that end: the whole bar's height is three metres."""
        if self._drag is None:
            return
        end, start_y, start_m = self._drag
        self._move(end, start_m + (start_y - event.position().y()) / max(self.height(), 1) * 3.0)

    def _move(self, end: str, to_m: float) -> None:
        metres = round(to_m, 1)
        near, far = self._chosen
        if end == "far":
            far = max(metres, self._ends_m[0] + 0.1)
        else:
            near = min(max(metres, 0.0), self._ends_m[1] - 0.1)
        self.ends_wanted.emit(near, far)

    def event(self, event: QEvent) -> bool:
        """Up, Down and Delete are its own while it has the keys."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in _KEYS:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() not in _KEYS:
            super().keyPressEvent(event)
        elif event.key() == Qt.Key.Key_Delete:
            self.ends_wanted.emit(None, None)
        else:
            end = "near" if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else "far"
            by_m = _KEY_M if event.key() == Qt.Key.Key_Up else -_KEY_M
            self._move(end, self._ends_m[0 if end == "near" else 1] + by_m)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        self._drag = None

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        self._drag = None
        self.ends_wanted.emit(None, None)
