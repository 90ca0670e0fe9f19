"""The whole window on real controllers, offscreen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QPushButton, QScrollArea, QTabBar, QWidget

from rgbd_seg.app.about import AboutDialog
from rgbd_seg.app.widgets.banner import Message
from rgbd_seg.app.widgets.keys_overlay import KeysOverlay
from rgbd_seg.app.widgets.theme import DARK, LIGHT
from rgbd_seg.labels import LabelSet
from rgbd_seg.pipeline.status import State
from rgbd_seg.recording import open_recording
from tests.app.watching import says, wait_for_labels, wait_for_picture, wait_for_recorded
from tests.recording.messages.scene import START_NS, STEP_NS, color, depth, fox_raw, write_foxglove
from tests.recording.picture_trees import write_pairs

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from rgbd_seg.app.widgets.theme import Theme
    from rgbd_seg.app.window import MainWindow


def test_the_empty_window_offers_what_can_be_opened(window: MainWindow) -> None:
    assert window.stage.currentWidget() is window.welcome
    assert not window.top_bar.record.isEnabled()
    assert window.replay_bar.isHidden()


def test_a_source_is_shown_live_with_its_name_and_rates(window: MainWindow, qtbot: QtBot) -> None:
    window.sources.open("steady:one")
    wait_for_picture(window, qtbot)
    qtbot.waitUntil(lambda: "fps" in window.status_line.text, timeout=5000)
    assert "Steady camera" in window.windowTitle()
    assert "no model" in window.status_line.text
    assert window.stage.currentWidget() is window.grid
    assert window.settings.recent_sources == ("steady:one",)


def test_a_source_that_fails_becomes_a_banner(window: MainWindow, qtbot: QtBot) -> None:
    window.sources.open("steady:broken")
    qtbot.waitUntil(lambda: bool(window.banners.texts), timeout=5000)
    assert window.banners.texts == ("The steady camera is broken: mend it.",)
    assert (window.settings.source, window.settings.recent_sources) == ("", ())  # Nothing to come back to.
    window.sources.open("steady:one")
    wait_for_picture(window, qtbot)
    window.refresh()
    assert window.banners.texts == ()


def test_a_file_of_no_known_kind_does_not_push_the_open_source_aside(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window.sources.open("steady:one")
    wait_for_picture(window, qtbot)
    (tmp_path / "words.txt").write_text("just words")
    window.drops.open(tmp_path / "words.txt")
    assert says(window, "“words.txt” is no recording")
    assert window.session.uri == "steady:one"


def press(window: MainWindow, qtbot: QtBot, words: str) -> None:
    buttons = [b for b in window.banners.findChildren(QAbstractButton) if b.text() == words]
    qtbot.mouseClick(buttons[0], Qt.MouseButton.LeftButton)


def test_what_is_inside_a_folder_opens_by_a_click_on_its_name(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    write_pairs(tmp_path / "outer" / "walk", 3)
    window.sources.open(str(tmp_path / "outer"))
    qtbot.waitUntil(lambda: says(window, "outer holds walk"), timeout=10_000)
    press(window, qtbot, "Open walk")
    wait_for_picture(window, qtbot)
    assert window.session.uri == str(tmp_path / "outer" / "walk")
    assert not says(window, "outer holds walk")


def test_the_other_camera_of_a_file_is_one_click_away(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    rows = []
    for i in range(3):
        t = START_NS + i * STEP_NS
        for camera in ("front", "rear"):
            rows += [(f"/{camera}/rgb", t, fox_raw(t, color(i), "rgb8", camera))]
            rows += [(f"/{camera}/depth", t, fox_raw(t, depth(i), "16UC1", camera))]
    window.sources.open(str(write_foxglove(tmp_path / "two.mcap", rows)))
    wait_for_picture(window, qtbot)
    qtbot.waitUntil(lambda: says(window, "This recording has other cameras: /rear/rgb"), timeout=10_000)
    press(window, qtbot, "Show /rear/rgb")
    qtbot.waitUntil(lambda: says(window, "This recording has other cameras: /front/rgb"), timeout=10_000)


def test_a_good_label_set_takes_away_what_was_said_of_a_wrong_one(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window.sources.open("steady:truth")
    wait_for_picture(window, qtbot)
    wrong, good = tmp_path / "wrong.json", tmp_path / "good.json"
    wrong.write_text('{"foo": 1}')
    good.write_text(LabelSet.load("sunrgbd13").to_json())
    window.label_sets.load(str(wrong))
    assert says(window, "wrong.json")
    window.label_sets.load(str(good))
    assert not says(window, "wrong.json")
    assert says(window, "good.json")


def test_recording_while_watching_and_opening_the_result(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.sources.open("steady:one")
    wait_for_picture(window, qtbot)
    window.refresh()
    qtbot.keyClick(window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: window.top_bar.record.isChecked(), timeout=5000)
    wait_for_recorded(window, qtbot, 5)
    qtbot.keyClick(window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: says(window, "Recorded"), timeout=8000)
    (file,) = (tmp_path / "recordings").glob("*.mcap")
    with open_recording(file) as recording:
        assert len(recording) >= 5
        assert recording.info.details["exposure"] == "10"
        assert recording.info.details["mode"].startswith("64x48")
        first = recording.read(0).index
    window.sources.open(str(file))
    wait_for_picture(window, qtbot)
    qtbot.waitUntil(lambda: not window.replay_bar.isHidden(), timeout=5000)
    playback = window.session.playback
    qtbot.waitUntil(lambda: playback.at_end, timeout=5000)
    playback.pause()  # Else a busy machine may never show the first frame before it plays on.
    qtbot.keyClick(window, Qt.Key.Key_Home)
    qtbot.waitUntil(lambda: window.presenter.segmentation.frame.index == first, timeout=5000)


def test_closing_while_recording_leaves_a_whole_file(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.sources.open("steady:one")
    wait_for_picture(window, qtbot)
    window.commands.run["toggle_recording"]()
    wait_for_recorded(window, qtbot, 3)
    window.close()
    assert window.isVisible()
    assert says(window, ".mcap is being recorded: quitting ends it and keeps what there is. Close once more to quit.")
    window.close()
    assert not window.isVisible()
    (file,) = (tmp_path / "recordings").glob("*.mcap")
    with open_recording(file) as recording:
        assert len(recording) >= 3
        assert not recording.info.warnings


def test_views_opacity_and_layout_come_back(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClick(window, Qt.Key.Key_4)
    window.presenter.change(opacity=0.3, near_m=0.5)
    window.close()
    saved = json.loads(window._saver.file.path.read_text())
    assert (saved["views"], saved["style"]["opacity"], saved["style"]["near_m"]) == (4, 0.3, 0.5)
    assert saved["geometry"]
    assert saved["state"]


def test_hiding_a_class_changes_the_picture(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.models.load(str(tmp_path / "one.safetensors"))
    window.sources.open("steady:one")
    wait_for_labels(window, qtbot)
    name = window.presenter.label_set.names[0]

    def left() -> tuple[int, ...]:
        return window.presenter.pictures.image("overlay").pixelColor(2, 20).getRgb()[:3]

    drawn = left()
    assert drawn != (200, 100, 50)
    window.presenter.toggle_hidden(name)
    assert left() == (200, 100, 50)
    window.presenter.show_all()
    assert left() == drawn


def test_what_was_done_is_said_without_moving_the_views(window: MainWindow, qtbot: QtBot) -> None:
    window.sources.open("steady:one")
    wait_for_picture(window, qtbot)
    window.say("snapshot", "the disk is full", "error")
    assert window.banners.texts == ("The disk is full.",)
    window.commands.run["copy_picture"]()
    assert "copied" in window.status_line.text
    assert window.banners.isHidden()


def test_the_key_answers_what_an_act_has_brought_before_a_hint_that_came_later(window: MainWindow) -> None:
    pressed: list[str] = []
    hint = Message("speed", "info", "It is slow.", "Choose", lambda: pressed.append("hint"), hint=True)
    window.banners.show_message(Message("export", "info", "Exported.", "Open it", lambda: pressed.append("export")))
    window.banners.show_message(hint)
    marked = {button.text(): button.property("answers") for button in window.banners.findChildren(QPushButton)}
    assert marked["Open it"]
    assert not marked["Choose"]
    window.commands.run["answer"]()
    window.banners.clear("export")
    window.commands.run["answer"]()
    assert pressed == ["export", "hint"]


def test_a_snapshot_holds_what_other_programs_need(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.models.load(str(tmp_path / "one.safetensors"))
    window.sources.open("steady:truth")
    wait_for_labels(window, qtbot)
    qtbot.keyClick(window, Qt.Key.Key_S)
    qtbot.waitUntil(lambda: says(window, "Snapshot saved"), timeout=5000)
    (folder,) = (tmp_path / "recordings" / "snapshots").iterdir()
    depth = cv2.imread(str(folder / "depth.png"), cv2.IMREAD_UNCHANGED)
    assert depth.dtype == np.uint16
    assert sorted(np.unique(depth)) == [0, 1000, 2000]
    facts = json.loads((folder / "snapshot.json").read_text())
    assert facts["calibration"]["depth_unit_m"] == 0.001
    assert len(facts["label_set"]["classes"]) == 13
    assert (folder / "overlay.png").is_file()


def test_a_control_reaches_the_camera_and_a_refusal_the_user(window: MainWindow, qtbot: QtBot) -> None:
    window.sources.open("steady:one")
    wait_for_picture(window, qtbot)
    window.source_panel.control_wanted.emit("exposure", 30)
    qtbot.waitUntil(lambda: window.session.controls()[0].value == 30, timeout=5000)
    window.source_panel.control_wanted.emit("exposure", 1000)
    qtbot.waitUntil(lambda: says(window, "must be 1 to 100"), timeout=5000)


def test_the_score_against_truth_is_shown(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.models.load(str(tmp_path / "one.safetensors"))
    window.sources.open("steady:truth")
    # Truth: half class 1, half class 2; seen: a quarter class 1. IoU 1/2 and 2/3, 3/4 of the pixels right.
    qtbot.waitUntil(lambda: "mIoU 0.583" in window.status_line.text, timeout=5000)
    assert "75.0%" in window.status_line.text


def test_closing_the_source_goes_back_to_the_start(window: MainWindow, qtbot: QtBot) -> None:
    window.sources.open("steady:one")
    wait_for_picture(window, qtbot)
    window.sources.close()
    qtbot.waitUntil(lambda: window.session.status().state is State.IDLE, timeout=5000)
    qtbot.waitUntil(lambda: window.stage.currentWidget() is window.welcome, timeout=5000)


def test_dropped_files_go_where_they_belong(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    model, nothing, bad = tmp_path / "one.safetensors", tmp_path / "gone.mcap", tmp_path / "bad.txt"
    model.write_bytes(b"x")
    bad.write_text("no recording")
    window.drops.open(model)
    qtbot.waitUntil(lambda: window.session.status().model.info is not None, timeout=5000)
    window.drops.open(nothing)
    assert says(window, "gone.mcap is not there")
    window.drops.open(bad)
    qtbot.waitUntil(lambda: says(window, "bad.txt", "no recording"), timeout=5000)


def test_commands_work_without_a_source(window: MainWindow) -> None:
    run, docks = window.commands.run, window.docks
    edges = window.presenter.display.edges
    run["toggle_edges"]()
    assert window.presenter.display.edges is not edges
    run["ruler"]()
    assert "first point" in window.status_line.text
    docks["Classes"].hide()
    run["find_class"]()
    assert docks["Classes"].isVisible()
    run["toggle_panels"]()
    assert not any(dock.isVisible() for dock in docks.values())
    run["toggle_panels"]()
    assert docks["Classes"].isVisible()
    overlay = window.findChild(KeysOverlay)
    run["show_keys"]()
    assert overlay.isVisible()
    run["show_keys"]()
    assert not overlay.isVisible()
    run["show_about"]()
    assert window.findChild(AboutDialog).isVisible()


def test_the_live_output_is_off_until_switched_on(window: MainWindow, qtbot: QtBot) -> None:
    pytest.importorskip("aiohttp")
    window.sources.open("steady:one")
    wait_for_picture(window, qtbot)
    assert window.live_output.server is None
    if not window.live_output.switch(True):
        pytest.skip("the port is taken on this machine")
    assert says(window, "ws://127.0.0.1:", "token=")
    assert not window.live_output.switch(False)
    assert not says(window, "ws://")


def test_the_panels_of_figures_fill_and_the_log_has_the_moment_on_screen(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.models.load(str(tmp_path / "one.safetensors"))
    for name in ("Plots", "Measurements", "Recording"):
        window.docks[name].show()
        window.docks[name].raise_()
    window.docks["Measurements"].raise_()
    window.sources.open("steady:one")
    wait_for_labels(window, qtbot)
    qtbot.waitUntil(lambda: len(window.plots_panel._curves) == 2, timeout=5000)
    qtbot.waitUntil(lambda: window.measure_panel.table.rowCount() == 2, timeout=5000)
    monkeypatch.setattr(window.session, "take", lambda: None)  # As if a replay were paused.
    window.measure_panel.log.click()
    (log,) = (tmp_path / "recordings").glob("*measurements.csv")
    qtbot.waitUntil(lambda: len(log.read_text().splitlines()) >= 3, timeout=5000)


def test_where_the_window_is_low_the_list_of_keys_scrolls_by_key(window: MainWindow, qtbot: QtBot) -> None:
    window.setWindowState(Qt.WindowState.WindowNoState)
    window.resize(640, 360)
    window.show()
    window.commands.run["show_keys"]()
    overlay = window.findChild(KeysOverlay)
    area = overlay.findChild(QScrollArea)
    qtbot.waitUntil(lambda: area.verticalScrollBar().maximum() > 0)
    qtbot.keyClick(overlay, Qt.Key.Key_PageDown)
    assert area.verticalScrollBar().value() > 0
    assert area.horizontalScrollBar().maximum() == 0
    qtbot.keyClick(overlay, Qt.Key.Key_X)
    assert overlay.isHidden()


class WindowsShown(QObject):
    """Notes every window that comes up."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[QObject] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.seen.append(watched)
        return False


