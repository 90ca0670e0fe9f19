"""A camera that was recorded with a model: its labels are shown as that model's, compared, and never scored against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rgbd_seg.frame import Segmentation
from rgbd_seg.recording.mcap.writer import RecordingWriter
from tests.app.conftest import CALIBRATION, make_frame, make_segmentation

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from rgbd_seg.app.window import MainWindow


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "seen.mcap"
    with RecordingWriter(path, CALIBRATION) as writer:
        for index in range(3):
            one = make_segmentation(index)
            writer.write(one.frame, one)
    return path


def test_they_are_shown_without_a_model_and_compared_with_one(
    window: MainWindow, recording: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    window.sources.open(str(recording))
    qtbot.waitUntil(lambda: window.presenter.segmentation is not None)
    window.grid.show_kinds(("recorded", "truth", *window.grid.kinds[2:]))
    window.presenter.tick()
    recorded, truth = (next(p for p in window.grid.panes if p.kind == kind) for kind in ("recorded", "truth"))
    assert recorded.view.image is not None
    assert truth.view.image is None
    assert [row.share for row in window.presenter.rows] == [0.75, 0.25]
    window.models.load(str(tmp_path / "one.safetensors"))
    qtbot.waitUntil(lambda: window.presenter.agreement.frames > 0, timeout=10_000)
    window.presenter.tick()
    assert "agrees with the recorded labels on 100.0%" in window.status_line.text
    assert "mIoU" not in window.status_line.text
    assert window.presenter.scores.frames == 0


def test_a_snapshot_keeps_them_apart_from_truth(tmp_path: Path) -> None:
    from dataclasses import replace

    from rgbd_seg.app.recording.snapshot import save_snapshot

    one = make_segmentation()
    frame = replace(make_frame(), prediction=one.prediction)
    folder = save_snapshot(tmp_path, Segmentation(frame), None, None)
    names = {path.name for path in folder.iterdir()}
    assert "recorded_labels.png" in names
    assert "truth.png" not in names
