"""Folders as data sets: what is read, how it is split and merged, and what is refused."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import torch

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.inference.graph import DeployedGraph
from rgbd_seg.labels import LabelSet
from tests.training.small_data import NAMES, draw, write_folder
from training.data.batches import collate
from training.data.classes import SUN_37_TO_13, merged, sun_13
from training.data.depth_statistics import DepthStatistics
from training.data.folder import FolderData, PictureFolder
from training.data.holdout import split_indices
from training.data.sample import Sample, resize
from training.data.source import open_data
from training.network.module import SegmentationModule

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_is_read_as_it_was_written(small_folder: Path):
    sample = PictureFolder(small_folder).read(3)
    color, depth, label = draw(3)
    np.testing.assert_array_equal(sample.color, color)
    np.testing.assert_array_equal(sample.label, label)
    np.testing.assert_allclose(sample.depth_m, depth / 1000, rtol=1e-6)


def test_another_depth_unit_and_invalid_value(tmp_path: Path):
    root = write_folder(tmp_path, 1)
    depth = np.full((64, 64), 5000, np.uint16)
    depth[0] = 65535
    cv2.imwrite(str(root / "depth" / "000.png"), depth)
    sample = PictureFolder(root, depth_unit_m=0.0002, depth_invalid=65535).read(0)
    assert (sample.depth_m[0] == 0).all()
    np.testing.assert_allclose(sample.depth_m[1:], 1.0, rtol=1e-6)


def test_classes_merge_by_name(small_folder: Path):
    data = FolderData(small_folder, merge={"thing": ["ball", "board"]}, val_share=0.5)
    label = data.pictures("train").read(0).label
    assert data.label_set.names == ("thing",)
    assert set(np.unique(label)) == {0, 1}
    with pytest.raises(ConfigurationError, match="two classes"):
        merged(LabelSet.load("sunrgbd13"), {"a": ["bed"], "b": ["bed"]})
    with pytest.raises(ConfigurationError, match="no class 'horse'"):
        merged(LabelSet.load("sunrgbd13"), {"a": ["horse"]})


def test_37_classes_become_13():
    label_set, table = sun_13()
    assert len(SUN_37_TO_13) == 37
    big = LabelSet.load("sunrgbd37")
    pairs = {
        "wall": "wall",
        "desk": "table",
        "pillow": "objects",
        "blinds": "window",
        "cabinet": "furniture",
        "bag": "objects",
    }
    for old, new in pairs.items():
        assert table[big.id_of(old)] == label_set.id_of(new)
    assert table[0] == 0


def test_depth_statistics_leave_holes_out(small_folder: Path):
    statistics = FolderData(small_folder, val_share=0.5).depth_statistics
    values = np.concatenate([draw(i)[1].ravel() for i in split_indices([""] * 12, 0.5, 0)[0]]) / 1000
    assert statistics.mean_m == pytest.approx(values[values > 0].mean(), rel=1e-4)
    assert statistics.std_m == pytest.approx(values[values > 0].std(), rel=1e-3)


def test_resizing_picks_depth_and_labels():
    label = np.kron(np.arange(1, 5, dtype=np.uint8).reshape(2, 2), np.ones((10, 10), np.uint8))
    sample = Sample(np.zeros((20, 20, 3), np.uint8), label.astype(np.float32), label, "x", "y")
    small = resize(sample, (7, 9))
    assert set(np.unique(small.label)) == {1, 2, 3, 4}
    np.testing.assert_array_equal(small.depth_m, small.label)


def test_training_feeds_the_network_what_the_deployed_graph_does():
    color, depth, label = draw(1, 120, 160)
    names = LabelSet.from_dict({"name": "small", "classes": list(NAMES)})
    module = SegmentationModule(
        names, (64, 96), DepthStatistics(2.0, 0.7, 2.8), "resnet18", "dual", 8, (32, 16, 16, 8, 8), 8
    ).eval()
    sample = resize(Sample(color, depth.astype(np.float32) * np.float32(0.001), label, "a", "b"), (64, 96))
    ours = module.normalized(
        torch.from_numpy(sample.color.transpose(2, 0, 1).copy())[None], torch.from_numpy(sample.depth_m)[None, None]
    )
    graph = DeployedGraph(module.network, module.card, (120, 160)).eval()
    theirs = graph.prepare(
        torch.from_numpy(color)[None], torch.from_numpy(depth.astype(np.int32))[None], torch.tensor(0.001)
    )
    # Training resizes in OpenCV's fixed point and rounds to bytes: within one step of 1/255, divided by the deviation.
    torch.testing.assert_close(ours[0], theirs.color, atol=1.0 / 255 / 0.224, rtol=0)
    torch.testing.assert_close(ours[1], theirs.depth, atol=1e-5, rtol=0)


def test_workers_and_the_main_process_give_the_same_samples(small_folder: Path):
    def colors(workers: int) -> list[torch.Tensor]:
        data = FolderData(
            small_folder, val_share=0.5, size=(64, 64), batch_size=3, num_workers=workers, augmentation="published"
        )
        return [batch["color"] for batch in data.train_dataloader()]

    for one, other in zip(colors(0), colors(2), strict=True):
        torch.testing.assert_close(one, other)


def test_labels_of_other_sizes_stay_a_list():
    items = [
        {
            "color": torch.zeros(3, 4, 4),
            "depth_m": torch.zeros(1, 4, 4),
            "label": torch.zeros(n, n),
            "name": "",
            "sensor": "",
            "weight": 1.0,
        }
        for n in (5, 7)
    ]
    assert [tuple(label.shape) for label in collate(items)["labels"]] == [(5, 5), (7, 7)]


def break_size(root: Path) -> None:
    cv2.imwrite(str(root / "label" / "001.png"), np.ones((32, 64), np.uint8))


def break_label(root: Path) -> None:
    cv2.imwrite(str(root / "label" / "001.png"), np.full((64, 64), 9, np.uint8))


def break_channels(root: Path) -> None:
    cv2.imwrite(str(root / "label" / "001.png"), np.full((64, 64, 3), (1, 2, 3), np.uint8))


def break_depth(root: Path) -> None:
    cv2.imwrite(str(root / "depth" / "001.png"), np.ones((64, 64), np.uint8))


def break_picture(root: Path) -> None:
    (root / "image" / "001.png").write_bytes(b"no picture")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (break_size, "label picture is 32x64"),
        (break_label, "holds label 9, but the label set 'small' ends at 3"),
        (break_channels, "holds colours"),
        (break_depth, "one channel of 16 bits"),
        (break_picture, "001.png is no picture"),
    ],
)
def test_a_damaged_sample_is_named(tmp_path: Path, damage, message: str):
    root = write_folder(tmp_path, 2)
    damage(root)
    with pytest.raises(ConfigurationError, match=message):
        PictureFolder(root).read(1)


def test_an_incomplete_folder_says_what_is_missing(tmp_path: Path):
    root = write_folder(tmp_path, 2)
    (root / "depth" / "001.png").unlink()
    with pytest.raises(ConfigurationError, match=r"1 of 2 pictures .* 001\.png"):
        PictureFolder(root)
    shutil.rmtree(root / "label")
    with pytest.raises(ConfigurationError, match="no folder label/"):
        PictureFolder(root)
    (root / "labels.json").unlink()
    with pytest.raises(ConfigurationError, match=r"no labels\.json"):
        PictureFolder(root)


def test_data_are_found_by_folder_and_by_recipe(small_folder: Path, tmp_path: Path):
    assert len(open_data(small_folder).pictures("test")) == 12
    recipe = tmp_path / "r.yaml"
    recipe.write_text(f"data:\n  class_path: training.FolderData\n  init_args:\n    root: {small_folder}\n")
    assert open_data(recipe, ["size=[96, 128]"]).size == (96, 128)
    for text, message in (
        ("model: {}", "no data section"),
        ("[", "cannot read"),
        ("data: {class_path: os.system}", "cannot"),
    ):
        recipe.write_text(text)
        with pytest.raises(ConfigurationError, match=message):
            open_data(recipe)


def test_a_wrong_setting_is_named_without_the_words_of_the_parser(small_folder: Path):
    with pytest.raises(ConfigurationError, match=r"cannot be used: Option 'colour' is not accepted$"):
        open_data(small_folder, ["colour=1"])
    with pytest.raises(
        ConfigurationError, match=r'cannot be used: Parser key "augmentation": Expected .* value: wild$'
    ):
        open_data(small_folder, ["augmentation=wild"])
