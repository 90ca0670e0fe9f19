"""What commands share about their arguments: kinds of numbers, sizes, and examples below the help."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from importlib import import_module


def positive_int(text: str) -> int:
    """A whole number of 1 or more.

    Raises:
        argparse.ArgumentTypeError: The text is none.
    """
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"must be a whole number of 1 or more, not {text!r:.40}")
    return int(text)


def positive_float(text: str) -> float:
    """A number above 0.

    Raises:
        argparse.ArgumentTypeError: The text is none.
    """
    return _number(text, above=0, most=math.inf, words="more than 0")


def share(text: str) -> float:
    """A number from 0 to 1.

    Raises:
        argparse.ArgumentTypeError: The text is none.
    """
    return _number(text, above=-math.ulp(0), most=1, words="0 to 1")


def size_argument(text: str) -> tuple[int, int]:
    """Height and width from text such as "256x320".

    Raises:
        argparse.ArgumentTypeError: It is not such a text.
    """
    height, cross, width = text.partition("x")
    if not (cross and height.isdigit() and width.isdigit() and int(height) and int(width)):
        raise argparse.ArgumentTypeError(f"a size is HEIGHTxWIDTH, such as 256x320, not {text!r}")
    return int(height), int(width)


def add_examples(parser: argparse.ArgumentParser, *examples: tuple[str, str]) -> None:
    """Adds command lines below the help, each after what it does; an epilog that is there already stays above them.

    Args:
        parser: Of a command.
        examples: What it does ("" for one that goes on from the one before), and the line without the program's name.
    """
    blocks = [(f"  {words}:\n" if words else "") + f"    rgbd-seg {line}".rstrip() for words, line in examples]
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "\n\n".join([*filter(None, [parser.epilog]), "examples:\n" + "\n".join(blocks)])


def add_subcommands(parser: argparse.ArgumentParser, dest: str, package: str, names: Sequence[str]) -> None:
    """Adds subcommands in this order, each a module of the package with `SUMMARY`, `add_arguments` and `run`."""
    commands = parser.add_subparsers(dest=dest, metavar=dest.upper(), required=True)
    for name in names:
        module = import_module(f"{package}.{name}")
        summary: str = module.SUMMARY
        module.add_arguments(commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}."))


def _number(text: str, *, above: float, most: float, words: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not above < number <= most or math.isinf(number):
        raise argparse.ArgumentTypeError(f"must be {words}, not {text!r:.40}")
    return number
