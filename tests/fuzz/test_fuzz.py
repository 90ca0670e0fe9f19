"""A short run of every fuzz target; `python -m tests.fuzz.long_run` is the long one."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest

from tests.fuzz.mutation import mutations
from tests.fuzz.targets import TARGETS

if TYPE_CHECKING:
    from pathlib import Path

INPUTS = 120


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_damaged_input_is_read_or_refused_with_a_sentence(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    seeds = target.seeds(tmp_path)
    for seed in seeds:
        target.read(seed, tmp_path)  # What is not damaged is not refused.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for data in mutations(seeds, INPUTS, seed=20):
            target.attempt(data, tmp_path)
