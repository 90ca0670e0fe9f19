"""Where converted and compiled models are kept between runs, so that the second start is quick.

Everything in there can be deleted at any time. A key names the model by its contents, not by its path: a file that
was trained further gets new entries, and the old ones are thrown away when the folder grows too large.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import platformdirs

from rgbd_seg.version import __version__

_LIMIT_BYTES = 6 * 2**30
_CHUNK_BYTES = 2**20


def cache_folder() -> Path:
    """The folder of the cached models; created if need be."""
    folder = platformdirs.user_cache_path("rgbd-seg") / "models"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def file_digest(path: Path) -> str:
    """SHA-256 of a file's contents in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def cache_key(*parts: object) -> str:
    """A file name for an entry that depends on all of `parts` and on this version of the program."""
    text = "\0".join(map(str, (__version__, *parts)))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def read_entry(name: str) -> Path | None:
    """The path of an entry, or None if there is none; a found entry counts as used now."""
    path = cache_folder() / name
    try:
        os.utime(path)
    except OSError:
        return None
    return path


def write_entry(name: str, write: Callable[[Path], None]) -> Path | None:
    """Adds an entry, at once or not at all, and throws the longest unused ones away.

    Args:
        name: File name of the entry.
        write: Writes the contents to the path that it is given.

    Returns:
        The entry's path, or None if it could not be written (a full disk must not keep a model from running).
    """
    path = cache_folder() / name
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        write(partial)
        os.replace(partial, path)
        _prune(keep=path)
    except OSError:
        partial.unlink(missing_ok=True)
        return None
    return path


def _prune(keep: Path) -> None:
    entries = [(path, path.stat()) for path in keep.parent.iterdir() if path.is_file() and path != keep]
    entries.sort(key=lambda entry: entry[1].st_mtime, reverse=True)
    total = keep.stat().st_size
    for path, status in entries:
        total += status.st_size
        if total > _LIMIT_BYTES:
            path.unlink(missing_ok=True)
