"""`python -m training report`."""

from __future__ import annotations

import argparse
from pathlib import Path

from rgbd_seg.arguments import add_examples
from training.commands.arguments import RUN, checked_device

SUMMARY = "draw curves, bars, confusion matrices and samples of runs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", type=Path, nargs="+", help="run directories (those that hold config.yaml)")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("report"),
        metavar="DIR",
        help="folder for the PNGs and index.html (default: report)",
    )
    parser.add_argument(
        "--samples",
        type=int,
        default=4,
        metavar="N",
        help="validation samples to show for each run, and as many of the worst (default: 4)",
    )
    parser.add_argument("--device", default="cpu", help="where to run: cpu, cuda, mps (default: cpu)")
    add_examples(
        parser,
        ("one run", f"train report {RUN}"),
        (
            "two runs against each other",
            "train report runs/lightning_logs/version_0 runs/lightning_logs/version_1 -o both",
        ),
    )


def run(args: argparse.Namespace) -> int:
    from training.results.report import report

    print(report(args.runs, args.output, args.samples, checked_device(args.device)))
    return 0
