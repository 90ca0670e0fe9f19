"""A folder that is being labelled: which frames are trained on, how much they count, and which are held out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import torch
from torch.nn import functional

from tests.training.small_data import write_folder
from training.data.folder import FolderData, PictureFolder
from training.network.loss import VOID, weighted_cross_entropy

if TYPE_CHECKING:
    from pathlib import Path

STATES = {"000": "done", "001": "travelled", "002": "travelled", "003": "draft", "004": "travelled", "005": "done"}


def labelled(root: Path) -> Path:
    write_folder(root, 8)
    for name in ("006", "007"):
        (root / "label" / f"{name}.png").unlink()
    states = {**STATES, "006": "skipped"}
    (root / "frames.json").write_text(json.dumps({"frames": states, "weights": {"travelled": 0.25}}))
    return root


def test_drafts_and_empty_frames_are_left_out_and_batches_carry_the_weights(tmp_path: Path):
    pictures = PictureFolder(labelled(tmp_path))
    assert [pictures.weight(index) for index in range(len(pictures))] == [1, 0.25, 0.25, 0.25, 1]
    data = FolderData(tmp_path, val_share=0.5, batch_size=2, num_workers=0, augmentation="none", size=(64, 64))
    weights = torch.cat([batch["weights"] for batch in data.train_dataloader()])
    assert sorted(weights.tolist()) in ([0.25, 1], [0.25, 0.25])


@pytest.mark.parametrize("seed", range(4))
def test_only_done_frames_are_held_out_and_what_travelled_from_them_is_not_trained_on(tmp_path: Path, seed: int):
    data = FolderData(labelled(tmp_path), val_share=0.5, seed=seed)
    train, val = data.pictures("train"), data.pictures("val")
    names = [[part.read(index).name[6:9] for index in range(len(part))] for part in (train, val)]
    assert tuple(names) in ((["000", "001", "002"], ["005"]), (["004", "005"], ["000"]))
    assert data.held_out == names[1]


def test_a_picture_of_half_the_weight_counts_half_in_the_loss():
    logits, target = torch.randn(2, 3, 4, 5), torch.randint(0, 3, (2, 4, 5))
    target[0, 0] = VOID

    def loss(*weights: float) -> torch.Tensor:
        total, count = weighted_cross_entropy(logits, target, torch.tensor(weights), None, 0.0)
        return total / count

    first, second = (functional.cross_entropy(logits[i : i + 1], target[i : i + 1], ignore_index=VOID) for i in (0, 1))
    assert torch.allclose(loss(1, 1), functional.cross_entropy(logits, target, ignore_index=VOID))
    assert torch.allclose(loss(1, 0.5), (first * 15 + second * 10) / 25)
    assert torch.allclose(loss(0, 1), second)
