"""Small pictures on the timeline of a recording."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.app.replay.thumbnails import HEIGHT_PX, MOST, Thumbnails, spread
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.recording.mcap.writer import RecordingWriter
from tests.app.conftest import CALIBRATION, make_frame
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from rgbd_seg.app.window import MainWindow


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A hundred frames that grow lighter."""
    path = tmp_path / "lighter.mcap"
    with RecordingWriter(path, CALIBRATION, name="lighter") as writer:
        for index in range(100):
            frame = make_frame(index)
            color = np.full_like(frame.color, 2 * index)
            writer.write(RgbdFrame(color, frame.depth, CALIBRATION, index, 1_000_000_000 + index * 50_000_000))
    return path


@pytest.mark.parametrize(("length", "count"), [(1, 8), (5, 8), (100, 8), (1000, 32)])
def test_positions_cover_the_recording_each_once_ends_included(length: int, count: int) -> None:
    positions = spread(length, count)
    assert len(set(positions)) == len(positions) == min(length, count)
    assert {0, length - 1} <= set(positions)
    assert positions[0] == 0


def test_an_empty_recording_has_none() -> None:
    assert spread(0, 8) == []


def test_there_are_so_many_and_no_more_and_they_are_small(recording: Path) -> None:
    done = threading.Event()
    made: list[Thumbnails] = []

    def woken() -> None:
        if made and len(made[0].pictures) == MOST:
            done.set()

    made.append(Thumbnails(recording, {}, woken))
    assert done.wait(PATIENCE_S)
    pictures = made[0].pictures
    made[0].close(5.0)
    assert all(picture.shape == (HEIGHT_PX, round(HEIGHT_PX * 4 / 3), 3) for picture in pictures.values())
    for position, picture in pictures.items():
        assert abs(int(picture.mean()) - 2 * position) <= 2


def test_a_file_that_is_no_recording_gives_none(tmp_path: Path) -> None:
    bad = tmp_path / "bad.mcap"
    bad.write_bytes(b"nothing")
    thumbnails = Thumbnails(bad, {}, lambda: None)
    thumbnails.close(5.0)
    assert thumbnails.pictures == {}


def test_the_timeline_shows_them_and_forgets_them_with_the_source(
    window: MainWindow, qtbot: QtBot, recording: Path
) -> None:
    timeline = window.replay_bar.timeline
    window.sources.open(str(recording))
    qtbot.waitUntil(lambda: 99 in timeline._thumbnails, timeout=10000)  # The end comes last.
    timeline.resize(600, 56)
    picture = timeline.grab().toImage()
    left, right = picture.pixelColor(12, 17).lightness(), picture.pixelColor(588, 17).lightness()
    assert left < 40
    assert right > 150
    window.sources.open("steady:one")
    qtbot.waitUntil(lambda: not timeline._thumbnails, timeout=5000)
