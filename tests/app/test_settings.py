"""Settings of running windows: written while they run, merged between two, and a broken file is said."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from subprocess import PIPE, STDOUT
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt

from rgbd_seg.app.settings import Settings, SettingsFile
from rgbd_seg.app.view.display import Style
from rgbd_seg.app.window import MainWindow
from tests.app.watching import says, wait_for_picture
from tests.waiting import PATIENCE_S, program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from rgbd_seg.pipeline.session import Session


@pytest.fixture
def another(
    window: MainWindow, qtbot: QtBot, make_session: Callable[[Callable[[], None]], Session]
) -> Iterator[Callable[[SettingsFile], MainWindow]]:
    """Opens further windows beside the first."""
    windows: list[MainWindow] = []

    def open_one(file: SettingsFile) -> MainWindow:
        windows.append(MainWindow(window.theme, file, make_session, file.load()))
        qtbot.addWidget(windows[-1])
        windows[-1].show()
        return windows[-1]

    yield open_one
    for one in windows:
        one.close()


def test_changes_are_written_while_the_window_runs(window: MainWindow, qtbot: QtBot) -> None:
    window.presenter.change(opacity=0.25)
    qtbot.waitUntil(lambda: window._saver.file.load()[0].style.opacity == 0.25, timeout=10000)


def test_a_folder_for_recordings_that_the_system_refuses_is_said_and_stops_nothing(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window.sources.open("steady:one")
    wait_for_picture(window, qtbot)
    window.remember(replace(window.settings, record_folder=str(tmp_path / ("x" * 300))))
    window.refresh()  # The panel asks how much room there is.
    window.commands.run["toggle_recording"]()
    assert says(window, "cannot be made", "too long")
    window.sources.choose_folder()  # It would begin there.


def test_two_windows_do_not_undo_each_others_changes(
    window: MainWindow, another: Callable[[SettingsFile], MainWindow]
) -> None:
    file = window._saver.file
    other = another(file)
    window.presenter.change(opacity=0.1)
    other.presenter.change(edges=False)
    window.close()
    other.close()
    assert file.load()[0].style == Style(opacity=0.1, edges=False)


def test_a_broken_file_is_set_aside_and_the_window_says_so(
    another: Callable[[SettingsFile], MainWindow], tmp_path: Path
) -> None:
    file = SettingsFile(tmp_path / "broken" / "window.json")
    file.path.parent.mkdir()
    file.path.write_text("{")
    window = another(file)
    assert says(window, "could not be read", "window.broken.json")
    window.close()
    assert file.path.with_name("window.broken.json").read_text() == "{"
    assert file.load()[0] != Settings()  # Where the window was, at least.


def test_settings_that_cannot_be_written_are_not_lost_in_silence(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rgbd_seg.app.settings.write_private", refuse)
    window.presenter.change(opacity=0.25)
    qtbot.waitUntil(lambda: says(window, "could not be saved", "No space left"), timeout=10000)


def test_an_arrangement_that_does_not_fit_the_screen_becomes_one_column_and_comes_back(
    window: MainWindow, make_session: Callable[[Callable[[], None]], Session], qtbot: QtBot
) -> None:
    window.docks["Plots"].show()
    window.close()
    file = window._saver.file
    again = MainWindow(window.theme, file, make_session, file.load())
    qtbot.addWidget(again)
    again.setWindowState(Qt.WindowState.WindowNoState)
    again.resize(640, 360)
    again.show()
    qtbot.waitUntil(lambda: again.panels.compact)
    again.resize(1280, 720)
    qtbot.waitUntil(lambda: not again.panels.compact)
    assert again.docks["Plots"].isVisible()
    assert again.dockWidgetArea(again.docks["Plots"]) is Qt.DockWidgetArea.BottomDockWidgetArea
    again.close()


_OPENS = """
import sys
from pathlib import Path
from PySide6.QtWidgets import QApplication
from rgbd_seg.app.settings import SettingsFile
from rgbd_seg.app.source.device_finder import DeviceFinder
from rgbd_seg.app.widgets.theme import apply_theme
from rgbd_seg.app.window import MainWindow
DeviceFinder.start = lambda self: None
application = QApplication([])
window = MainWindow(apply_theme(application, "dark"), SettingsFile(Path(sys.argv[1])))
window.show()
while not window.panels.compact:
    application.processEvents()
window.close_now()
print("closed")
"""


def test_a_maximised_window_with_too_little_room_opens_again(window: MainWindow, qtbot: QtBot) -> None:
    """In a process of its own: Qt crashed while the panels of the remembered window went into one column."""
    window.setWindowState(Qt.WindowState.WindowMaximized)  # On the small screen of the offscreen platform.
    qtbot.waitUntil(lambda: window.panels.compact)
    window.close()
    command = [sys.executable, "-c", _OPENS, str(window._saver.file.path)]
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    with program(command, env=environment, stdout=PIPE, stderr=STDOUT, text=True) as process:
        output, _ = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, output.splitlines()[-1:]) == (0, ["closed"]), output
