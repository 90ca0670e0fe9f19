"""Mistakes that can be taken back: the list of steps, the words for them, and Ctrl+Z in the window."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt

from rgbd_seg.app.settings import Settings
from rgbd_seg.app.undo import MAX_STEPS, Step, UndoHistory, describe, differing
from rgbd_seg.app.view.display import Display

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from rgbd_seg.app.window import MainWindow


class Number:
    """Something with a value that steps change."""

    def __init__(self) -> None:
        self.value = 0

    def step(self, value: int, key: str = "") -> Step:
        before, self.value = self.value, value
        return Step(f"to {value}", lambda: setattr(self, "value", before), lambda: setattr(self, "value", value), key)


def test_steps_go_back_and_forth() -> None:
    number, history = Number(), UndoHistory()
    for value in (1, 2, 3):
        history.add(number.step(value))
    history.undo()
    history.undo()
    assert (number.value, history.done, history.undone) == (1, ("to 1",), ("to 2", "to 3"))
    history.redo()
    assert number.value == 2
    history.add(number.step(7))
    assert history.redo() is None
    assert history.done == ("to 7", "to 2", "to 1")


def test_a_dragged_slider_is_one_step_and_the_list_is_bounded() -> None:
    now = [0.0]
    number, history = Number(), UndoHistory(lambda: now[0])
    for value in range(1, 40):
        now[0] += 0.02
        history.add(number.step(value, "slider"))
    assert history.done == ("to 39",)
    now[0] += 5.0
    history.add(number.step(50, "slider"))
    history.undo()
    history.undo()
    assert number.value == 0
    for value in range(3 * MAX_STEPS):
        history.add(number.step(value))
    assert len(history.done) == MAX_STEPS


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hidden": frozenset({"floor_mat"})}, "hide floor mat"),
        ({"solo": "chair"}, "show chair alone"),
        ({"colors": {"table": (1, 2, 3)}}, "colour of table"),
        ({"names": {"table": "desk"}}, "rename table"),
        ({"near_m": 0.4, "far_m": 2.0}, "depth range"),
        ({"opacity": 0.2}, "opacity"),
        ({"colors": {"a": (1, 2, 3)}, "names": {"a": "b"}}, "load label set"),
    ],
)
def test_changes_have_words(changes: dict[str, object], words: str) -> None:
    assert describe(Display(), replace(Display(), **changes)) == words


def test_what_follows_the_pointer_is_no_step() -> None:
    assert differing(Display(), Display(lit="chair", wipe=0.2)) == ({}, {})


def test_ctrl_z_takes_back_and_says_so(window: MainWindow, qtbot: QtBot) -> None:
    presenter = window.presenter
    assert not window.top_bar.undo.isEnabled()
    presenter.toggle_hidden("chair")
    presenter.color("table", (1, 2, 3))
    presenter.rename("bed", "couch")
    assert "rename bed" in window.top_bar.undo.toolTip()
    window.undos.menu.aboutToShow.emit()
    assert [a.text() for a in window.undos.menu.actions()] == [
        "Undo rename bed",
        "Undo colour of table",
        "Undo hide chair",
    ]
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert presenter.display.names == {}
    assert "Undone: rename bed" in window.status_line.text
    window.status_line.show_probe("(1, 2) chair")  # The next picture does not take the sentence away,
    assert "Undone: rename bed" in window.status_line.text
    window.status_line.show_notice("", 0)
    qtbot.waitUntil(lambda: "(1, 2) chair" in window.status_line.text, timeout=5000)  # and it goes by itself.
    window.undos.undo_several(2)
    assert (presenter.display.colors, presenter.display.hidden) == ({}, frozenset())
    window.undos.redo()
    assert presenter.display.hidden == {"chair"}


def test_the_source_and_the_model_come_back(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    one, two = str(tmp_path / "one.safetensors"), str(tmp_path / "two.safetensors")
    window.sources.open("steady:one")
    for path in (one, two):
        window.models.load(path)
        qtbot.waitUntil(lambda p=path: getattr(window.session.status().model.info, "origin", "") == p, timeout=5000)
    qtbot.waitUntil(lambda: window.settings.model == two, timeout=5000)
    window.undos.undo()
    qtbot.waitUntil(lambda: window.session.status().model.info.origin == one, timeout=5000)
    qtbot.waitUntil(lambda: window.settings.model == one, timeout=5000)
    assert window.undos.history.done == ("load one.safetensors",)  # What an undo loads is no new step.
    window.undos.redo()
    qtbot.waitUntil(lambda: window.settings.model == two, timeout=5000)
    window.sources.close()
    window.undos.undo()
    qtbot.waitUntil(lambda: window.presenter.segmentation is not None, timeout=5000)
    assert window.session.uri == "steady:one"


def test_settings_are_carried_reset_and_taken_back(window: MainWindow, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    window.presenter.change(opacity=0.2, palette="colour-blind")
    window.grid.show_count(4)
    window.remember(replace(window.settings, recent_sources=("steady:one",)))
    window.settings_control.save(str(file))
    assert json.loads(file.read_text())["style"]["opacity"] == 0.2
    window.settings_control.reset()
    assert (window.presenter.display.opacity, window.grid.count) == (Settings().style.opacity, Settings().views)
    assert window.settings.recent_sources == ("steady:one",)
    window.undos.undo()
    assert (window.presenter.display.opacity, window.presenter.display.palette) == (0.2, "colour-blind")
    window.settings_control.forget_recent()
    assert window.settings.recent_sources == ()
    window.undos.undo()
    assert window.settings.recent_sources == ("steady:one",)
    window.settings_control.reset()
    window.settings_control.load(str(file))
    assert (window.presenter.display.opacity, window.grid.count) == (0.2, 4)
    assert "Settings loaded" in window.status_line.text


def test_settings_that_do_not_fit_are_named_and_a_file_of_something_else_changes_nothing(
    window: MainWindow, tmp_path: Path
) -> None:
    file = tmp_path / "mine.json"
    file.write_text('{"views": 9, "style": {"opacity": 0.3, "edges": "often"}, "moon": 1}')
    window.settings_control.load(str(file))
    assert window.presenter.display.opacity == 0.3
    assert any("edges, moon, views" in text for text in window.banners.texts)
    for text in ("{}", '{"name": "rooms", "classes": []}'):
        file.write_text(text)
        window.settings_control.load(str(file))
        assert any("“mine.json” holds no settings" in text for text in window.banners.texts)
        assert window.presenter.display.opacity == 0.3


def test_a_broken_settings_file_from_elsewhere_stays_where_it_is(window: MainWindow, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text("[")
    window.settings_control.load(str(file))
    assert any("could not be read" in text for text in window.banners.texts)
    assert file.read_text() == "["
