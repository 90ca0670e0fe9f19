"""NYU Depth V2's official files, small ones of the same shape: split, classes, crop, depth, and files that are not."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest
import scipy.io

from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.recording.layouts.nyuv2 import CLASSES_FILE, FRAMES_FILE, SPLITS_FILE, official_split
from tests.recording.nyu_files import COUNT, write_nyu
from training.data.nyuv2 import NyuData, NyuPictures

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nyu(tmp_path_factory.mktemp("nyu"))


def test_a_frame_lies_upright_without_its_border_and_in_metres(root: Path) -> None:
    sample = NyuPictures(root).read(3)
    assert sample.color.shape == (464, 624, 3)
    assert tuple(sample.color[50 - 8, 100 - 8]) == (30, 0, 255)
    assert sample.label[50 - 8, 100 - 8] == 37
    assert (sample.label[100, :312].max(), sample.label[100, 312:].min()) == (1, 7)
    assert (sample.depth_m == 4).all()
    assert sample.name == "0004"


@pytest.mark.parametrize(("classes", "wall", "table", "other"), [(40, 1, 7, 40), (37, 1, 7, 0), (13, 12, 10, 0)])
def test_classes_are_those_of_the_official_mapping(root: Path, classes: int, wall: int, table: int, other: int) -> None:
    pictures = NyuPictures(root, classes)  # type: ignore[arg-type]
    assert len(pictures.label_set) == classes
    assert pictures.label_set.name_of(wall) == "wall"
    assert pictures.label_set.name_of(table) == "table"
    label = pictures.read(0).label
    assert (label[100, 0], label[100, 500]) == (wall, table)
    assert pictures._table[5] == other


def test_mixed_depth_is_raw_in_scores_and_either_in_training(root: Path) -> None:
    pictures = NyuPictures(root, depth="mixed")
    assert (pictures.read(0).depth_m == 0).any()
    drawn = {bool((pictures.draw(0, seed).depth_m == 0).any()) for seed in range(12)}
    assert drawn == {True, False}


def test_training_part_is_the_official_one_and_whole_rooms_are_held_out(root: Path) -> None:
    data = NyuData(root, val_share=0.5, num_workers=0)
    names = {split: [data.pictures(split).read(i).name for i in range(len(data.pictures(split)))] for split in SPLITS}
    assert names["test"] == ["0005", "0006"]
    assert sorted((names["train"], names["val"])) == [["0001", "0002"], ["0003", "0004"]]
    assert data.description == "2 frames of NYU Depth V2's training part"


SPLITS = ("train", "val", "test")


def test_loader_processes_open_the_file_for_themselves(root: Path) -> None:
    pictures = NyuPictures(root)
    pictures.read(0)
    copy = pickle.loads(pickle.dumps(pictures))
    assert np.array_equal(copy.read(2).color, pictures.read(2).color)


def test_missing_and_wrong_files_are_named(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=rf"has no {FRAMES_FILE}.*in one folder"):
        NyuPictures(tmp_path)
    (tmp_path / CLASSES_FILE).write_bytes((root / CLASSES_FILE).read_bytes())
    (tmp_path / FRAMES_FILE).write_text("not HDF5")
    with pytest.raises(RecordingError, match="cannot be read as HDF5"):
        NyuPictures(tmp_path)
    scipy.io.savemat(tmp_path / SPLITS_FILE, {"trainNdxs": [[1], [2]], "testNdxs": [[2], [3]]})
    with pytest.raises(RecordingError, match="in both parts"):
        official_split(tmp_path / SPLITS_FILE, COUNT)
    (tmp_path / FRAMES_FILE).write_bytes((root / FRAMES_FILE).read_bytes())
    (tmp_path / CLASSES_FILE).write_text("no")
    with pytest.raises(RecordingError, match="no small MATLAB file"):
        NyuPictures(tmp_path)
