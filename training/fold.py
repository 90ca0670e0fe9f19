"""The fold held out for validation: runs of neighbouring pictures, since neighbours show nearly the same view.

With single pictures drawn at random, most of those held out have a near twin among those trained on, and the scores
tell how well the network remembers.
"""

from __future__ import annotations

import math
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence


def split_indices(sequences: Sequence[str], held_out: float, seed: int) -> tuple[list[int], list[int]]:
    """Cuts a fold for validation out of pictures, always the same for the same seed.

    Sequences that are no longer than the square root of the fold are held out whole, longer ones in runs of at most
    that many neighbours: about as many runs as pictures in one, so that the fold is varied and few of its pictures
    touch one that is trained on.

    Args:
        sequences: For each picture, in order, the sequence it belongs to.
        held_out: Share of them that is held out, 0..1.
        seed: Which fold.

    Returns:
        The indices to train on and those held out, both ascending.

    Raises:
        ConfigurationError: The share leaves one side empty.
    """
    count = len(sequences)
    held = round(count * held_out)
    if not 0 < held < count:
        raise ConfigurationError(
            f"holding out {held_out:.0%} of {count} pictures leaves {count - held} to train on and {held} to validate "
            "on; give more pictures or another share"
        )
    runs = [
        run
        for _, indices in groupby(range(count), lambda index: sequences[index])
        for run in _parts(list(indices), math.ceil(math.sqrt(held)))
    ]
    order = [index for run in np.random.default_rng(seed).permutation(len(runs)) for index in runs[run]]
    return sorted(order[held:]), sorted(order[:held])


def _parts(indices: list[int], longest: int) -> list[list[int]]:
    """Neighbours in parts of nearly equal length, none longer than `longest`."""
    bounds = np.linspace(0, len(indices), math.ceil(len(indices) / longest) + 1).round().astype(int)
    return [indices[start:end] for start, end in pairwise(bounds)]
