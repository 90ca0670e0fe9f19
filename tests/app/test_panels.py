"""Panels that are hidden all at once and come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from rgbd_seg.app.main_window import MainWindow


def in_front(window: MainWindow, name: str) -> bool:
    return not window.docks[name].visibleRegion().isEmpty()


def test_hiding_the_panels_and_back_leaves_the_same_one_in_front(window: MainWindow, qtbot: QtBot) -> None:
    for name in ("Recording", "Measurements"):
        window.docks[name].show()
    window.docks["Recording"].raise_()
    qtbot.waitUntil(lambda: in_front(window, "Recording"), timeout=5000)
    window.commands.toggle_panels()
    assert not any(dock.isVisible() for dock in window.docks.values())
    window.commands.toggle_panels()
    qtbot.waitUntil(lambda: in_front(window, "Recording") and in_front(window, "Classes"), timeout=5000)
    assert window.docks["Model"].isVisible()
    assert not in_front(window, "Model")
    assert not in_front(window, "Measurements")
