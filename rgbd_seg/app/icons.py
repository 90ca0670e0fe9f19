"""The bundled line icons, drawn in the theme's colours."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from rgbd_seg.assets import asset

SIDE = 20
_SCALES = (1, 2, 3)


@lru_cache(maxsize=256)
def icon(name: str, color: str, checked: str | None = None) -> QIcon:
    """An icon for buttons and menus.

    Args:
        name: File name in `assets/icons` without its ending.
        color: `#rrggbb` of the lines.
        checked: Colour while a button is checked; None for the same.

    Raises:
        FileNotFoundError: There is no such icon.
    """
    result = QIcon()
    for scale in _SCALES:
        result.addPixmap(_pixmap(name, color, scale), QIcon.Mode.Normal, QIcon.State.Off)
        if checked is not None:
            result.addPixmap(_pixmap(name, checked, scale), QIcon.Mode.Normal, QIcon.State.On)
    return result


def _pixmap(name: str, color: str, scale: int) -> QPixmap:
    svg = asset(f"icons/{name}.svg").read_text(encoding="utf-8").replace("currentColor", color)
    pixmap = QPixmap(SIDE * scale, SIDE * scale)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(0, 0, SIDE * scale, SIDE * scale))
    painter.end()
    pixmap.setDevicePixelRatio(scale)
    return pixmap
