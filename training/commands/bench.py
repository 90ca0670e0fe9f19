"""`python -m training bench`."""

from __future__ import annotations

import argparse

from rgbd_seg.arguments import add_examples, positive_int
from rgbd_seg.report import add_format_argument
from training.commands.arguments import checked_device

SUMMARY = "measure loader and training step on this machine"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        choices=("lite", "full"),
        default="lite",
        help="network of the recipe lite, or DeResUNet in full (default: lite)",
    )
    parser.add_argument(
        "--size",
        type=int,
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        default=(240, 320),
        help="input of the network (default: 240 320)",
    )
    parser.add_argument(
        "--batch-size", type=positive_int, default=6, metavar="N", help="pictures in a step (default: 6)"
    )
    parser.add_argument(
        "--batches", type=positive_int, default=10, metavar="N", help="steps that are measured (default: 10)"
    )
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="loader processes (default: 1)")
    parser.add_argument("--device", default="cpu", help="where to run: cpu, cuda, mps (default: cpu)")
    parser.add_argument(
        "--precisions",
        nargs="+",
        choices=("float32", "bfloat16", "float16"),
        default=("float32", "bfloat16"),
        help="of the step, each measured by itself (default: float32 bfloat16)",
    )
    add_format_argument(parser)
    add_examples(
        parser,
        ("this processor", "train bench"),
        ("a graphics card", "train bench --model full --device cuda --workers 8 --precisions float32 float16 bfloat16"),
    )


def run(args: argparse.Namespace) -> int:
    from training.run.bench import BenchOptions, as_text, bench

    options = BenchOptions(
        model=args.model,
        size=(args.size[0], args.size[1]),
        batch_size=args.batch_size,
        batches=args.batches,
        workers=args.workers,
        device=checked_device(args.device),
        precisions=tuple(args.precisions),
    )
    print(as_text(bench(options), args.format))
    return 0
