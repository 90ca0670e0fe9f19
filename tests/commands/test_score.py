"""`rgbd-seg score`: the figures are those of the window's scores, and the page needs nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.cli import main
from rgbd_seg.inference import SegmenterOptions, open_segmenter
from rgbd_seg.labels import LabelSet
from rgbd_seg.models.deresunet import DeResUNet, DeResUNetConfig
from rgbd_seg.models.model_file import ModelCard, save_model
from rgbd_seg.pipeline.offline.score_report import worst_picture
from rgbd_seg.pipeline.offline.score_source import score_source
from rgbd_seg.scores import Scores
from rgbd_seg.sensors import open_sensor
from rgbd_seg.sensors.offline import every_frame
from tests.training.small_data import write_folder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "mine", 3)


def two_classes(path: Path, *names: str) -> Path:
    config = DeResUNetConfig(2, "resnet18", "color", 8, (32, 16, 16, 8, 8), 8)
    label_set = LabelSet.from_dict({"name": "two", "classes": list(names)})
    save_model(path, DeResUNet(config), ModelCard("two", config, label_set, (64, 64)))
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with one class of the labels, and one of its own."""
    return two_classes(tmp_path_factory.mktemp("model") / "two.safetensors", "wall", "sphere")


def test_the_figures_are_those_of_the_running_scores(folder: Path, model: Path, capsys):
    assert main(["score", str(model), str(folder), "--backend", "torch", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    running = Scores()
    with open_segmenter(model, SegmenterOptions(backend="torch")) as segmenter, open_sensor(str(folder)) as sensor:
        for frame in every_frame(sensor, None, lambda: False):
            running.add(segmenter(frame))
    assert found["frames"] == running.frames == 3
    assert found["mean_iou"] == pytest.approx(running.mean_iou)
    assert found["left_out"]["share"] == pytest.approx(running.unknown_share)
    assert (found["left_out"]["of_the_labels"], found["left_out"]["of_the_model"]) == (["board", "ball"], ["sphere"])
    worst = [entry["mean_iou"] for entry in found["worst"]]
    assert worst == sorted(worst)
    assert len(worst) == 3


def test_a_class_has_the_colour_of_the_labels_in_the_prediction_too(folder: Path, model: Path) -> None:
    with open_segmenter(model, SegmenterOptions(backend="torch")) as segmenter:
        score = score_source(open_sensor(str(folder)), segmenter)
    one = score.worst[0]
    truth, found = one.segmentation.frame.truth, one.segmentation
    assert truth is not None
    assert found.labels is not None
    assert found.label_set is not None
    wall, own = truth.label_set.palette()[1], found.label_set.palette()
    own[found.label_set.id_of("wall")] = wall
    predicted = np.hsplit(worst_picture(score, one, 64), 4)[2]
    assert np.array_equal(predicted, own[found.labels])


def test_a_mapping_compares_what_is_the_same_and_a_page_is_written(folder: Path, model: Path, tmp_path: Path, capsys):
    page, other = tmp_path / "page.html", two_classes(tmp_path / "other.safetensors", "wall", "board")
    command = ["score", str(model), str(other), str(folder), "--map", "sphere=ball"]
    command += ["--html", str(page), "--backend", "torch"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "mean IoU, classes of both" in said
    assert "sphere" in said
    assert "left out, since the model has no such class: the pixels of board" in said
    text = page.read_text()
    assert text.count("data:image/png;base64,") == 6
    assert "truth \\ predicted" in text
    assert main([*command, "--map", "sphere"]) == 2
    assert "--map wants NAME=CLASS" in capsys.readouterr().err


def test_a_source_without_labels_is_refused(model: Path, tmp_path: Path, capsys):
    folder = write_folder(tmp_path / "bare", 2)
    for path in (folder / "label").iterdir():
        path.unlink()
    (folder / "label").rmdir()
    assert main(["score", str(model), str(folder), "--backend", "torch"]) != 0
    assert "no labels to compare with" in capsys.readouterr().err
