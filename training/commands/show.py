"""`python -m training show`."""

from __future__ import annotations

import argparse
from pathlib import Path

from rgbd_seg.arguments import add_examples, positive_int
from training.commands.arguments import add_data_arguments

SUMMARY = "show a sample before and after augmentation"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_data_arguments(parser, split="train")
    parser.add_argument("--index", type=int, default=0, help="which sample of the split (default: 0, the first)")
    parser.add_argument(
        "--augmentation", choices=("published", "gentle", "live", "none"), help="if not the recipe's own"
    )
    parser.add_argument(
        "--draws", type=positive_int, default=3, metavar="N", help="how many augmented versions to show (default: 3)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the first version (default: 0)")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("sample.png"),
        metavar="FILE",
        help="the picture to write (default: sample.png)",
    )
    parser.epilog = (
        "Colour, depth (holes black) and truth (void black) beside each other: as stored, then as augmented."
    )
    add_examples(
        parser,
        ("the first training picture as the recipe augments it", "train show --data lite"),
        ("six gentle versions of another one", "train show --data mine --index 12 --augmentation gentle --draws 6"),
    )


def run(args: argparse.Namespace) -> int:
    from training.data.show import show
    from training.data.source import open_data

    data = open_data(args.data, args.set)
    print(show(data, args.split, args.index, args.output, args.augmentation, args.draws, args.seed))
    return 0
