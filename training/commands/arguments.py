"""What several commands take: data, and a device."""

from __future__ import annotations

import argparse
from pathlib import Path

from rgbd_seg.errors import ConfigurationError

RUN = "runs/lightning_logs/version_0"  # Of the examples.


def add_data_arguments(parser: argparse.ArgumentParser, split: str) -> None:
    """Adds `--data`, `--split` and `--set`."""
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="a recipe (its name or file) or a run's config.yaml (its data section is used), a folder with image/, "
        "depth/ and label/, or a prepared SUN RGB-D tree",
    )
    parser.add_argument("--split", choices=("train", "val", "test"), default=split)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a setting of the data, such as size=[480,640]",
    )


def checked_device(name: str) -> str:
    """The name of a device that works here.

    Raises:
        ConfigurationError: There is no such device, or PyTorch was built without it.
    """
    import torch

    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigurationError(f"cannot compute on {name!r} ({reason}); --device cpu always works") from None
    return name
