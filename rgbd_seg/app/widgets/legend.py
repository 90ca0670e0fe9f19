"""The classes in view in large letters, below the picture: to be read from across a room."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rgbd_seg.app.classes.class_rows import ClassRow
    from rgbd_seg.labels import Rgb

_MOST, _LEAST_SHARE = 10, 0.005
_LETTERS_PX = 24


class Legend(QLabel):
    """A row of colours and names; hidden until it is wanted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setStyleSheet(f"font-size: {_LETTERS_PX}px; padding: 8px 16px;")
        self.setAccessibleName("Legend")
        self.hide()

    def show_rows(
        self,
        rows: Sequence[ClassRow],
        colors: Mapping[str, Rgb],
        shown_name: Callable[[str], str],
        shows: Callable[[str], bool],
    ) -> None:
        """Shows the largest classes in view.

        Args:
            rows: Those in view, largest first.
            colors: By name.
            shown_name: What a class is called on screen.
            shows: Whether a class is drawn.
        """
        if self.isHidden():
            return
        entries = []
        for row in [row for row in rows if row.share >= _LEAST_SHARE and shows(row.name)][:_MOST]:
            red, green, blue = colors.get(row.name, (128, 128, 128))
            name = escape(shown_name(row.name)).replace(" ", "&nbsp;")
            entries.append(f'<span style="color: rgb({red},{green},{blue})">■</span>&nbsp;{name}')
        text = "&nbsp;&nbsp; ".join(entries)
        if text != self.text():
            self.setText(text)
