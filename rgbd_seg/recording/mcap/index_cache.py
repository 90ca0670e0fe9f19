"""Keeps the rebuilt index of a large damaged recording, so that only its first opening looks through the file.

Nothing is written beside the recording: its folder may be read-only, and holds what its owner put there. An entry is
believed only for a file with the same name, size, time of change and samples of its content, and only if its own
checksum holds; each message is checked once more when it is read. The folder can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path

import numpy as np
import platformdirs
from mcap.opcode import Opcode

from rgbd_seg.recording.mcap.contents import McapContents
from rgbd_seg.recording.mcap.input import DamagedError, McapInput

_log = logging.getLogger(__name__)

#: Smaller recordings are looked through faster than anybody notices.
WORTH_BYTES = 32 * 1024 * 1024
LIMIT_BYTES = 512 * 1024 * 1024
_MAX_ENTRY_BYTES = 256 * 1024 * 1024
_VERSION = b"rgbd-seg index 1\n"
_SAMPLES, _SAMPLE_BYTES = 64, 4096
_CHECKED_CHUNKS = 16


def load(source: McapInput) -> McapContents | None:
    """The table of contents as an earlier opening found it; None if there is none that fits this very file."""
    if source.size < WORTH_BYTES:
        return None
    try:
        path = _entry(source)
        if path.stat().st_size > _MAX_ENTRY_BYTES:
            return None
        data = path.read_bytes()
        start = len(_VERSION) + hashlib.sha256().digest_size
        body = memoryview(data)[start:]
        if data[:start] != _VERSION + hashlib.sha256(body).digest():
            return None
        contents = McapContents.from_bytes(bytes(body))
        _check_places(source, contents)
        os.utime(path)  # The entries used last are kept longest.
    except (OSError, ValueError, DamagedError) as error:
        _log.debug("no kept index for %s: %s", source.path, error)
        return None
    return contents


def keep(source: McapInput, contents: McapContents) -> None:
    """Keeps what looking through the whole file has found; does nothing where that cannot be written."""
    if source.size < WORTH_BYTES:
        return
    body = contents.to_bytes()
    if len(body) > _MAX_ENTRY_BYTES:
        return
    try:
        path = _entry(source)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}.part")
        # Private like the recording itself: it says where and when that was made.
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(_VERSION + hashlib.sha256(body).digest() + body)
        partial.replace(path)
        _prune(path)
    except (OSError, DamagedError) as error:
        _log.info("the index of %s is not kept: %s", source.path, error)


def _entry(source: McapInput) -> Path:
    """Where the entry of a file lies.

    Raises:
        DamagedError: The file cannot be read.
    """
    digest = hashlib.sha256(_VERSION)
    digest.update(f"{source.path.name}\0{source.size}\0{source.modified_ns}\0".encode(errors="surrogateescape"))
    for offset in np.linspace(0, max(source.size - _SAMPLE_BYTES, 0), _SAMPLES).astype(np.int64):
        digest.update(source.read_at(int(offset), min(_SAMPLE_BYTES, source.size)))
    return platformdirs.user_cache_path("rgbd-seg") / "recordings" / f"{digest.hexdigest()}.index"


def _check_places(source: McapInput, contents: McapContents) -> None:
    """Looks whether records are where the index says, at some places.

    Raises:
        DamagedError: One is not.
    """
    for table in contents.index.tables.values():
        chunks = np.unique(table[:, 1])
        for place in chunks[np.linspace(0, len(chunks) - 1, min(_CHECKED_CHUNKS, len(chunks))).astype(int)]:
            opcode, _ = source.header_at(int(place))
            if opcode not in (Opcode.CHUNK, Opcode.MESSAGE):
                raise DamagedError(f"there is no chunk at byte {place}")


def _prune(keep: Path) -> None:
    """Throws the longest unused entries away."""
    entries = [(path, path.stat()) for path in keep.parent.iterdir() if path != keep]
    total = keep.stat().st_size
    for path, status in sorted(entries, key=lambda entry: -entry[1].st_mtime):
        total += status.st_size
        if total > LIMIT_BYTES:
            path.unlink(missing_ok=True)
