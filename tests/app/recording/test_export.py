"""Exports from the window: through the dialog, whole and a range, labelled anew, and cancelled half-way."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialogButtonBox, QPushButton

from rgbd_seg.pipeline.offline.job import JobStatus, progress_text
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.exports.formats import FORMATS
from rgbd_seg.recording.mcap.writer import RecordingWriter
from tests.app.conftest import CALIBRATION, HalvesModel, make_frame, make_segmentation
from tests.app.watching import says
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from rgbd_seg.app.recording.export_dialog import ExportDialog
    from rgbd_seg.app.window import MainWindow
    from rgbd_seg.frame import RgbdFrame, Segmentation

FRAMES = 12


def press(window: MainWindow, word: str, qtbot: QtBot) -> None:
    """The button of a message."""
    (button,) = (b for b in window.banners.findChildren(QPushButton) if b.text() == word and b.isVisible())
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.fixture
def replay(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> MainWindow:
    """A window in which a recording is open and paused."""
    path = tmp_path / "walk.mcap"
    with RecordingWriter(path, CALIBRATION) as writer:
        for index in range(FRAMES):
            frame = make_frame(index)
            frame = type(frame)(frame.color, frame.depth, CALIBRATION, index, 1_000_000_000 + index * 50_000_000)
            writer.write(frame)
    window.sources.open(str(path))
    qtbot.waitUntil(lambda: window.session.playback is not None, timeout=8000)
    qtbot.waitUntil(lambda: not window.replay_bar.isHidden(), timeout=8000)
    window.session.playback.pause()
    return window


def asked(window: MainWindow, to: str) -> ExportDialog:
    """The dialog, with a format chosen."""
    window.commands.run["export_recording"]()
    dialog = window.exports.dialog
    assert dialog is not None
    dialog.format.setCurrentIndex(list(FORMATS).index(to))
    return dialog


def agree(dialog: ExportDialog, qtbot: QtBot) -> None:
    (button,) = (b for b in dialog.findChild(QDialogButtonBox).buttons() if b.text() == "Export")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


class SlowModel(HalvesModel):
    """Gives two frames and then waits until it may go on."""

    def __init__(self) -> None:
        super().__init__("slow.safetensors")
        self.calls = 0
        self.may_go_on = threading.Event()

    def __call__(self, frame: RgbdFrame) -> Segmentation:
        self.calls += 1
        if self.calls > 2:
            assert self.may_go_on.wait(PATIENCE_S)
        return super().__call__(frame)


@pytest.fixture
def slow_model(replay: MainWindow, monkeypatch: pytest.MonkeyPatch) -> SlowModel:
    """What every export with a model gets."""
    model = SlowModel()
    monkeypatch.setattr(replay.session.model, "opener", lambda _path, _options, _progress: model)
    return model


@pytest.fixture
def labelled(replay: MainWindow, tmp_path: Path) -> Callable[[], ExportDialog]:
    """Opens a dialog for a folder with labels from a model."""

    def ask() -> ExportDialog:
        dialog = asked(replay, "folder")
        dialog.labels.setCurrentIndex(2)
        dialog._take_model(str(tmp_path / "slow.safetensors"))  # What the file dialog calls.
        return dialog

    return ask


def test_only_recordings_can_be_exported(window: MainWindow) -> None:
    window.commands.run["export_recording"]()
    assert says(window, "Only recordings can be exported")
    assert window.exports.dialog is None


def test_the_marked_range_in_every_format(replay: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    replay.replay_bar.range = (3, 7)
    made = set()
    for to in FORMATS:
        dialog = asked(replay, to)
        assert (dialog.first.value(), dialog.last.value()) == (4, 8)
        if to == "tum":
            dialog.step.setValue(2)
            assert ": 3 in" in dialog._length.text()
        target = tmp_path / "recordings" / dialog.target.text().rpartition("/")[2]
        count = 3 if to == "tum" else 5
        agree(dialog, qtbot)
        qtbot.waitUntil(lambda name=target.name, n=count: says(replay, f"Exported {n} frames", name), timeout=10000)
        made.add(target.name)
        assert {path.name for path in target.parent.iterdir()} == made
        if to in ("mcap", "folder", "tum", "sunrgbd"):
            with open_recording(target) as exported:
                assert len(exported) == count
                depth_m = exported.read(0).depth * exported.read(0).calibration.depth_unit_m
                assert np.allclose(depth_m, make_frame().depth * 0.001)
                assert exported.times_us[1] == (100_000 if to == "tum" else 50_000) or to == "sunrgbd"  # Has no times.


def test_the_result_opens_with_one_click_and_is_never_overwritten(replay: MainWindow, qtbot: QtBot) -> None:
    agree(asked(replay, "tum"), qtbot)
    qtbot.waitUntil(lambda: says(replay, f"Exported {FRAMES} frames"), timeout=10000)
    second = asked(replay, "tum")
    assert second.target.text().endswith("walk tum 2")
    second.target.setText(second.target.text().removesuffix(" 2"))
    agree(second, qtbot)
    assert replay.exports.job is None
    assert second.isVisible()
    second.close()
    press(replay, "Open it", qtbot)
    qtbot.waitUntil(lambda: replay.session.uri.endswith("walk tum"), timeout=8000)


def test_cancelled_half_way_leaves_nothing(
    replay: MainWindow, slow_model: SlowModel, labelled: Callable[[], ExportDialog], qtbot: QtBot, tmp_path: Path
) -> None:
    agree(labelled(), qtbot)
    qtbot.waitUntil(lambda: says(replay, f"2 of {FRAMES} frames"), timeout=10000)
    replay.commands.run["export_recording"]()  # There is one already.
    assert replay.exports.dialog is None
    replay.close()
    assert replay.isVisible()
    assert says(replay, "The export to", "nothing is left of it", "Close once more")
    press(replay, "Cancel", qtbot)
    assert says(replay, "Cancelling")
    slow_model.may_go_on.set()
    qtbot.waitUntil(lambda: says(replay, "was cancelled"), timeout=10000)
    qtbot.waitUntil(lambda: not says(replay, "Close once more"))
    assert list((tmp_path / "recordings").iterdir()) == []
    assert slow_model.closed == 1
    assert slow_model.calls == 3


def test_labelled_anew_by_another_model(
    replay: MainWindow, slow_model: SlowModel, labelled: Callable[[], ExportDialog], qtbot: QtBot
) -> None:
    slow_model.may_go_on.set()
    dialog = labelled()
    target = dialog.target.text()
    agree(dialog, qtbot)
    qtbot.waitUntil(lambda: says(replay, f"Exported {FRAMES} frames"), timeout=10000)
    with open_recording(target) as exported:
        assert np.array_equal(exported.read(FRAMES - 1).prediction.labels, make_segmentation().labels)
    assert says(replay, "has labels to train a model on")
    press(replay, "Open it", qtbot)
    qtbot.waitUntil(lambda: replay.session.uri == target)


def test_the_banner_and_the_data_set_say_that_a_model_made_the_labels(
    replay: MainWindow, slow_model: SlowModel, labelled: Callable[[], ExportDialog], qtbot: QtBot, tmp_path: Path
) -> None:
    slow_model.may_go_on.set()
    dialog = labelled()
    dialog.format.setCurrentIndex(list(FORMATS).index("folder"))
    dialog.target.setText(str(tmp_path / "set"))
    agree(dialog, qtbot)
    qtbot.waitUntil(lambda: says(replay, "The labels are predictions of", "not truth"), timeout=10000)
    made_by = json.loads((tmp_path / "set" / "labels.json").read_text())["made_by"]
    assert [one["model"] for one in made_by] == [make_segmentation().model]


def test_closing_the_window_leaves_nothing_half_written(
    replay: MainWindow, slow_model: SlowModel, labelled: Callable[[], ExportDialog], qtbot: QtBot, tmp_path: Path
) -> None:
    agree(labelled(), qtbot)
    qtbot.waitUntil(lambda: says(replay, f"2 of {FRAMES} frames"), timeout=10000)
    threading.Timer(0.3, slow_model.may_go_on.set).start()
    replay.close_now()
    assert list((tmp_path / "recordings").iterdir()) == []


def test_a_place_that_cannot_be_written_becomes_a_message(replay: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    dialog = asked(replay, "tum")
    dialog.target.setText(str(tmp_path / "file" / "inside"))
    agree(dialog, qtbot)
    assert "is a file" in dialog._note.text()
    dialog.target.setText("/proc/walk")  # A folder in which nobody can make one.
    agree(dialog, qtbot)
    qtbot.waitUntil(lambda: says(replay, "Cannot write into"), timeout=10000)


def test_a_typed_name_stays_when_the_format_changes(replay: MainWindow, tmp_path: Path) -> None:
    dialog = asked(replay, "tum")
    assert not dialog.point_step.isVisible()
    dialog.target.setText(str(tmp_path / "mine.v2"))
    for to, name in (("mp4", "mine.v2.mp4"), ("mcap", "mine.v2.mcap"), ("ply", "mine.v2")):
        dialog.format.setCurrentIndex(list(FORMATS).index(to))
        assert dialog.target.text() == str(tmp_path / name)
    assert dialog.point_step.isVisible()
    dialog.first.setValue(FRAMES)
    dialog.last.setValue(1)
    dialog.close()


def test_progress_in_words() -> None:
    assert progress_text(JobStatus()) == "beginning"
    assert progress_text(JobStatus(text="loading the model, reading, 50 %")) == "loading the model, reading, 50 %"
    assert progress_text(JobStatus(3, 10, left_s=1.0)) == "3 of 10 frames"
    assert progress_text(JobStatus(3, 1000, left_s=42.4)) == "3 of 1000 frames, about 42 s left"
    assert progress_text(JobStatus(3, 10000, left_s=600.0)) == "3 of 10000 frames, about 10 min left"
