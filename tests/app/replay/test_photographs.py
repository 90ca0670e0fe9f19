"""Folders of single photographs, and which file is on screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import Qt

from rgbd_seg.recording import open_recording
from rgbd_seg.recording.pictures.sequence import follow_each_other
from tests.app.watching import says, wait_for_picture
from tests.recording.picture_trees import HEIGHT, WIDTH, depth_of, write_color, write_gray, write_pairs

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from rgbd_seg.app.window import MainWindow


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Four pictures that have nothing in common, with the numbers of a larger collection."""
    folder = tmp_path / "holidays"
    noise = np.random.default_rng(5)
    for frame, number in enumerate((17, 1200, 3265, 3266)):
        write_color(folder / "image" / f"{number:06d}.png", noise.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8))
        write_gray(folder / "depth" / f"{number:06d}.png", depth_of(frame))
    return folder


def test_neighbours_tell_a_video_from_photographs(photographs: Path, tmp_path: Path) -> None:
    write_pairs(tmp_path / "walk", 4)
    with open_recording(tmp_path / "walk") as walk, open_recording(photographs) as single:
        assert not walk.info.is_timed
        assert follow_each_other(walk)
        assert not follow_each_other(single)
    with open_recording(photographs, fps="5") as told:
        assert told.info.is_timed


def test_photographs_stand_still_and_each_is_called_by_its_file(
    window: MainWindow, qtbot: QtBot, photographs: Path
) -> None:
    window.sources.open(str(photographs))
    wait_for_picture(window, qtbot)
    window.refresh()
    playback = window.session.playback
    assert (playback.paused, playback.position, playback.fps) == (True, 0, pytest.approx(1.0))
    assert says(window, "do not follow each other")
    assert window.replay_bar._file.text().endswith("000017.png")
    qtbot.keyClick(window, Qt.Key.Key_Right)
    qtbot.keyClick(window, Qt.Key.Key_Right)
    assert window.replay_bar._file.text().endswith("003265.png")
    assert "frame 3/4" in window.replay_bar._frame.text()
    assert window.replay_bar._file.toolTip() == str(photographs / "image" / "003265.png")