@pytest.mark.parametrize("part", [None, 0.5])
def test_a_message_opens_no_window_of_its_own(window: MainWindow, part: float | None) -> None:
    shown = WindowsShown()
    QApplication.instance().installEventFilter(shown)
    window.banners.show_message(Message("one", "info", "Something has happened.", part=part))
    QApplication.instance().removeEventFilter(shown)
    assert shown.seen == []


def test_another_theme_repaints_the_icons_of_a_running_window(window: MainWindow) -> None:
    window.say("one", "A message with an icon.")

    def ink(button: QAbstractButton) -> int:
        """How light the drawn part of its icon is."""
        image = button.icon().pixmap(20, 20).toImage()
        drawn = [image.pixelColor(x, y) for x in range(20) for y in range(20)]
        return max(drawn, key=lambda color: color.alpha()).lightness()

    buttons = [button for button in window.findChildren(QAbstractButton) if button.property("line icon")]
    dark = [ink(button) for button in buttons]
    window.look.change("light")
    light = [ink(button) for button in buttons]
    assert window.settings.theme == "light"
    assert len(buttons) > 20
    assert all(after < before for before, after in zip(dark, light, strict=True))
    window.look.change("dark")


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_another_theme_is_drawn_everywhere_also_in_what_is_hidden_now(
    window: MainWindow, theme: Theme, qtbot: QtBot
) -> None:
    window.look.change("dark" if theme is LIGHT else "light")
    window.look.change(theme.name)
    model, recording = window.docks["Model"], window.docks["Recording"]
    quiet = [one for one in window.findChildren(QLabel) if one.objectName() == "quiet"]
    assert any(not one.isVisible() for one in quiet)
    qtbot.waitUntil(lambda: {one.palette().windowText().color().name() for one in quiet} == {theme.quiet})
    recording.show()
    places = [
        (window.top_bar, 1, 1, theme.panel),
        (window.top_bar.model, 12, 3, theme.raised),
        (window.classes.search, 12, 4, theme.raised),
        (window.classes, 1, 1, theme.panel),
        (model.widget(), 1, 1, theme.panel),
        (recording.widget(), 1, 1, theme.panel),
        (window.status_line, 1, 1, theme.panel),
        (window.welcome, 1, 1, theme.background),
    ]
    wanted = [color for *_, color in places]
    qtbot.waitUntil(lambda: [ink_at(widget, x, y) for widget, x, y, _ in places] == wanted)
    window.look.change("dark")


