"""`rgbd-seg bench`: measures this machine. Finds the benchmark; the measurements are in `rgbd_seg.bench`."""

from __future__ import annotations

import argparse
from importlib import import_module

from rgbd_seg.arguments import add_examples, add_subcommands

# The benchmarks in the order of the help; each is the module of that name in `rgbd_seg.bench`. They are all imported
# for their arguments, so what is heavy belongs inside their `run`.
_BENCHMARKS: tuple[str, ...] = (
    "inference",
    "pipeline",
    "record",
    "isolation",
    "window",
    "smoothing",
    "rooms",
    "regions",
    "travel",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "rgbd-seg bench BENCHMARK --help explains one. Each prints a table with the machine above it."
    add_examples(
        parser,
        ("how fast networks run here", "bench inference"),
        ("a table for a report", "bench window --format markdown"),
    )
    add_subcommands(parser, "benchmark", "rgbd_seg.bench", _BENCHMARKS)


def run(args: argparse.Namespace) -> int:
    """Runs the chosen benchmark; it prints its report."""
    return int(import_module(f"rgbd_seg.bench.{args.benchmark}").run(args))
