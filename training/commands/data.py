"""`python -m training data`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rgbd_seg.arguments import add_examples, positive_int
from training.commands.arguments import add_data_arguments

SUMMARY = "look at a data set before a run: class shares, void, holes, bad files"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_data_arguments(parser, split="train")
    parser.add_argument("--limit", type=positive_int, metavar="N", help="only so many pictures, spread over the set")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write it to a file")
    parser.epilog = (
        "Class shares (of the labelled pixels), how many pictures show each class, the weights that\n"
        "model.class_weights auto gives them, void, holes in the depth, and pictures that cannot be used. The exit\n"
        "code is 1 if there are any."
    )
    add_examples(
        parser,
        ("a folder of your own, before a run", "train data --data mine"),
        ("what a recipe trains on, and what it holds out", "train data --data lite"),
        ("", "train data --data lite --split val"),
    )


def run(args: argparse.Namespace) -> int:
    from training.data.source import open_data
    from training.data.survey import survey

    found = survey(open_data(args.data, args.set).pictures(args.split), args.limit)
    print(found)
    if args.json is not None:
        args.json.write_text(json.dumps(found.to_dict(), indent=2) + "\n", encoding="utf-8")
    return 1 if found.bad else 0