def ink_at(widget: QWidget, x: int, y: int) -> str:
    """A pixel of what is drawn there."""
    return widget.grab().toImage().pixelColor(x, y).name()


def test_panels_behind_each_other_have_one_row_of_tabs_and_leave_none_elsewhere(
    window: MainWindow, qtbot: QtBot
) -> None:
    def rows_of_tabs() -> list[set[str]]:
        bars = [bar for bar in window.findChildren(QTabBar) if bar.isVisible() and bar.x() >= 0 and bar.count()]
        return [{bar.tabText(tab) for tab in range(bar.count())} for bar in bars]

    window.docks["Recording"].show()
    qtbot.waitUntil(lambda: len(rows_of_tabs()) == 1 and {"Model", "Recording"} <= rows_of_tabs()[0], timeout=5000)


def test_the_start_page_takes_no_room_while_it_is_out_of_sight(window: MainWindow, qtbot: QtBot) -> None:
    def lowest() -> tuple[int, int]:
        QApplication.processEvents()
        return window.stage.minimumSizeHint().height(), window.middle.minimumSizeHint().height()

    window.show()
    window.sources.open("steady:one")
    wait_for_picture(window, qtbot)
    before = lowest()
    window.welcome.show_recent([f"steady:{number}" for number in range(4)])
    assert lowest() == before
    assert before[0] == window.grid.minimumHeight()
    window.sources.close()
    qtbot.waitUntil(lambda: window.stage.currentWidget() is window.welcome, timeout=5000)
    assert lowest()[0] > before[0]
