"""Models in the window: loading, failing, what is remembered of them, and two at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rgbd_seg.app.model.controller import known_models
from rgbd_seg.app.settings import Settings
from rgbd_seg.inference.segmenter import SegmenterOptions
from rgbd_seg.pipeline.status import ModelState
from tests.app.conftest import HEIGHT, WIDTH
from tests.app.watching import says, wait_for_labels, wait_for_picture

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from rgbd_seg.app.window import MainWindow
    from tests.app.conftest import Models


def test_a_bad_model_leaves_the_running_one(window: MainWindow, models: object, qtbot: QtBot, tmp_path: Path) -> None:
    window.sources.open("steady:one")
    wait_for_picture(window, qtbot)
    window.models.load(str(tmp_path / "one.safetensors"))
    wait_for_labels(window, qtbot)
    qtbot.waitUntil(lambda: window.classes.model.rowCount() == 2, timeout=5000)
    window.models.load(str(tmp_path / "bad.safetensors"))
    qtbot.waitUntil(lambda: says(window, "bad.safetensors is no model", "goes on"), timeout=5000)
    assert window.session.status().model.info is not None
    assert models.opened[0].closed == 0


def test_a_model_is_remembered_once_it_is_loaded(
    window: MainWindow, models: object, qtbot: QtBot, tmp_path: Path
) -> None:
    one, bad = str(tmp_path / "one.safetensors"), str(tmp_path / "bad.safetensors")
    window.models.load(bad)
    qtbot.waitUntil(lambda: window.session.model.status.state is ModelState.FAILED, timeout=5000)
    window.refresh()
    assert (window.settings.model, window.settings.recent_models) == ("", ())
    window.models.load(one)
    qtbot.waitUntil(lambda: window.settings.model == one, timeout=5000)
    window.models.load(bad)
    qtbot.waitUntil(lambda: window.session.model.status.state is ModelState.FAILED, timeout=5000)
    window.refresh()
    assert (window.settings.model, window.settings.recent_models) == (one, (one,))
    window.models.reload(SegmenterOptions(device="cpu"))  # The one that runs, not the one that failed.
    qtbot.waitUntil(lambda: len(models.opened) == 2, timeout=5000)
    assert models.opened[1].info.origin == one


def test_models_whose_files_have_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    paths = [tmp_path / folder / name for folder, name in (("a", "my.onnx"), ("b", "my.onnx"), ("b", "other.onnx"))]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    known = known_models(Settings(model="", recent_models=tuple(map(str, paths))))
    assert [name for name, _ in known][-3:] == ["my.onnx in a", "my.onnx in b", "other.onnx"]


def test_another_source_keeps_the_model(window: MainWindow, models: object, qtbot: QtBot, tmp_path: Path) -> None:
    window.models.load(str(tmp_path / "one.safetensors"))
    for uri in ("steady:one", "steady:two"):
        window.sources.open(uri)
        wait_for_labels(window, qtbot)
    assert len(models.opened) == 1
    assert models.opened[0].closed == 0
    window.close()
    assert models.opened[0].closed == 1


def test_two_models_on_the_same_frames(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.models.load(str(tmp_path / "one.safetensors"))
    window.sources.open("steady:one")
    wait_for_labels(window, qtbot)
    window.comparisons.start(str(tmp_path / "two.safetensors"))
    assert window.grid.kinds == ("wipe", "difference", "labels", "cloud")
    panel = window.comparison_panel
    qtbot.waitUntil(lambda: "two.safetensors agrees on 100.0%" in panel.text.text(), timeout=5000)
    assert [panel.table.item(row, 1).text() for row in range(panel.table.rowCount())] == ["1.00", "1.00"]
    assert window.presenter.pictures.image("wipe") is not None
    window.grid.panes[1].kind_wanted.emit("color")
    panel.button.click()
    assert window.grid.kinds == ("overlay", "color", "labels", "cloud")
    assert panel.table.rowCount() == 0
    window.comparisons.start(str(tmp_path / "bad.safetensors"))
    qtbot.waitUntil(lambda: says(window, "second model was stopped", "bad.safetensors"), timeout=5000)
    assert window.session.status().model.info is not None


def test_a_comparison_begins_with_the_moment_on_screen(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.models.load(str(tmp_path / "one.safetensors"))
    window.sources.open("steady:one")
    wait_for_labels(window, qtbot)
    monkeypatch.setattr(window.session, "take", lambda: None)  # As if a replay were paused.
    window.comparisons.start(str(tmp_path / "two.safetensors"))
    qtbot.waitUntil(lambda: "agrees on 100.0%" in window.comparison_panel.text.text(), timeout=5000)
    assert "(1 frame)" in window.comparison_panel.text.text()
    assert window.presenter.pictures.image("wipe") is not None


def test_a_view_without_labels_says_whether_a_model_is_on_its_way(window: MainWindow, qtbot: QtBot) -> None:
    window.sources.open("steady:one")
    wait_for_picture(window, qtbot)
    for expected, words in ((True, "The model is loading"), (False, "No model is loaded")):
        window.presenter.expect_labels(expected)
        assert window.presenter._why_none("labels") == words
        assert window.presenter._note("overlay") == ("model is loading" if expected else "no model")


@pytest.mark.parametrize(("source", "size"), [("steady:one", (HEIGHT, WIDTH)), ("steady:broken", None), ("", None)])
def test_the_size_of_the_frames_is_known_when_a_model_is_opened(
    window: MainWindow, models: Models, qtbot: QtBot, tmp_path: Path, source: str, size: tuple[int, int] | None
) -> None:
    if source:
        window.sources.open(source)
    window.models.load(str(tmp_path / "one.safetensors"))
    qtbot.waitUntil(lambda: bool(models.opened), timeout=5000)
    assert models.frame_sizes == [size]
