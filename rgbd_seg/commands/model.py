"""`rgbd-seg model`: finds what is to be done with a model; each subcommand is the file `model_<name>.py`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

# The subcommands in the order of the help, each a module with SUMMARY, add_arguments and run.
_SUBCOMMANDS = ("summary", "info", "export", "calibrate")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples

    parser.epilog = "rgbd-seg model SUBCOMMAND --help explains one."
    add_examples(
        parser,
        ("what the model that comes with the program can do", "model info"),
        ("your own for another program", "model export mine.safetensors --to onnx"),
    )
    subcommands = parser.add_subparsers(dest="subcommand", metavar="SUBCOMMAND", required=True)
    for name in _SUBCOMMANDS:
        module = import_module(f"rgbd_seg.commands.model_{name}")
        summary: str = module.SUMMARY
        sub = subcommands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        module.add_arguments(sub)


def run(args: argparse.Namespace) -> int:
    """Runs the chosen subcommand."""
    return int(import_module(f"rgbd_seg.commands.model_{args.subcommand}").run(args))
