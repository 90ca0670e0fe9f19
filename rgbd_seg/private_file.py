"""Files that only their owner may read: settings, logs and reports say where somebody works and with which cameras."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


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
        os.replace(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
