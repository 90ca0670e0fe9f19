"""`rgbd-seg train`: hands everything behind the word to the training module."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rgbd_seg.system.training_needs import missing_for_training


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own: see `run_arguments`."""


def run_arguments(arguments: Sequence[str]) -> int:
    """Runs `python -m training` with these arguments; says what to install where it cannot run."""
    missing = missing_for_training()
    if missing:
        print(f"rgbd-seg: training needs {missing}; install it with: pip install 'rgbd-seg[train]'", file=sys.stderr)
        return 2
    from training.__main__ import main

    return main(arguments)
