"""Training from the window: the dialog's sentences, a run that belongs to no window, and loading its result."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import psutil
import pytest
from PySide6.QtCore import Qt

from rgbd_seg.app.training.run_folder import Stage, read_json, runs_in
from rgbd_seg.app.training.start_model import read_start_model
from rgbd_seg.app.widgets.theme import DARK, LIGHT
from rgbd_seg.assets import asset
from tests.app.training.stub import use_stub
from tests.app.watching import says
from tests.training.small_data import NAMES, write_folder
from tests.waiting import end_all, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from rgbd_seg.app.training.dialog import TrainingDialog
    from rgbd_seg.app.window import MainWindow

_PATIENCE_MS = 30_000


@pytest.fixture(scope="module", autouse=True)
def _pytorch_is_loaded() -> None:
    """Loads it before any waiting begins."""
    read_start_model(asset("models/demo.safetensors"))


@pytest.fixture
def window_with_stub(window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    """A window whose training is the stand-in; no run is left behind."""
    use_stub(tmp_path, monkeypatch)
    yield window
    for run in runs_in(window.training.folder):
        state = run.folder / "state.json"
        until(lambda state=state: isinstance(read_json(state).get("pid"), int), "the run's start")
        if run.state().stage.running:
            end_all([psutil.Process(read_json(state)["pid"])])


def ask(window: MainWindow, folder: Path, qtbot: QtBot) -> TrainingDialog:
    """Opens the dialog on a folder, with nothing to start from; waits until both are known."""
    window.training.ask(str(folder))
    dialog = window.training._dialog
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog._start is not None, timeout=_PATIENCE_MS)
    dialog.start.setCurrentIndex(dialog.start.count() - 1)
    dialog.start.activated.emit(dialog.start.currentIndex())
    qtbot.waitUntil(lambda: "Looking" not in dialog._note.text(), timeout=_PATIENCE_MS)
    return dialog


def test_the_dialog_says_what_is_wrong_and_starts_nothing(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    dialog = ask(window, tmp_path / "nowhere", qtbot)
    assert "There is no folder" in dialog._note.text()
    dialog._accept()
    dialog.folder.setText(str(write_folder(tmp_path / "small", 6)))
    dialog.folder.editingFinished.emit()
    qtbot.waitUntil(lambda: "6 labelled pictures" in dialog._about_data.text(), timeout=_PATIENCE_MS)
    assert dialog._note.text() == ""
    assert dialog.chosen_classes == NAMES
    dialog.classes.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert dialog.chosen_classes == NAMES[1:]
    dialog._pick_classes("None")
    assert "Choose at least one class" in dialog._note.text()
    dialog._pick_classes("All")
    dialog.name.setText("")
    assert "Give the model a name" in dialog._note.text()
    dialog._accept()
    dialog.start.addItem("bad", str(tmp_path / "bad.safetensors"))
    dialog.start.setCurrentIndex(dialog.start.count() - 1)
    dialog.start.activated.emit(dialog.start.currentIndex())
    qtbot.waitUntil(lambda: "bad.safetensors" in dialog._note.text(), timeout=_PATIENCE_MS)
    assert runs_in(window.training.folder) == []


def test_a_run_outlives_its_window_and_its_model_is_loaded_with_one_click(
    window_with_stub: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window = window_with_stub
    dialog = ask(window, write_folder(tmp_path / "small", 6), qtbot)
    dialog.begin.click()
    qtbot.waitUntil(lambda: window.training._dialog is None, timeout=_PATIENCE_MS)
    (run,) = runs_in(window.training.folder)
    qtbot.waitUntil(lambda: "mIoU 0.400" in window.training_panel.text.text(), timeout=_PATIENCE_MS)
    assert window.training_panel.stop.isVisible()
    window.close()
    assert window.isVisible()
    assert says(window, "“small” is being trained: that goes on without the window", "Close once more")
    process = psutil.Process(read_json(run.folder / "state.json")["pid"])
    assert process.ppid() != os.getpid()
    assert os.getsid(process.pid) != os.getsid(0)
    second = ask(window, tmp_path / "small", qtbot)
    second.begin.click()
    assert "is being trained" in second._note.text()
    second.close()
    # What another window would see: it knows nothing but the folder.
    window.training._stages.clear()
    window.docks["Training"].hide()
    qtbot.waitUntil(lambda: says(window, "“small” is being trained."), timeout=_PATIENCE_MS)
    window.training.show_panel()
    window.training_panel.stop.click()
    qtbot.waitUntil(lambda: says(window, "“small” is trained"), timeout=_PATIENCE_MS)
    assert run.state().stage is Stage.FINISHED
    qtbot.waitUntil(window.training_panel.load.isVisible, timeout=_PATIENCE_MS)
    assert len(window.training_panel._curves["training"].xData) > 1
    window.training_panel.load.click()
    qtbot.waitUntil(lambda: window.session.status().model.info is not None, timeout=_PATIENCE_MS)
    loaded = str(run.folder / "small.safetensors")
    qtbot.waitUntil(lambda: window.settings.model == loaded, timeout=_PATIENCE_MS)


def test_labels_that_a_model_made_are_never_trained_on_by_one_click(
    window_with_stub: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window = window_with_stub
    folder = write_folder(tmp_path / "small", 6)
    labels = {"classes": list(NAMES), "made_by": [{"model": "a demo", "sha256": "ab" * 32, "how": "float32"}]}
    (folder / "labels.json").write_text(json.dumps(labels))
    dialog = ask(window, folder, qtbot)
    assert dialog.predictions.isVisible()
    assert dialog.predictions.text() == "Train on labels predicted by a demo, which are no truth"
    assert not dialog.predictions.isChecked()
    assert not dialog.begin.isEnabled()
    assert "tick that they are to be trained on" in dialog._note.text()
    dialog.begin.click()
    dialog._accept()
    assert runs_in(window.training.folder) == []
    dialog.predictions.click()
    assert dialog.begin.isEnabled()
    dialog.folder.setText(str(write_folder(tmp_path / "other", 6)))
    dialog.folder.editingFinished.emit()
    qtbot.waitUntil(lambda: not dialog.predictions.isVisible(), timeout=_PATIENCE_MS)
    dialog.folder.setText(str(folder))  # A tick holds for the folder that it was made for.
    dialog.folder.editingFinished.emit()
    qtbot.waitUntil(dialog.predictions.isVisible, timeout=_PATIENCE_MS)
    assert not dialog.begin.isEnabled()
    dialog.predictions.click()
    dialog.begin.click()
    qtbot.waitUntil(lambda: len(runs_in(window.training.folder)) == 1, timeout=_PATIENCE_MS)


def test_a_failed_run_says_why(window_with_stub: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window = window_with_stub
    dialog = ask(window, write_folder(tmp_path / "small", 6), qtbot)
    dialog.name.setText("doomed")
    dialog.begin.click()
    qtbot.waitUntil(lambda: says(window, "doomed", "the loss became nan"), timeout=_PATIENCE_MS)
    qtbot.waitUntil(lambda: "Failed: the loss became nan" in window.training_panel.text.text(), timeout=_PATIENCE_MS)
    assert not window.training_panel.load.isVisible()


def test_another_theme_repaints_the_curves(window: MainWindow, qtbot: QtBot) -> None:
    window.training.show_panel()
    panel = window.training_panel
    qtbot.waitUntil(lambda: panel._plots is not None)
    for theme in (LIGHT, DARK):
        window.look.change(theme.name)
        assert panel._plots.backgroundBrush().color().name() == theme.panel
        assert panel._curves["training"].opts["pen"].color().name() == theme.accent
        assert all(theme.text in label.item.toHtml() for _, label in panel._legend.items)
        assert all(plot.getAxis("left").textPen().color().name() == theme.quiet for plot in panel._subplots)


def test_in_a_column_the_panel_is_whole_and_its_curves_are_below(window: MainWindow, qtbot: QtBot) -> None:
    window.setWindowState(Qt.WindowState.WindowNoState)
    window.resize(960, 540)
    window.show()
    qtbot.waitUntil(lambda: window.panels.compact)
    window.docks["Training"].show()
    window.docks["Training"].raise_()
    panel = window.training_panel
    qtbot.waitUntil(lambda: panel._plots is not None and panel._plots.y() > 0)
    assert panel.width() < 400
    assert panel.rect().contains(panel._controls.geometry())
    assert panel._plots.y() >= panel._controls.geometry().bottom()
