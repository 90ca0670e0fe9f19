"""Versions of files as they were read: what somebody else has changed since is kept in `backup/` and never replaced."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rgbd_seg.errors import RecordingError

BACKUP_FOLDER = "backup"


@dataclass(frozen=True, slots=True)
class Stamp:
    """Tells one version of a file from another."""

    time_ns: int
    size: int
    inode: int


class Versions:
    """What was last seen of the files of a folder.

    Args:
        backup: Where versions are kept; it is made with the first.
        say: Called with a sentence where one was kept.
    """

    def __init__(self, backup: Path, say: Callable[[str], None]) -> None:
        self._backup, self._say = backup, say
        self._stamps: dict[Path, Stamp | None] = {}

    def look(self, path: Path) -> Stamp | None:
        """The version of a file that is about to be read; until `seen` says that it was, it counts as foreign."""
        self._stamps.pop(path, None)
        return _stamp(path)

    def seen(self, path: Path, stamp: Stamp | None = None) -> None:
        """A file was read or written: its version is known, that of now unless an earlier one is given."""
        self._stamps[path] = stamp or _stamp(path)

    def gone(self, path: Path) -> None:
        """There is no such file."""
        self._stamps[path] = None

    def forget_all(self) -> None:
        """Nothing was seen yet."""
        self._stamps.clear()

    def keep_foreign(self, path: Path) -> None:
        """Keeps a file that somebody else has changed since it was read, before it is replaced.

        Raises:
            RecordingError: It cannot be moved.
        """
        now = _stamp(path)
        if now is not None and now != self._stamps.get(path):
            kept = self.keep(path)
            self._say(
                f"{path.name} was changed by another window or program in between; its version is kept as "
                f"{BACKUP_FOLDER}/{kept.name}"
            )

    def keep(self, path: Path, *, copied: bool = False) -> Path:
        """Moves a file into `backup/` under a name that is free, or copies it there.

        Raises:
            RecordingError: It cannot be written there.
        """
        try:
            self._backup.mkdir(exist_ok=True)
            target = unused(self._backup, path.stem, path.suffix)
            if copied:
                shutil.copy2(path, target)
            else:
                os.replace(path, target)
        except OSError as error:
            raise cannot_write(path, error) from error
        return target


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return Stamp(found.st_mtime_ns, found.st_size, found.st_ino)


def unused(folder: Path, stem: str, suffix: str) -> Path:
    """A name that is free in a folder: numbered from 1."""
    number = 1
    while (path := folder / f"{stem}.{number}{suffix}").exists():
        number += 1
    return path


def cannot_write(path: Path, error: OSError) -> RecordingError:
    """What to raise where a file cannot be written."""
    return RecordingError(f"cannot write {path}: {error.strerror or error}")
