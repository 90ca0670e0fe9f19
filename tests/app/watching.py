"""What tests of the window wait for, and what they read in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from rgbd_seg.app.window import MainWindow


def wait_for_picture(window: MainWindow, qtbot: QtBot) -> None:
    """Until any frame is on screen."""
    qtbot.waitUntil(lambda: window.presenter.segmentation is not None, timeout=5000)


def wait_for_recorded(window: MainWindow, qtbot: QtBot, frames: int) -> None:
    """Until so many frames are in the running recording."""

    def there() -> bool:
        recorder = window.session.status().recorder
        return recorder is not None and recorder.frames >= frames

    qtbot.waitUntil(there)


def wait_for_labels(window: MainWindow, qtbot: QtBot) -> None:
    """Until a frame with labels is on screen."""

    def there() -> bool:
        one = window.presenter.segmentation
        return one is not None and one.labels is not None

    qtbot.waitUntil(there, timeout=5000)


def says(window: MainWindow, *words: str) -> bool:
    """Whether one of the window's messages has all these words."""
    return any(all(word in text for word in words) for text in (*window.banners.texts, window.status_line.text))
