"""The commands of `python -m training` that are not Lightning's, a file each: what it takes, and what it calls."""

from __future__ import annotations

import argparse
from types import ModuleType

from rgbd_seg.arguments import add_examples
from training.commands import bench, data, evaluate, export, prepare, repeat, report, rooms, show
from training.commands.arguments import RUN
from training.run.early_checks import LIGHTNING_COMMANDS

COMMANDS: dict[str, ModuleType] = {
    "prepare": prepare,
    "rooms": rooms,
    "data": data,
    "repeat": repeat,
    "evaluate": evaluate,
    "show": show,
    "report": report,
    "bench": bench,
    "export": export,
}


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; of `fit`, `validate` and `test`, which are Lightning's, only the names."""
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description="Train DeResUNet: from pictures on disk to a model in the window.",
        epilog="python -m training COMMAND --help explains a command; rgbd-seg train COMMAND is the same.",
    )
    add_examples(
        parser,
        (
            "train a small network on a folder of your own",
            "train fit --config lite --data.init_args.root mine",
        ),
        ("score it", f"train evaluate {RUN}/checkpoints/last.ckpt --data {RUN}/config.yaml"),
        ("make it a model file", f"train export {RUN}/checkpoints/last.ckpt -o mine.safetensors"),
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in LIGHTNING_COMMANDS.items():
        commands.add_parser(name, help=summary)
    for name, command in COMMANDS.items():
        summary = command.SUMMARY
        command.add_arguments(
            commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        )
    return parser
