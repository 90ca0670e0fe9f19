"""Panels that are hidden all at once and come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QObject, QProcess, Qt
from PySide6.QtWidgets import QSlider, QWidget

from rgbd_seg.app.about import DoctorDialog
from rgbd_seg.app.replay.bar import ReplayBar
from rgbd_seg.app.source.control_form import ControlForm
from rgbd_seg.app.widgets.panels import BELOW, LEFT, RIGHT
from rgbd_seg.app.widgets.status_line import StatusLine
from rgbd_seg.app.widgets.theme import DARK
from rgbd_seg.sensors.sensor import Control

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from rgbd_seg.app.window import MainWindow


def in_front(window: MainWindow, name: str) -> bool:
    return not window.docks[name].visibleRegion().isEmpty()


def test_hiding_the_panels_and_back_leaves_the_same_one_in_front(window: MainWindow, qtbot: QtBot) -> None:
    for name in ("Recording", "Measurements"):
        window.docks[name].show()
    window.docks["Recording"].raise_()
    window.resizeDocks([window.docks["Classes"], window.docks["Recording"]], [200, 420], Qt.Orientation.Vertical)
    qtbot.waitUntil(lambda: in_front(window, "Recording"), timeout=5000)
    qtbot.wait(50)  # Qt lays docks out late.
    height = window.docks["Classes"].height()
    window.commands.run["toggle_panels"]()
    assert not any(dock.isVisible() for dock in window.docks.values())
    window.commands.run["toggle_panels"]()
    qtbot.waitUntil(lambda: in_front(window, "Recording") and in_front(window, "Classes"), timeout=5000)
    assert window.docks["Model"].isVisible()
    assert not in_front(window, "Model")
    assert not in_front(window, "Measurements")
    qtbot.waitUntil(lambda: window.docks["Classes"].height() == height, timeout=5000)


def test_keys_of_the_window_work_right_after_a_number_was_typed(window: MainWindow, qtbot: QtBot) -> None:
    wanted = []
    window.recording_panel.record_wanted.connect(lambda: wanted.append("R"))
    window.commands.actions["toggle_recording"].triggered.connect(lambda: wanted.append("R"))
    window.docks["Recording"].show()
    window.docks["Recording"].raise_()
    window.activateWindow()
    seconds = window.recording_panel.pre_roll
    seconds.setFocus()
    qtbot.waitUntil(seconds.hasFocus, timeout=5000)
    seconds.selectAll()
    qtbot.keyClick(seconds, Qt.Key.Key_3)
    qtbot.keyClick(seconds, Qt.Key.Key_R)
    assert (seconds.value(), wanted) == (3, ["R"])


def test_the_top_bar_stays_where_it_is_when_a_recording_begins(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: window.top_bar.record.width() > 0, timeout=5000)
    before = window.top_bar.record.geometry()
    for text in ("0:00  0.0 MB", "12:34  987 MB"):
        window.top_bar.show_recording(text, True)
        assert window.top_bar.record.sizeHint().width() <= before.width()


def test_a_slider_in_a_narrow_panel_has_room_to_be_dragged(qtbot: QtBot) -> None:
    form = ControlForm()
    qtbot.addWidget(form)
    form.show_controls((Control("speed", "Walking speed", 1.0, minimum=0.0, maximum=3.0, unit="x"),))
    form.resize(190, 200)
    form.show()
    (slider,) = form.findChildren(QSlider)
    assert slider.width() >= 90


def test_the_built_in_room_is_listed_once(window: MainWindow) -> None:
    window.source_panel.show_recent(("synthetic:", "synthetic:?seed=3"))
    tree = window.source_panel.tree
    names = [
        tree.topLevelItem(top).child(row).text(0)
        for top in range(tree.topLevelItemCount())
        for row in range(tree.topLevelItem(top).childCount())
    ]
    assert names.count("Synthetic room") == 1
    assert len(names) == 3


def test_the_replay_bar_fits_a_small_screen_and_leaves_out_what_has_keys(qtbot: QtBot) -> None:
    bar = ReplayBar(DARK)
    qtbot.addWidget(bar)
    bar.show()
    assert bar.minimumWidth() < 300  # Of the smallest window, 640 pixels, a panel takes 250.
    some = []
    for width in (900, 450, bar.minimumWidth(), 900):
        bar.resize(width, bar.height())
        seen = [part.isVisible() for part in bar._dispensable]
        assert seen == sorted(seen, reverse=True)  # The most useful ones go last.
        some.append(sum(seen))
        assert bar.play.isVisible()
        assert all(part.geometry().right() < width for part in bar.children() if _is_seen(part))
    assert some[0] == len(bar._dispensable) == some[3]
    assert some[0] > some[1] > some[2] == 0


def _is_seen(part: QObject) -> bool:
    return isinstance(part, QWidget) and part.isVisible()


def test_escape_ends_the_doctor_as_well(window: MainWindow) -> None:
    dialog = DoctorDialog(window, window.settings.recordings)
    dialog.show()
    process = dialog._process
    assert process.waitForStarted(10_000)
    dialog.reject()  # What Escape does; it sends no close event.
    assert process.state() is QProcess.ProcessState.NotRunning


def test_the_palette_brings_a_panel_to_the_front_and_hides_it_there(window: MainWindow, qtbot: QtBot) -> None:
    window.show_panel("Recording")
    qtbot.waitUntil(lambda: in_front(window, "Recording") and not in_front(window, "Model"))
    toggle = next(entry.run for entry in window.commands.entries() if entry.text == "Panel: Model")
    toggle()
    qtbot.waitUntil(lambda: in_front(window, "Model"))
    toggle()
    assert window.docks["Model"].isHidden()


def test_a_small_window_puts_the_panels_into_one_column_and_a_larger_one_back(window: MainWindow, qtbot: QtBot) -> None:
    docks, panels = window.docks, window.panels
    docks["Plots"].show()
    docks["Source"].show()
    window.resize(1280, 720)
    qtbot.waitUntil(lambda: docks["Plots"].isVisible())
    window.resize(960, 540)
    qtbot.waitUntil(lambda: panels.compact)
    assert {window.dockWidgetArea(dock) for dock in docks.values()} == {RIGHT}
    qtbot.waitUntil(
        lambda: window.width() == 960 and window.middle.width() >= 0.7 * 960 and in_front(window, "Classes")
    )
    window._saver.save()
    assert docks["Model"].isVisible()
    assert not in_front(window, "Model")
    docks["Model"].hide()  # What is closed or opened here stays so.
    docks["Recording"].show()
    window.resize(720, 480)
    qtbot.waitUntil(lambda: not any(dock.isVisible() for dock in docks.values()))
    window.resize(640, 360)
    qtbot.waitUntil(lambda: window.top_bar.width() == 640 and 600 < window.top_bar.menu.geometry().right() <= 640)
    window.resize(1280, 720)
    qtbot.waitUntil(lambda: not panels.compact)
    shown = {name for name, dock in docks.items() if dock.isVisible()}
    assert shown == {"Classes", "Source", "Plots", "Recording"}
    assert window.dockWidgetArea(docks["Plots"]) == BELOW
    assert window.dockWidgetArea(docks["Source"]) == LEFT
    restored = window._saver.file.load()[0].state
    window.resize(960, 540)
    qtbot.waitUntil(lambda: panels.compact)
    window.panels.make_roomy()
    window.restoreState(QByteArray.fromBase64(restored.encode()))  # What was kept while there was one column.
    assert window.dockWidgetArea(docks["Plots"]) == BELOW


def test_in_a_narrow_window_a_notice_of_the_status_line_is_whole(qtbot: QtBot) -> None:
    line = StatusLine()
    qtbot.addWidget(line)
    line.show()
    line.show_score("mIoU 0.311   pixels right 96.2%")
    for width, beside in ((1600, True), (1000, False)):
        line.resize(width, 24)
        line.show_notice("The layout of this afternoon is in the menu, under Layouts", 60_000)
        assert line._score.isVisible() == beside
        assert line._probe.text() == line._said
    line.resize(640, 24)
    line.show_notice(f"Saved in {'a folder of a long name/' * 5}", 60_000)
    assert line._probe.text().endswith("…")
    assert line._probe.toolTip() == line._said
    line.show_notice("", 0)
    qtbot.waitUntil(line._score.isVisible)
