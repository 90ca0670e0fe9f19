"""`python -m training export`."""

from __future__ import annotations

import argparse
from pathlib import Path

from rgbd_seg.arguments import add_examples
from training.commands.arguments import RUN

SUMMARY = "make a checkpoint into a model file for the window"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "checkpoint", type=Path, help="a checkpoint (.ckpt) of a run, or a model file to store otherwise"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="the model file to write (.safetensors)")
    parser.add_argument(
        "--storage",
        choices=("float32", "float16", "int8"),
        default="float32",
        help="how weights are stored (default: float32)",
    )
    parser.add_argument("--name", help="how people call the model")
    parser.add_argument(
        "--size", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), help="network input, if not as trained"
    )
    parser.add_argument(
        "--calibrate", type=Path, metavar="DATA", help="fit the confidence on the validation part of these data"
    )
    parser.add_argument(
        "--note", action="append", default=[], metavar="KEY=TEXT", help="a line for the card; may be repeated"
    )
    add_examples(
        parser,
        (
            "the last weights of a run, their confidence fitted on what it held out",
            f"train export {RUN}/checkpoints/last.ckpt -o mine.safetensors --calibrate {RUN}/config.yaml",
        ),
        ("a quarter of the size", "train export mine.safetensors -o small.safetensors --storage int8"),
        ("then open it", "mine --model mine.safetensors"),
    )


def run(args: argparse.Namespace) -> int:
    from training.data.source import open_data
    from training.results.export import export

    pictures = open_data(args.calibrate).pictures("val") if args.calibrate is not None else None
    size = (args.size[0], args.size[1]) if args.size else None
    report = export(
        args.checkpoint, args.output, args.storage, name=args.name, size=size, calibration=pictures, notes=args.note
    )
    print(report)
    return 0
