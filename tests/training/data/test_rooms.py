"""Rooms drawn while training: the same for the same settings, in workers too, and never those that are scored."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rgbd_seg.errors import ConfigurationError
from training.data.rooms import RoomsData
from training.data.source import open_data


def small(**more) -> RoomsData:
    """Six tiny views an epoch in two batches."""
    settings = {
        "size": (64, 64),
        "picture_size": (48, 64),
        "batch_size": 3,
        "samples_per_epoch": 6,
        "val_views": 2,
        "views_per_room": 2,
        "augmentation": "gentle",
        "num_workers": 0,
    }
    return RoomsData(**(settings | more))


def test_spawned_workers_draw_what_the_main_process_draws():
    batches = {}
    for workers in (0, 1):
        data = small(num_workers=workers)
        loader = data.train_dataloader()
        loader.sampler.set_epoch(1)
        batches[workers] = list(loader)
        data.teardown("fit")
    assert [batch["names"][0] for batch in batches[0]] == [f"view {i} of the rooms of seed 1" for i in (6, 9)]
    for one, other in zip(batches[0], batches[1], strict=True):
        assert one["color"].shape == (3, 3, 64, 64)
        assert len(np.unique(torch.stack(one["labels"]))) > 2
        for key in ("color", "depth_m"):
            torch.testing.assert_close(one[key], other[key])


def test_scored_views_are_fixed_and_of_other_rooms():
    data = small()
    first, second = (list(data.val_dataloader()) for _ in range(2))
    assert first[0]["names"] == [f"view {i} of the rooms of seed 900001" for i in range(2)]
    torch.testing.assert_close(first[0]["color"], second[0]["color"])
    assert first[0]["labels"][0].shape == (48, 64)
    data.teardown("fit")
    with pytest.raises(ConfigurationError, match="must differ"):
        small(val_room_seed=1)
    with pytest.raises(ConfigurationError, match="val_views must be at least 1"):
        small(val_views=0)


def test_a_recipe_names_them(tmp_path):
    recipe = tmp_path / "r.yaml"
    recipe.write_text("data: {class_path: training.RoomsData, init_args: {merge: {flat: [wall, floor]}}}")
    data = open_data(recipe, ["room_seed=5"])
    assert data.label_set.names == ("flat",)
    assert data.depth_statistics.mean_m == pytest.approx(2.22)
