"""The fold for validation: fixed by its seed, of the size asked for, and made of neighbours."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from rgbd_seg.errors import ConfigurationError
from tests.training.small_data import write_folder
from training.data.folder import FolderData, PictureFolder
from training.data.holdout import cut_fold, split_indices

if TYPE_CHECKING:
    from pathlib import Path


def touching(train: list[int], val: list[int]) -> float:
    """Share of the pictures held out whose neighbour is trained on."""
    seen = set(train)
    return sum(index - 1 in seen or index + 1 in seen for index in val) / len(val)


def test_it_is_fixed_by_its_seed_and_complete():
    one = ["a"] * 50
    train, val = split_indices(one, 0.2, seed=4)
    assert (train, val) == split_indices(one, 0.2, seed=4) != split_indices(one, 0.2, seed=5)
    assert sorted(train + val) == list(range(50))
    assert len(val) == 10


def test_too_few_to_hold_any_out_can_be_looked_at_but_not_validated_on(tmp_path: Path):
    pictures = PictureFolder(write_folder(tmp_path, 1))
    assert cut_fold(pictures, pictures.sequences, 0.1, 0, part="train").read(0).name.endswith("000.png")
    with pytest.raises(ConfigurationError, match="holding out"):
        cut_fold(pictures, pictures.sequences, 0.1, 0, part="val")


@pytest.mark.parametrize("seed", range(5))
def test_few_pictures_held_out_have_a_neighbour_that_is_trained_on(seed: int):
    # Single pictures at random: 96 of 100 would.
    assert touching(*split_indices(["a"] * 5000, 0.2, seed)) < 0.1


@pytest.mark.parametrize("seed", range(5))
def test_short_sequences_are_held_out_whole(seed: int):
    sequences = [f"room{index // 10}" for index in range(1000)]
    _, val = split_indices(sequences, 0.2, seed)
    rooms = Counter(index // 10 for index in val)
    assert set(rooms.values()) == {10}
    assert len(rooms) == 20


def test_a_folder_tells_recordings_apart_by_name(tmp_path: Path):
    root = write_folder(tmp_path, 4)
    for part in ("image", "depth", "label"):
        for index, name in enumerate(("hall_01", "hall_02", "yard_01", "yard_02")):
            (root / part / f"{index:03d}.png").rename(root / part / f"{name}.png")
    assert PictureFolder(root).sequences == ["hall_", "hall_", "yard_", "yard_"]


def test_the_folds_hold_every_picture_out_once():
    sequences = ["a"] * 17 + ["b"] * 6
    parts = [split_indices(sequences, 0.2, 3, fold) for fold in range(5)]
    assert sorted(index for _, val in parts for index in val) == list(range(23))
    assert all(sorted(train + val) == list(range(23)) for train, val in parts)
    assert parts[0] == split_indices(sequences, 0.2, 3)


def test_a_fold_that_the_share_does_not_have_is_refused(small_folder):
    with pytest.raises(ConfigurationError, match=r"0.25 there are the folds 0..3, not 4"):
        FolderData(small_folder, val_share=0.25, fold=4).pictures("val")
    cuts = [FolderData(small_folder, val_share=0.25, fold=fold, seed=9, fold_seed=1) for fold in range(4)]
    held = [cut.pictures("val") for cut in cuts]
    assert len({part.read(i).name for part in held for i in range(len(part))}) == 12
