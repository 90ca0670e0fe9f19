"""`rgbd-seg model`: finds what is to be done with a model; each subcommand is a file of its name."""

from __future__ import annotations

import argparse
from importlib import import_module

from rgbd_seg.arguments import add_examples, add_subcommands

# The subcommands in the order of the help, each a module with SUMMARY, add_arguments and run.
_SUBCOMMANDS = ("summary", "info", "export", "calibrate")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "rgbd-seg model SUBCOMMAND --help explains one."
    add_examples(
        parser,
        ("what the model that comes with the program can do", "model info"),
        ("your own for another program", "model export mine.safetensors --to onnx"),
    )
    add_subcommands(parser, "subcommand", __name__, _SUBCOMMANDS)


def run(args: argparse.Namespace) -> int:
    return int(import_module(f"{__name__}.{args.subcommand}").run(args))
