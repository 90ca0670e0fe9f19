"""The dialog that opens any source with its options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLineEdit

from rgbd_seg.app.source.picker import SourcePicker

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from rgbd_seg.app.window import MainWindow


def test_a_room_is_picked_by_its_options(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClick(window, Qt.Key.Key_U, Qt.KeyboardModifier.ControlModifier)
    picker = window.findChild(SourcePicker)
    assert picker.uri == "synthetic:"
    fields = {field.accessibleName(): field for kind in (QComboBox, QLineEdit) for field in picker.findChildren(kind)}
    room = fields["Room"]
    room.setCurrentIndex(room.findData("kitchen"))
    room.activated.emit(room.currentIndex())
    seed = fields["Seed, usually 7"]
    qtbot.keyClicks(seed, "2x")
    assert picker.uri == "synthetic:?room=kitchen&seed=2x"
    assert not picker.check()
    assert "whole number" in picker.problem.text()
    assert not picker.open_button.isEnabled()
    qtbot.keyClick(seed, Qt.Key.Key_Backspace)
    assert picker.check()
    with qtbot.waitSignal(picker.source_wanted) as wanted:
        qtbot.keyClick(picker, Qt.Key.Key_Return)
    assert wanted.args == ["synthetic:?room=kitchen&seed=2"]
    assert window.session.uri == "synthetic:?room=kitchen&seed=2"
    window.sources.close()


def test_the_fields_follow_what_is_typed(window: MainWindow, qtbot: QtBot) -> None:
    window.sources.pick()
    picker = window.findChild(SourcePicker)
    picker.name.setText("synthetic:?camera=kinect2&noise=0")
    qtbot.waitUntil(lambda: picker.findChildren(QComboBox)[1].currentData() == "kinect2")
    picker.name.setText("kinect1:0")
    qtbot.waitUntil(lambda: not picker.findChildren(QComboBox))
    picker.close()
