"""A view of the grid without a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from rgbd_seg.app.view.pane import Pane

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


def test_a_sentence_longer_than_the_view_is_read_whole(qtbot: QtBot) -> None:
    pane = Pane("error")
    qtbot.addWidget(pane)
    pane.resize(360, 300)
    pane.show()
    why = "Nothing can be compared: the model's classes (wall, floor, …) are not those of the truth (zebra, spoon, …)"
    pane.show_picture(None, why_none=why)
    hint = next(label for label in pane.findChildren(QLabel) if label.text() == why)
    room = hint.contentsRect()
    needed = hint.fontMetrics().boundingRect(room, Qt.TextFlag.TextWordWrap if hint.wordWrap() else 0, why)
    assert needed.width() <= room.width()
    assert needed.height() <= room.height()
