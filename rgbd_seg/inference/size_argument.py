"""How commands take the size of a picture: HEIGHTxWIDTH."""

from __future__ import annotations

import argparse


def size_argument(text: str) -> tuple[int, int]:
    """Height and width from text such as "256x320".

    Raises:
        argparse.ArgumentTypeError: It is not such a text.
    """
    height, cross, width = text.partition("x")
    if not (cross and height.isdigit() and width.isdigit() and int(height) and int(width)):
        raise argparse.ArgumentTypeError(f"a size is HEIGHTxWIDTH, such as 256x320, not {text!r}")
    return int(height), int(width)
