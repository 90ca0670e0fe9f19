"""Classes of one training picture pasted over another: what is moved, and that it depends on the draws alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

from rgbd_seg.errors import ConfigurationError
from training.data.batches import collate, paste_classes
from training.data.folder import FolderData

if TYPE_CHECKING:
    from pathlib import Path


def item(draw: int, ids: list[int], weight: float = 1.0) -> dict[str, Any]:
    """A picture of one row whose colour and depth tell its number and its pixels' ids."""
    label = torch.tensor([ids], dtype=torch.uint8)
    return {
        "color": (label + 100 * draw).expand(3, 1, len(ids)).contiguous(),
        "depth_m": (label.float() + 100 * draw)[None],
        "label": label,
        "weight": weight,
        "name": str(draw),
        "sensor": "",
        "draw": draw,
    }


def test_half_of_the_neighbours_classes_come_over_in_colour_depth_and_label_alike():
    first, second = paste_classes([item(0, [1, 1, 1, 1, 1, 1]), item(1, [2, 3, 4, 5, 0, 0], weight=0.25)], 1.0)

    came = first["depth_m"].flatten() >= 100
    assert came.tolist() == (first["label"].flatten() > 1).tolist()
    assert came.sum() == 2
    assert not came[4:].any()  # Void says nothing about what is there.
    torch.testing.assert_close(first["color"][0].float(), first["depth_m"][0])
    assert first["weight"] == 0.25
    assert first["name"] == "0 with 1"
    assert (second["label"] == 1).all()


def test_what_is_pasted_depends_on_the_draws_alone():
    items = [item(draw, [1 + draw % 5, 6, 7, 8, 9]) for draw in range(2)]

    torch.manual_seed(1)
    once = collate(items, 0.5)
    torch.manual_seed(2)
    again = collate(items, 0.5)

    assert torch.equal(once["depth_m"], again["depth_m"])
    assert once["names"] == again["names"]


def test_a_share_of_the_pictures_gets_something(small_folder: Path):
    def pasted(share: float) -> list[bool]:
        data = FolderData(small_folder, augmentation="none", val_share=0, paste=share, num_workers=0, batch_size=4)
        return [" with " in name for _ in range(12) for batch in data.train_dataloader() for name in batch["names"]]

    assert not any(pasted(0.0))
    assert all(pasted(1.0))
    half = pasted(0.5)
    assert any(half)
    assert not all(half)
    with pytest.raises(ConfigurationError, match="share"):
        FolderData(small_folder, paste=1.5)
