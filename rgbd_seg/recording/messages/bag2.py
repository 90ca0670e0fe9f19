"""rosbag2's SQLite databases, and folders of several files: one store over all of them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import numpy as np
import zstandard
from numpy.typing import NDArray

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.messages.store import MessageStore, StoredChannel

METADATA_FILE = "metadata.yaml"
SQLITE_MAGIC = b"SQLite format 3\0"
_MAX_MESSAGE_BYTES = 256 * 1024 * 1024
_MAX_CHANNELS = 65536
_HEAD_BYTES = 4096


def is_rosbag2(path: Path) -> bool:
    """Whether a file is a database of rosbag2, by its tables."""
    try:
        with path.open("rb") as file:
            if file.read(len(SQLITE_MAGIC)) != SQLITE_MAGIC:
                return False
        with closing(_connect(path)) as database:
            names = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type='table' LIMIT 1000")}
    except (OSError, sqlite3.Error):
        return False
    return {"topics", "messages"} <= names


class Bag2Store:
    """The messages of one SQLite database of rosbag2; see `MessageStore`."""

    def __init__(self, path: Path, *, packed: bool = False) -> None:
        """Reads when each message was recorded.

        Args:
            path: The database.
            packed: Whether every message is packed with zstd, as the folder's metadata say.

        Raises:
            RecordingError: It is no database of rosbag2, or damaged.
        """
        self.path = path
        self.channels: dict[int, StoredChannel] = {}
        self.tables: dict[int, NDArray[np.int64]] = {}
        self.warnings: tuple[str, ...] = ()
        self._packed = packed
        if not is_rosbag2(path):
            raise RecordingError(f"{path} is no database of rosbag2 (SQLite with the tables topics and messages)")
        # The thread that opens a recording is not always the one that reads it.
        self._database = _connect(path)
        try:
            rows = self._database.execute(
                "SELECT id, name, type, serialization_format FROM topics LIMIT ?", (_MAX_CHANNELS,)
            )
            for number, topic, schema, encoding in rows.fetchall():
                channel = StoredChannel(str(topic)[:1000], str(schema)[:200], str(encoding or "cdr")[:40])
                self.channels[int(number)] = channel
            for number in self.channels:
                found = self._database.execute("SELECT timestamp, id FROM messages WHERE topic_id = ?", (number,))
                table = np.array(found.fetchall(), np.int64).reshape(-1, 2)
                # Not by the database: it would trust its index, which may be damaged.
                table = table[np.lexsort((table[:, 1], table[:, 0]))]
                self.tables[number] = np.column_stack([table, np.zeros(len(table), np.int64)])
        except (sqlite3.Error, ValueError, TypeError, OverflowError) as error:
            self.close()
            raise RecordingError(f"{path} is a damaged database of rosbag2: {error}") from None

    @property
    def slow(self) -> bool:
        """Messages are read one by one."""
        return False

    def message(self, channel_id: int, place: NDArray[np.int64]) -> bytes | memoryview:
        """The message at a row of a table; see `MessageStore.message`."""
        try:
            row = self._database.execute(
                "SELECT data FROM messages WHERE id = ? AND topic_id = ? AND length(data) <= ?",
                (int(place[1]), channel_id, _MAX_MESSAGE_BYTES),
            ).fetchone()
        except sqlite3.Error as error:
            raise RecordingError(f"a message is damaged: {error}") from None
        if row is None or not isinstance(row[0], bytes):
            raise RecordingError("a message is missing, or too large")
        if not self._packed:
            return row[0]
        try:
            return zstandard.ZstdDecompressor().decompress(row[0], max_output_size=_MAX_MESSAGE_BYTES)
        except zstandard.ZstdError as error:
            raise RecordingError(f"a message cannot be unpacked: {error}") from None

    def head(self, channel_id: int, place: NDArray[np.int64]) -> bytes | memoryview:
        if self._packed:
            return self.message(channel_id, place)
        try:
            with self._database.blobopen("messages", "data", int(place[1]), readonly=True) as blob:
                return blob.read(_HEAD_BYTES)
        except (sqlite3.Error, ValueError) as error:
            raise RecordingError(f"a message is damaged: {error}") from None

    def close(self) -> None:
        """Closes the database. Closing twice does nothing."""
        self._database.close()


class JoinedStore:
    """Several stores as one: the files of a split recording."""

    def __init__(self, path: Path, parts: Sequence[MessageStore], warnings: tuple[str, ...] = ()) -> None:
        """Numbers the channels of all parts anew.

        Args:
            path: The folder.
            parts: The files in order; closed with this store.
            warnings: What else is wrong.
        """
        self.path = path
        self._parts = parts
        keys = [(part, number) for part, store in enumerate(parts) for number in store.channels]
        self._keys = dict(enumerate(keys))
        self.channels = {new: parts[part].channels[number] for new, (part, number) in self._keys.items()}
        empty = np.zeros((0, 3), np.int64)
        self.tables = {new: parts[part].tables.get(number, empty) for new, (part, number) in self._keys.items()}
        self.warnings = (*warnings, *(warning for part in parts for warning in part.warnings))

    @property
    def slow(self) -> bool:
        """Whether one of the parts is."""
        return any(part.slow for part in self._parts)

    def message(self, channel_id: int, place: NDArray[np.int64]) -> bytes | memoryview:
        """The message at a row of a table; see `MessageStore.message`."""
        part, number = self._keys[channel_id]
        return self._parts[part].message(number, place)

    def head(self, channel_id: int, place: NDArray[np.int64]) -> bytes | memoryview:
        part, number = self._keys[channel_id]
        return self._parts[part].head(number, place)

    def close(self) -> None:
        """Closes all parts. Closing twice does nothing."""
        for part in self._parts:
            part.close()


def packs_messages(metadata: str) -> bool:
    """Whether a folder's `metadata.yaml` says that every message is packed by itself."""
    return re.search(r"^\s*compression_mode:\s*[\"']?message\b", metadata, re.IGNORECASE | re.MULTILINE) is not None


def _connect(path: Path) -> sqlite3.Connection:
    """Opens a database to be read and never written."""
    return sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True, check_same_thread=False)
