"""The bundled line icons, drawn in the theme's colours, and drawn again where the theme changes."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget

from rgbd_seg.app.widgets.theme import Theme
from rgbd_seg.assets import asset

SIDE = 20
_SCALES = (1, 2, 3)
_PROPERTY = "line icon"  # What a widget was dressed with, so that it can be dressed anew.


@lru_cache(maxsize=256)
def icon(name: str, color: str, checked: str = "", side: int = SIDE) -> QIcon:
    """An icon for buttons and lists.

    Args:
        name: File name in `assets/icons` without its ending.
        color: `#rrggbb` of the lines.
        checked: Colour while a button is checked; "" for the same.
        side: Width and height in the screen's logical pixels.

    Raises:
        MissingAsset: There is no such icon.
    """
    result = QIcon()
    svg = asset(f"icons/{name}.svg").read_text(encoding="utf-8")
    inks = {QIcon.State.Off: color} | ({QIcon.State.On: checked} if checked else {})
    for state, ink in inks.items():
        lines = QSvgRenderer(QByteArray(svg.replace("currentColor", ink).encode()))
        for scale in _SCALES:
            result.addPixmap(_pixmap(lines, side, scale), QIcon.Mode.Normal, state)
    return result


def dress(
    widget: QAbstractButton | QLabel, name: str, role: str, theme: Theme, checked: str = "", side: int = SIDE
) -> None:
    """Gives a button or label an icon that `redress` draws again in another theme.

    Args:
        widget: What is to show it.
        name: File name in `assets/icons` without its ending.
        role: A colour of `Theme` by name, such as "text".
        theme: The theme of now.
        checked: The role while a button is checked, or a colour of its own as `#rrggbb`; "" for the same.
        side: Width and height in the screen's logical pixels.
    """
    widget.setProperty(_PROPERTY, [name, role, checked, side])
    drawn = icon(name, _color(role, theme), _color(checked, theme), side)
    if isinstance(widget, QLabel):
        widget.setPixmap(drawn.pixmap(side, side))
    else:
        widget.setIcon(drawn)


def redress(root: QWidget, theme: Theme) -> None:
    """Draws every dressed widget under `root` in the colours of another theme."""
    widgets: list[QAbstractButton | QLabel] = [*root.findChildren(QAbstractButton), *root.findChildren(QLabel)]
    for widget in widgets:
        worn = widget.property(_PROPERTY)
        if worn:
            name, role, checked, side = worn
            dress(widget, str(name), str(role), theme, str(checked), int(side))


def _color(role: str, theme: Theme) -> str:
    return role if role.startswith("#") or not role else str(getattr(theme, role))


def _pixmap(lines: QSvgRenderer, side: int, scale: int) -> QPixmap:
    pixmap = QPixmap(side * scale, side * scale)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    lines.render(painter, QRectF(0, 0, side * scale, side * scale))
    painter.end()
    pixmap.setDevicePixelRatio(scale)
    return pixmap
