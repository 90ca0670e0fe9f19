"""A short run of every fuzz target; `python -m tests.fuzz.long_run` is the long one."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from tests.fuzz.mutation import mutations
from tests.fuzz.window_targets import TARGETS

INPUTS = 120


FOUND = Path(__file__).parent / "found"
IN_PROCESS = sorted(name for name, target in TARGETS.items() if not target.in_child)


@pytest.mark.parametrize("name", IN_PROCESS)
def test_damaged_input_is_read_or_refused_with_a_sentence(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    seeds = target.seeds(tmp_path)
    for seed in seeds:
        target.read(seed, tmp_path)  # What is not damaged is not refused.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for data in mutations(seeds, INPUTS, seed=20):
            target.attempt(data, tmp_path)


@pytest.mark.parametrize("path", sorted(FOUND.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_found_once_is_not_found_again(path: Path, tmp_path: Path) -> None:
    target = TARGETS[path.parent.name]
    target.seeds(tmp_path)
    target.attempt(path.read_bytes(), tmp_path)
