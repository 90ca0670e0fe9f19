"""Files that only their owner may read: settings, logs and reports say where somebody works and with which cameras."""

from __future__ import annotations

import os
import time
from pathlib import Path

# Windows refuses to replace a file that somebody reads at this very moment.
TRIES, _PAUSE_S = 20 if os.name == "nt" else 1, 0.05


def open_private(path: str, flags: int) -> int:
    """An opener for `open()`: a file that is created belongs to its owner alone, from its first byte on."""
    return os.open(path, flags, 0o600)


def write_private(path: Path, text: str) -> None:
    """Writes a text at once or not at all; an existing file is replaced.

    Raises:
        OSError: It cannot be written; what was there before is still there.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(partial, "x", encoding="utf-8", opener=open_private) as file:
            file.write(text)
        replace_file(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def replace_file(partial: Path, path: Path) -> None:
    """Puts a finished file into the place of another one, at once or not at all.

    On Windows it is tried for a second, by which time whoever reads the old one should have done with it.

    Raises:
        OSError: It cannot be done; both files are still there.
    """
    for left in reversed(range(TRIES)):
        try:
            os.replace(partial, path)
            return
        except PermissionError:
            if not left:
                raise
            time.sleep(_PAUSE_S)
