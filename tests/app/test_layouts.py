"""Arrangements of the window by name, and as files that a stranger may have written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt

from rgbd_seg.app.layouts.layout import BUILT_IN, PANELS, accepted, read_layout, to_json
from rgbd_seg.app.settings import SettingsFile
from rgbd_seg.errors import ConfigurationError
from tests.app.watching import wait_for_labels

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from rgbd_seg.app.window import MainWindow


def shown(window: MainWindow) -> set[str]:
    return {name for name, dock in window.docks.items() if not dock.isHidden()}


def test_layouts_are_kept_by_name_and_carried_as_files(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    assert set(PANELS) == set(window.docks)
    window.layouts.apply(BUILT_IN["Measuring"])
    assert shown(window) == {"Measurements", "Plots"}
    window.commands.run["four_views"]()
    window.layouts.save("bench")
    window.layouts.apply(BUILT_IN["Looking"])
    assert (window.grid.count, shown(window)) == (2, {"Classes", "Model"})
    window.layouts.export("bench", str(tmp_path / "bench.json"))
    window.layouts.delete("bench")
    assert window.settings.layouts == {}
    window.layouts.take(str(tmp_path / "bench.json"))
    assert (window.grid.count, shown(window)) == (4, {"Measurements", "Plots"})
    assert SettingsFile(tmp_path / "again.json").save(window.settings) == ""
    assert SettingsFile(tmp_path / "again.json").read()[0].layouts == window.settings.layouts
    assert "Layouts: bench" in [entry.text for entry in window.commands.entries()]
    window.layouts.save("Looking")
    assert "built in" in window.banners.texts[-1]


def test_presenting_fills_the_screen_and_gives_it_back(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.models.load(str(tmp_path / "one.safetensors"))
    window.sources.open("steady:one")
    wait_for_labels(window, qtbot)
    before = window.layouts.current
    window.layouts.apply(BUILT_IN["Presenting"])
    window.refresh()
    assert window.isFullScreen()
    assert not shown(window)
    assert window.top_bar.isHidden()
    assert "books" in window.legend.text()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert window.layouts.current.panes == before.panes
    assert shown(window) == {place.name for place in before.panels}
    assert window.legend.isHidden()
    assert not window.top_bar.isHidden()


def test_labelling_begins_label_mode_where_there_is_a_picture(window: MainWindow, qtbot: QtBot) -> None:
    window.sources.open("steady:one")
    qtbot.waitUntil(lambda: window.presenter.segmentation is not None)
    window.layouts.apply(BUILT_IN["Labelling"])
    assert window.labelling.active
    window.layouts.apply(BUILT_IN["Looking"])
    assert not window.labelling.active


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"views": 3}, "views is 1, 2 or 4"),
        ({"views": True}, "views is 1, 2 or 4"),
        ({"panes": ["overlay"] * 3}, "panes are four of"),
        ({"panes": ["overlay", "depth", "labels", {}]}, "panes are four of"),
        ({"panels": [{"name": "Classes", "side": "top"}]}, "a side of left"),
        ({"panels": [{"name": ["Classes"], "side": "left"}]}, "a side of left"),
        ({"panels": [{"name": "Classes", "side": "left", "width": 10**9}]}, "40 to 4000 pixels"),
        ({"panels": [{"name": "Classes", "side": "left"}] * 2}, "twice"),
        ({"panels": [0] * 100}, "at most 8"),
        ({"legend": 1}, "legend is true or false"),
        ({"name": "Looking"}, "built in"),
        ({"name": "a\nb"}, "a line of"),
        ({"rgbd_seg_layout": 2}, "no layout of this program"),
    ],
)
def test_a_strangers_file_is_data(tmp_path: Path, change: dict[str, object], words: str) -> None:
    data = json.loads(to_json("mine", BUILT_IN["Measuring"]))
    assert accepted(data) == BUILT_IN["Measuring"]
    path = tmp_path / "layout.json"
    path.write_text(json.dumps(data | change))
    with pytest.raises(ConfigurationError, match=words):
        read_layout(path)
    path.write_text("[" * 90_000)
    with pytest.raises(ConfigurationError, match="not JSON"):
        read_layout(path)
