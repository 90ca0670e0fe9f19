"""Frames that the window takes by itself: until there are enough, and what is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.app.watching import says

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from rgbd_seg.app.window import MainWindow


def folders(window: MainWindow) -> list[Path]:
    return list(window.settings.recordings.glob("frames *"))


def test_frames_are_taken_until_there_are_enough(window: MainWindow, qtbot: QtBot) -> None:
    box = window.recording_panel.capture
    box.button.click()
    assert says(window, "open a camera first")
    window.sources.open("steady:1")
    qtbot.waitUntil(lambda: window.presenter.segmentation is not None)
    box.every.setValue(0.1)
    box.count.setValue(3)
    box.kind.setCurrentIndex(1)
    box.button.click()
    assert box.button.text() == "Stop taking frames"
    qtbot.waitUntil(lambda: says(window, "3 frames were taken"))
    (folder,) = folders(window)
    assert len(list((folder / "image").iterdir())) == len(list((folder / "depth").iterdir())) == 3
    assert box.button.text() == "Take frames"


def test_equal_frames_are_left_out_and_a_stop_keeps_what_there_is(window: MainWindow, qtbot: QtBot) -> None:
    box = window.recording_panel.capture
    window.sources.open("steady:1")
    qtbot.waitUntil(lambda: window.presenter.segmentation is not None)
    box.every.setValue(0.1)
    box.button.click()
    qtbot.waitUntil(lambda: "like one before" in box.text.text())
    window.close()
    assert window.isVisible()
    assert says(window, "Frames are being taken for a data set", "Close once more")
    box.button.click()
    qtbot.waitUntil(lambda: says(window, "1 frames were taken"))
    qtbot.waitUntil(lambda: not says(window, "Close once more"))
