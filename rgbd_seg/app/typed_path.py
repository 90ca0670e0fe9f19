"""A path as a person has typed it into a field. No Qt."""

from __future__ import annotations

import os
from pathlib import Path

from rgbd_seg.errors import ConfigurationError


def typed_path(text: str, folder: Path | None = None) -> Path:
    """The path that was meant.

    Args:
        text: What was typed; "~" is the home folder.
        folder: Where a name without a folder lies; where the program was started if None.

    Raises:
        ConfigurationError: It can be no path, in a sentence.
    """
    text = text.strip()
    short = text if len(text) <= 60 else f"{text[:40]}…{text[-15:]}"
    try:
        path = Path(text).expanduser()
        path = folder / path if folder is not None else path
        path.exists()
    except RuntimeError:
        raise ConfigurationError(f"{text.split('/')[0]} has no home folder here: write the whole path.") from None
    except OSError as error:
        raise ConfigurationError(f"{error.strerror or error}: {short}.") from error
    if "\0" in text:
        raise ConfigurationError("No path has a null character in it.")
    return path


def new_path(text: str, folder: Path) -> Path:
    """The path of something that is to be written, and is not there yet.

    Args:
        text: What was typed.
        folder: Where a name without a folder is to lie.

    Raises:
        ConfigurationError: It can be no path, there is something already, or a file where a folder should be.
    """
    path = typed_path(text, folder)
    if not text.strip() or path.exists():
        raise ConfigurationError("Name a new file or folder: nothing is ever overwritten.")
    there = next(one for one in path.parents if os.path.exists(one))
    if not there.is_dir():
        raise ConfigurationError(f"{there} is a file: nothing can be written inside it.")
    return path
