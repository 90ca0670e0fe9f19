"""Scripted capture: what is taken, what is left out and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.cli import main
from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.labelling.capture import Choice, open_folder
from rgbd_seg.recording import open_recording

if TYPE_CHECKING:
    from pathlib import Path

CAMERA = Calibration(Intrinsics(64, 48, 60.0, 60.0, 31.5, 23.5), 0.0005)


def frame(seconds: float, *, place: int = 0, blurred: bool = False) -> RgbdFrame:
    """A textured place in its own colour and distance."""
    base = np.array([(220, 60, 60), (60, 220, 60), (60, 60, 220)][place])
    noise = np.random.default_rng(place).integers(-50, 50, (48, 64, 1))
    color = np.clip(base + noise, 0, 255).astype(np.uint8)
    if blurred:
        color = np.asarray(cv2.GaussianBlur(color, (0, 0), 2), np.uint8)
    depth = np.full((48, 64), 2000 + 2000 * place, np.uint16)
    return RgbdFrame(color, depth, CAMERA, 0, round(seconds * 1e9))


def test_blurred_equal_and_hasty_frames_are_left_out(tmp_path: Path) -> None:
    folder = open_folder(tmp_path / "set", Choice(every_s=1.0))
    told = [
        folder.offer(frame(0.0)),
        folder.offer(frame(0.5, place=1)),
        folder.offer(frame(1.0)),
        folder.offer(frame(2.0, place=1, blurred=True)),
        folder.offer(frame(2.1, place=1)),
        folder.offer(frame(9.0)),
    ]
    assert told == ["", "too soon", "like one before", "blurred", "", "like one before"]
    assert folder.count == 2
    with open_recording(tmp_path / "set") as reader:
        assert np.array_equal(reader.read(1).color, frame(0, place=1).color)
        assert (reader.read(0).calibration.color, reader.read(0).calibration.depth_unit_m) == (CAMERA.color, 0.0005)


def test_a_folder_is_gone_on_with_and_nothing_taken_twice(tmp_path: Path) -> None:
    open_folder(tmp_path / "set", Choice()).offer(frame(0))
    again = open_folder(tmp_path / "set", Choice())
    assert again.offer(frame(0)) == "like one before"
    assert again.offer(frame(1, place=2)) == ""
    assert sorted(path.name for path in (tmp_path / "set" / "image").iterdir()) == ["000000.png", "000001.png"]


def test_everything_that_is_due_is_taken_where_that_is_asked(tmp_path: Path) -> None:
    folder = open_folder(tmp_path / "set", Choice(every_s=0, change=0, blur=0))
    assert [folder.offer(frame(0)), folder.offer(frame(0)), folder.offer(frame(0, blurred=True))] == ["", "", ""]


def test_wrong_settings_and_places_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(RecordingError, match="exists already"):
        open_folder(tmp_path, Choice())
    with pytest.raises(ConfigurationError, match="--every"):
        Choice(every_s=float("nan"))
    with pytest.raises(ConfigurationError, match="--change"):
        Choice(change=2)


def test_the_command_takes_frames_of_a_recording_until_it_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = open_folder(tmp_path / "walk", Choice(every_s=0, change=0, blur=0))
    for place in (0, 0, 1, 2, 2):
        source.offer(frame(0, place=place))
    command = ["capture", str(tmp_path / "walk"), "-o", str(tmp_path / "set"), "--every", "0", "--json"]
    assert main([*command, "--count", "2"]) == 0
    assert json.loads(capsys.readouterr().out)["taken"] == 2
    assert main([*command, "--count", "9"]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "folder": str(tmp_path / "set"),
        "taken": 1,
        "left_out": {"too soon": 0, "blurred": 0, "like one before": 4},
    }
    assert main([*command, "--count", "0"]) == 2
