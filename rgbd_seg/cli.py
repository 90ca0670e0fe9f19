"""The program `rgbd-seg`: finds the command, parses its arguments, and turns errors into messages and exit codes.

Every command is one file in `rgbd_seg.commands` with `add_arguments(parser)` and `run(args) -> int`; it imports what
it needs inside `run`, so that the help appears at once.
"""

from __future__ import annotations

import argparse
import atexit
import os
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from rgbd_seg.arguments import add_examples
from rgbd_seg.errors import ConfigurationError, RgbdSegError
from rgbd_seg.version import __version__

# Command -> what it does, as the help shows it. The module has the same name.
_COMMANDS = {
    "window": "open the window (the default)",
    "demo": "show the built-in room with the demo model (headless where there is no display)",
    "devices": "list the cameras that are plugged in",
    "doctor": "say what is installed, what is missing, and how to mend it",
    "record": "record a source into a file",
    "capture": "take frames for a data set: sharp ones, unlike each other, until there are enough",
    "serve": "show a source to browsers and Foxglove, without a window",
    "segment": "segment a recording or a camera into pictures, a video and a table",
    "score": "score models against the labels of a folder or recording",
    "statistics": "say what is in view over a recording: how long, from when on, how large",
    "info": "say what is inside a recording",
    "repair": "rebuild a damaged recording beside the original",
    "convert": "turn a recording into another format",
    "labels": "read labels of CVAT, labelme, COCO, VOC or PNGs into a data set, and write them",
    "model": "summarise, inspect and export models",
    "bench": "measure this machine",
    "train": "train the network (the same as python -m training)",
}

# Commands that run long enough to be worth a log file.
_LOGGED = frozenset({"window", "demo", "record", "capture", "serve", "segment", "statistics", "convert", "bench"})

_EPILOG = """\
Without a command, the window opens: rgbd-seg [SOURCE] [--model FILE] is short for rgbd-seg window. A SOURCE is a URI
such as realsense:SERIAL, openni:, kinect1:0, kinect2:, azure: or synthetic:?seed=3 (rgbd-seg devices lists what is
there), or the path of a recording or of a folder of pictures. rgbd-seg COMMAND --help explains a command.

exit codes: 0 all went well, 1 an error or something left out, 2 wrong arguments, 130 Ctrl-C."""

# What is not installed with the program alone -> the extra that brings it.
_OPTIONAL = {"torch": "torch", "torchvision": "torch", "onnxscript": "torch", "aiohttp": "live"}

EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """The parser with all commands; only `command`'s own module is imported for its arguments."""
    parser = argparse.ArgumentParser(
        prog="rgbd-seg",
        description="See your RGB-D camera segmented live: stream, record, replay, measure and train.",
        epilog=_EPILOG,
    )
    add_examples(
        parser,
        ("the window as it was when it was last closed", ""),
        ("a camera, with a model of your own", "realsense: --model mine.safetensors"),
        ("record it until Ctrl-C, and look at the recording", "record realsense: -o walk.mcap"),
        ("", "walk.mcap"),
        ("what to install for which camera", "doctor"),
    )
    parser.add_argument("--version", action="version", version=f"rgbd-seg {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, summary in _COMMANDS.items():
        sub = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if name == command:
            import_module(f"rgbd_seg.commands.{name}").add_arguments(sub)
    return parser


# Of these, one tears its threads down when the process ends, and the other its drawing.
_TORN_DOWN_BADLY = {"openvino", "moderngl"}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program.

    Args:
        argv: Arguments without the program's name; None for those of the process.

    Returns:
        0 if all went well, 1 after an error, 2 for wrong arguments, 130 after Ctrl-C.
    """
    if argv is not None:
        return _command(list(argv))
    code = _command(sys.argv[1:])
    at_work = any(thread.name.startswith("rgbd-seg") for thread in threading.enumerate())
    if at_work or not _TORN_DOWN_BADLY.isdisjoint(sys.modules):
        # A native library is still at work, loading a model for instance. It can be neither interrupted nor torn down
        # while it works: ending the interpreter under it aborts the process. (The window does the same for itself.)
        # Others have done all that was asked for, and spoil their heap only when they are torn down beside each other.
        atexit._run_exitfuncs()  # noqa: SLF001 (as at any other end)
        for stream in filter(None, (sys.stdout, sys.stderr)):
            try:
                stream.flush()
            except (OSError, ValueError):  # Nobody reads it any more.
                code = code or EXIT_ERROR
        os._exit(code)
    return code


def _command(arguments: list[str]) -> int:
    if not arguments or (arguments[0] not in _COMMANDS and arguments[0] not in ("-h", "--help", "--version")):
        arguments.insert(0, "window")
    command = arguments[0] if arguments[0] in _COMMANDS else None
    if command == "train":  # The training module has its own parser, which wants everything behind the word.
        return int(import_module("rgbd_seg.commands.train").run_arguments(arguments[1:]))
    parser = build_parser(command)
    args, unknown = parser.parse_known_args(arguments)
    if unknown:
        first = args.source if command == "window" else None  # A mistyped command looks like a source.
        if first and ":" not in first and not Path(first).exists():
            parser.exit(EXIT_USAGE, f"rgbd-seg: error: there is no command {first}: rgbd-seg --help lists them\n")
        words = [command or "", *(getattr(args, name, "") for name in ("subcommand", "benchmark"))]
        asked = " ".join(["rgbd-seg", *filter(None, words)])
        parser.exit(EXIT_USAGE, f"{asked}: error: it does not know {' '.join(unknown)}: see {asked} --help\n")
    if command in _LOGGED:
        from rgbd_seg.system import logs

        logs.start_logging(" ".join(arguments))
        try:
            return _run(args)
        finally:
            logs.stop_logging()
    return _run(args)


def _run(args: argparse.Namespace) -> int:
    """Runs a command; errors that were foreseen become one sentence and an exit code."""
    from rgbd_seg.inference.torch.triton_beside_mesa import settle

    settle()  # Before any command can load Mesa.
    try:
        return int(import_module(f"rgbd_seg.commands.{args.command}").run(args))
    except ConfigurationError as error:
        print(f"rgbd-seg: {error}", file=sys.stderr)
        return EXIT_USAGE
    except RgbdSegError as error:
        print(f"rgbd-seg: {error}", file=sys.stderr)
        return EXIT_ERROR
    except ModuleNotFoundError as error:
        if error.name not in _OPTIONAL:
            raise
        print(f"rgbd-seg: this needs {error.name}: pip install 'rgbd-seg[{_OPTIONAL[error.name]}]'", file=sys.stderr)
        return EXIT_ERROR
    except BrokenPipeError:  # The reader of our output went away (rgbd-seg devices | head).
        sys.stderr.close()
        return EXIT_ERROR
    except KeyboardInterrupt:
        print("rgbd-seg: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
