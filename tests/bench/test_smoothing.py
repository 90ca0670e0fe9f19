"""The smoothing benchmark on one small room, and its scores by hand."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg import cli
from rgbd_seg.bench.smoothing import Tally, classes_of_truth
from rgbd_seg.labels import LabelSet
from tests.recording.picture_trees import write_pairs

if TYPE_CHECKING:
    from pathlib import Path


def test_it_measures_every_camera_and_level(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--model", "demo", "--rooms", "1", "--frames", "3", "--format", "json"]
    assert cli.main(["bench", "smoothing", *options]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["camera"], row["smoothing"]) for row in rows] == [
        (camera, level) for camera in ("standing", "walking") for level in ("off", "low", "high")
    ]
    off, low, high = (row["flicker_percent"] for row in rows[:3])
    assert 100 > off > low > high >= 0
    assert all(0.3 < row["miou"] <= 1 for row in rows)
    write_pairs(tmp_path / "still", 1)
    for part in ("rgb", "depth"):  # The same picture again: nothing may change.
        shutil.copy(tmp_path / "still" / part / "0.png", tmp_path / "still" / part / "1.png")
    assert cli.main(["bench", "smoothing", "--source", str(tmp_path / "still"), *options[:2], "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["smoothing"], row["flicker_percent"]) for row in rows] == [("off", 0), ("low", 0), ("high", 0)]


@pytest.mark.parametrize("option", [["--rooms", "0"], ["--frames", "1"], ["--fps", "0"]])
def test_wrong_options(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = cli.main(["bench", "smoothing", *option])
    except SystemExit as refused:  # Values that no benchmark takes are refused with the command line itself.
        code = refused.code if isinstance(refused.code, int) else 1
    assert code == cli.EXIT_USAGE
    assert option[0] in capsys.readouterr().err


def test_scores_by_hand() -> None:
    rooms = LabelSet.from_dict({"name": "rooms", "classes": ["wall", "sofa", "chair"]})
    model = LabelSet.from_dict({"name": "model", "classes": ["seat", "wall", "lamp"]})
    truth = np.array([[0, 1, 1, 2, 3, 3]], np.uint8)
    tally = Tally(len(model))
    tally.add(np.array([[1, 2, 2, 1, 1, 2]], np.uint8), truth)
    tally.add(np.array([[1, 2, 2, 1, 1, 3]], np.uint8), truth)
    table = classes_of_truth(rooms, model, tally)
    assert table[:4].tolist() == [0, 2, 1, 1]  # Wall by its name; sofa and chair by what they are most often called.
    assert tally.flicker == pytest.approx(1 / 6)
    # Over both frames: wall 4 right of 4 + 1 wrongly called so; seat 4 right of 6. No room has a lamp.
    assert tally.scores(table) == pytest.approx(((4 / 5 + 4 / 6) / 2, 8 / 10))
