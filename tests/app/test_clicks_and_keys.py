"""Where clicks and keys go in the whole window, offscreen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from rgbd_seg.app.widgets.keys_overlay import KeysOverlay
from tests.app.watching import wait_for_labels, wait_for_picture

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from rgbd_seg.app.window import MainWindow


def test_a_click_pins_and_a_double_click_only_shows_one_view_alone(window: MainWindow, qtbot: QtBot) -> None:
    window.sources.open("steady:one")
    wait_for_picture(window, qtbot)
    window.grid.show_count(2)
    view = window.grid.panes[0].view
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.rect().center())
    assert window.presenter.pointing.pin is not None
    qtbot.mouseDClick(view, Qt.MouseButton.LeftButton, pos=view.rect().center())
    assert window.presenter.pointing.pin is None
    assert window.grid.visible_panes == window.grid.panes[:1]


def test_a_click_on_the_pictures_takes_the_keys_back_from_the_search(window: MainWindow, qtbot: QtBot) -> None:
    window.sources.open("steady:one")
    wait_for_picture(window, qtbot)
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is window.middle, timeout=5000)
    window.commands.run["find_class"]()
    qtbot.waitUntil(window.classes.search.hasFocus, timeout=5000)
    # As Qt does it: a click into the window, which it gives to the widget there.
    view = window.grid.panes[0].view
    qtbot.mouseClick(window.windowHandle(), Qt.MouseButton.LeftButton, pos=view.mapTo(window, view.rect().center()))
    qtbot.waitUntil(window.middle.hasFocus, timeout=5000)


def test_the_list_of_keys_closes_with_any_key(window: MainWindow, qtbot: QtBot) -> None:
    overlay = window.findChild(KeysOverlay)
    for key in (Qt.Key.Key_Escape, Qt.Key.Key_R):
        window.commands.run["show_keys"]()
        assert overlay.isVisible()
        assert overlay.size() == window.size()
        qtbot.keyClick(overlay, key)
        assert not overlay.isVisible()
    window.commands.run["show_keys"]()
    window.commands.run["show_keys"]()
    assert not overlay.isVisible()


def test_the_class_under_the_pointer_lights_up_in_the_list_and_the_other_way_round(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window.models.load(str(tmp_path / "one.safetensors"))
    window.sources.open("steady:one")
    wait_for_labels(window, qtbot)
    left, right = window.presenter.label_set.names[:2]
    lit = window.classes.model.is_lit
    window.grid.hovered.emit((2, 20))
    assert (lit(left), lit(right)) == (True, False)
    window.grid.hovered.emit((60, 20))
    assert (lit(left), lit(right)) == (False, True)
    window.grid.hovered.emit(None)
    assert not lit(right)
    window.classes.lit_wanted.emit(left)
    assert window.presenter.display.lit == left
