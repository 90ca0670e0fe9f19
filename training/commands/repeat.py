"""`python -m training repeat`."""

from __future__ import annotations

import argparse
from pathlib import Path

from rgbd_seg.arguments import add_examples, positive_int

SUMMARY = "train over folds or seeds; mean and deviation of the scores"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folds", type=positive_int, default=0, metavar="K", help="hold out each of K folds in turn")
    parser.add_argument("--seeds", type=positive_int, default=0, metavar="N", help="train with N seeds on one fold")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/repeat"), metavar="DIR", help="of the runs (default: runs/repeat)"
    )
    parser.add_argument("settings", nargs=argparse.REMAINDER, help="those of fit, after --")
    parser.epilog = (
        "Each run has a folder of its own in DIR. Runs that are complete are not run again, and one that was stopped\n"
        "goes on, so the same command goes on with all of it. Mean and standard deviation (of a sample) are printed\n"
        "and written to DIR/repeat.json."
    )
    add_examples(
        parser,
        (
            "five folds: each picture is held out once",
            "train repeat --folds 5 --out folds -- --config lite --data.init_args.root mine",
        ),
        ("three seeds", "train repeat --seeds 3 --out seeds -- --config lite --data.init_args.root mine"),
    )


def run(args: argparse.Namespace) -> int:
    from training.run.repeat import repeat

    settings = args.settings[1:] if args.settings[:1] == ["--"] else args.settings
    print(repeat(settings, args.out, folds=args.folds, seeds=args.seeds))
    return 0
