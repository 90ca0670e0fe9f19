"""Rooms rendered into a folder: the same pictures from any number of processes, going on, and settings that differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from training.__main__ import main
from training.data.folder import FolderData

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def render(out: Path, workers: int, *more: str) -> int:
    settings = ("--frames", "5", "--seed", "3", "--views-per-room", "2", "--size", "48", "64")
    return main(["rooms", "--out", str(out), *settings, "--workers", str(workers), *more])


def pixels(folder: Path) -> dict[str, np.ndarray]:
    files = sorted(path for part in ("image", "depth", "label") for path in (folder / part).iterdir())
    return {str(path.relative_to(folder)): cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in files}


def test_any_number_of_processes_writes_the_same_pictures(tmp_path: Path):
    for workers in (1, 2):
        assert render(tmp_path / str(workers), workers) == 0
    one, two = pixels(tmp_path / "1"), pixels(tmp_path / "2")
    assert one.keys() == two.keys()
    assert len(one) == 15
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert one["depth/0000000.png"].dtype == np.uint16
    data = FolderData(tmp_path / "1", val_root=tmp_path / "2")
    sample = data.pictures("train").read(0)
    assert sample.color.shape == (48, 64, 3)
    assert sample.label.max() <= 37


def test_a_second_start_goes_on_and_other_settings_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert render(tmp_path, 1) == 0
    whole = pixels(tmp_path)
    lost, kept = tmp_path / "label" / "0000003.png", tmp_path / "label" / "0000000.png"
    lost.unlink()
    before = kept.stat().st_mtime_ns
    assert render(tmp_path, 1) == 0
    assert np.array_equal(cv2.imread(str(lost), cv2.IMREAD_UNCHANGED), whole["label/0000003.png"])
    assert kept.stat().st_mtime_ns == before
    assert render(tmp_path, 1, "--walk") == 2
    assert "rendered with other settings" in capsys.readouterr().err
