"""`rgbd-seg train`: hands everything behind the word to the training module."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

# What the training module imports besides the program's own dependencies.
_NEEDED = (
    "training",
    "lightning",
    "jsonargparse",
    "torchmetrics",
    "tensorboard",
    "albumentations",
    "h5py",
    "scipy",
    "matplotlib",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own: see `run_arguments`."""


def run_arguments(arguments: Sequence[str]) -> int:
    """Runs `python -m training` with these arguments; says what to install where it cannot run."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        print(
            f"rgbd-seg: training needs {', '.join(missing)}; install it with: pip install 'rgbd-seg[train]'",
            file=sys.stderr,
        )
        return 2
    return int(import_module("training.__main__").main(arguments))
