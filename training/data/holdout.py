"""The fold held out for validation: runs of neighbouring pictures, since neighbours show nearly the same view.

With single pictures drawn at random, most of those held out have a near twin among those trained on, and the scores
tell how well the network remembers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Literal

import numpy as np

from rgbd_seg.errors import ConfigurationError
from training.data.sample import LabelledPictures, Subset


def split_indices(sequences: Sequence[str], held_out: float, seed: int, fold: int = 0) -> tuple[list[int], list[int]]:
    """Cuts a fold for validation out of pictures, always the same for the same seed.

    Sequences that are no longer than the square root of the fold are held out whole, longer ones in runs of at most
    that many neighbours: about as many runs as pictures in one, so that the fold is varied and few of its pictures
    touch one that is trained on.

    Args:
        sequences: For each picture, in order, the sequence it belongs to.
        held_out: Share of them that is held out, 0..1.
        seed: How the folds are cut.
        fold: Which of them; all folds that the share allows have every picture once.

    Returns:
        The indices to train on and those held out, both ascending; one side is empty where the share is that small or
        large.
    """
    held = round(len(sequences) * held_out)
    runs = [
        run
        for _, indices in groupby(range(len(sequences)), lambda index: sequences[index])
        for run in _parts(list(indices), max(1, math.ceil(math.sqrt(held))))
    ]
    order = [index for run in np.random.default_rng(seed).permutation(len(runs)) for index in runs[run]]
    start, end = (round(len(sequences) * held_out * number) for number in (fold, fold + 1))
    return sorted(order[:start] + order[end:]), sorted(order[start:end])


def cut_fold(
    pictures: LabelledPictures,
    sequences: Sequence[str],
    held_out: float,
    seed: int,
    *,
    part: Literal["train", "val"],
    fold: int = 0,
    done: Sequence[bool] | None = None,
) -> Subset:
    """The pictures to train on, or those held out.

    Args:
        pictures: All of them.
        sequences: As for `split_indices`; so are `held_out` and `seed`.
        held_out: Share that is held out.
        seed: How the folds are cut.
        part: Which of the two.
        fold: Which fold is held out.
        done: Which pictures a person has labelled; the labels of the others travelled from the nearest of them. Only
            done ones are held out, and what travelled from those is in neither part. None: all are done.

    Raises:
        ConfigurationError: There are none of them, or the share is none.
    """
    if not 0 <= held_out < 1:
        raise ConfigurationError(f"data.val_share must be from 0 to below 1, not {held_out}")
    if fold < 0 or (fold + 1) * held_out > 1 + 1e-6:
        last = int((1 + 1e-6) / held_out) - 1 if held_out else 0
        raise ConfigurationError(f"with a data.val_share of {held_out:.3g} there are the folds 0..{last}, not {fold}")
    mine = [index for index in range(len(pictures)) if done is None or done[index]]
    if len(mine) < len(pictures) and len(mine) > 1 and held_out > 0 and fold == 0:
        held_out = max(held_out, 1 / len(mine))  # Of two frames that a person has done, one is held out.
    train, val = ([mine[i] for i in side] for side in split_indices([sequences[i] for i in mine], held_out, seed, fold))
    if len(mine) < len(pictures) and mine:
        nearest = np.array(mine)[np.abs(np.subtract.outer(range(len(pictures)), mine)).argmin(1)]
        train = np.flatnonzero(np.isin(nearest, train)).tolist()
    indices = train if part == "train" else val
    if not indices:
        raise ConfigurationError(
            f"holding out {held_out:.0%} of {len(pictures)} pictures leaves {len(train)} to train on and {len(val)} to "
            "validate on; give more pictures or another val_share"
        )
    return Subset(pictures, indices)


def _parts(indices: list[int], longest: int) -> list[list[int]]:
    """Neighbours in parts of nearly equal length, none longer than `longest`."""
    bounds = np.linspace(0, len(indices), math.ceil(len(indices) / longest) + 1).round().astype(int)
    return [indices[start:end] for start, end in pairwise(bounds)]
