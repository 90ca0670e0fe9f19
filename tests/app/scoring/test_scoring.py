"""Scoring in the window: by class, with confusion, and from a worst picture to the frame itself."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.app.scoring.request import ScoreResult
from rgbd_seg.labelling.data_set import DataSet
from tests.app.conftest import LABELS, make_frame, make_segmentation
from tests.app.watching import says
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from rgbd_seg.app.window import MainWindow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four frames: the models of these tests are right in half of the first, the next two, and nothing of the last."""
    data = DataSet(tmp_path / "walk labels", LABELS)
    predicted = make_segmentation().labels
    assert predicted is not None
    for index in range(4):
        labels = predicted.copy() if index == 2 else np.where(predicted == 1, 2, 1).astype(np.uint8)
        if index < 2:
            labels[: 24 * (index + 1)] = predicted[: 24 * (index + 1)]
        data.save(f"{index:06d}", make_frame(index), labels, "done")
    return data.root


def test_models_are_scored_side_by_side_and_a_worst_frame_is_one_click_away(
    window: MainWindow, qtbot: QtBot, folder: Path, tmp_path: Path
) -> None:
    models = [("old", str(tmp_path / "old.safetensors")), ("bad", str(tmp_path / "bad.safetensors"))]
    window.scoring.ask(str(folder), [*models, ("new", str(tmp_path / "new.safetensors"))], go=True)
    dialog = window.scoring.dialog
    assert dialog is not None
    qtbot.waitUntil(lambda: bool(dialog.scores))
    assert "bad.safetensors is no model" in dialog.note.text()
    table = dialog.by_class
    columns = [table.horizontalHeaderItem(i).text() for i in range(table.columnCount())]
    assert columns == ["old", "new", "change"]
    assert table.item(0, 2).text() == "+0.000"
    # Columns of pixels: 2.5 x 16 right of 4 x 16 + 1.5 x 48, and 2.5 x 48 right of 4 x 48 + 1.5 x 16.
    assert [table.item(row, 0).text() for row in (2, 3)] == [f"{40 / 136:.3f}", f"{120 / 216:.3f}"]
    confusion = [[float(dialog.confusion.item(r, c).text()) for c in range(2)] for r in range(2)]
    assert all(sum(row) == pytest.approx(100, abs=1) for row in confusion)
    assert dialog.worst.count() == 4
    dialog.worst.itemClicked.emit(dialog.worst.item(0))
    qtbot.waitUntil(lambda: window.session.playback is not None and window.session.playback.position == 3)
    window.scoring._save_report(str(tmp_path / "page.html"))
    assert "mean IoU" in (tmp_path / "page.html").read_text()
    # A model that knows one of the classes alone: its mean is over that one, and is not set against the other's.
    first, second = dialog.scores
    one = replace(second.matching, names=second.matching.names[:1])
    dialog.show_result(ScoreResult({"old": first, "new": replace(second, matching=one, matrix=np.diag([0, 5]))}, {}))
    shown = [[table.item(row, column).text() for column in range(3)] for row in range(3)]
    assert [row[2] for row in shown[:2]] == ["–", "–"]
    assert shown[2] == [f"{40 / 136:.3f}", "1.000", f"{1 - 40 / 136:+.3f}"]


def test_only_the_frames_that_were_held_out_are_scored_and_quitting_meanwhile_says_so(
    window: MainWindow, qtbot: QtBot, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opener, may_open = window.session.model.opener, threading.Event()

    def late(*wanted: object) -> object:
        assert may_open.wait(PATIENCE_S)
        return opener(*wanted)

    monkeypatch.setattr(window.session.model, "opener", late)
    window.scoring.ask(str(folder), [("one", str(tmp_path / "one.safetensors"))], ["000002"], go=True)
    dialog = window.scoring.dialog
    assert dialog is not None
    window.close()
    assert window.isVisible()
    assert says(window, "Models are being scored", "Close once more")
    may_open.set()
    qtbot.waitUntil(lambda: bool(dialog.scores))
    qtbot.waitUntil(lambda: not says(window, "Close once more"))
    assert (dialog.scores[0].frames, dialog.by_class.item(0, 0).text()) == (1, "1.000")


def test_what_cannot_be_scored_is_said(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.commands.run["score_folder"]()
    dialog = window.scoring.dialog
    assert dialog is not None
    dialog._begin()
    assert dialog.note.text() == "Choose a labelled folder."
    dialog.folder.setText(str(tmp_path / "nowhere"))
    dialog._add_file(str(tmp_path / "one.safetensors"))
    dialog.begin.click()
    qtbot.waitUntil(lambda: "nowhere" in dialog.note.text())
    assert dialog.begin.isEnabled()
