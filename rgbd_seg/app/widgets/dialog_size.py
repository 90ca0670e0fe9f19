"""How large a dialog opens: as it likes to be, but never larger than its screen."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog

FRAME_PX = 40  # Of the window manager, above and below.


def resize_within_screen(dialog: QDialog, width: int, height: int) -> None:
    room = dialog.screen().availableGeometry()
    dialog.resize(min(width, room.width()), min(height, room.height() - FRAME_PX))
