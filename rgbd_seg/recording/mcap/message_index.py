"""Where every message of a recording lies: written as an attachment at the end of a file, so that it opens at once."""

from __future__ import annotations

import json
import struct
import sys
from array import array
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.recording.mcap.format import gap_from_dict, json_bytes
from rgbd_seg.recording.reader import Gap

_VERSION = 1
_MAX_HEADER_BYTES = 64 * 1024 * 1024
_COLUMNS = 3


class MessageIndexBuilder:
    """Collects places while a file is written or scanned: 24 bytes for each message."""

    def __init__(self) -> None:
        self._tables: dict[int, array[int]] = {}
        self._waiting: list[tuple[int, int, int]] = []
        self._placed_gaps = 0
        self.gaps: list[Gap] = []

    def add(self, channel_id: int, time_ns: int, offset_in_chunk: int) -> None:
        """Notes a message of the chunk that `place_chunk` will place."""
        self._waiting.append((channel_id, time_ns, offset_in_chunk))

    def place_chunk(self, chunk_offset: int) -> None:
        """Says where the chunk of the messages noted since the last call lies in the file."""
        for channel_id, time_ns, offset in self._waiting:
            self._tables.setdefault(channel_id, array("q")).extend((time_ns, chunk_offset, offset))
        self._waiting.clear()
        self._placed_gaps = len(self.gaps)

    def forget_chunk(self) -> None:
        """Drops the messages and gaps noted since the last call: their chunk could not be written."""
        self._waiting.clear()
        del self.gaps[self._placed_gaps :]

    def build(self) -> MessageIndex:
        """The index of everything placed so far, each table in the order of time."""
        tables = {}
        for channel_id, numbers in self._tables.items():
            table = np.array(numbers, np.int64).reshape(-1, _COLUMNS)
            if np.any(np.diff(table[:, 0]) < 0):
                table = table[np.argsort(table[:, 0], kind="stable")]
            tables[channel_id] = table
        return MessageIndex(tables, tuple(self.gaps))


@dataclass(frozen=True, slots=True, eq=False)
class MessageIndex:
    """The places of all messages.

    Attributes:
        tables: For each channel id (N, 3) int64: log time in nanoseconds, offset of the chunk in the file, offset of
            the message in the uncompressed chunk; times never decrease.
        gaps: Where frames are missing.
        offset: Where the attachment lay in the file when it was written, -1 if it never was. A tool that rewrites the
            file moves it, and the places are then no longer true.
    """

    tables: Mapping[int, NDArray[np.int64]]
    gaps: tuple[Gap, ...] = ()
    offset: int = -1

    def to_bytes(self, offset: int) -> bytes:
        """The attachment's content.

        Args:
            offset: Where the attachment will lie in the file.
        """
        header = json_bytes(
            {
                "version": _VERSION,
                "offset": offset,
                "tables": [[channel_id, len(table)] for channel_id, table in self.tables.items()],
                "gaps": [[g.after, g.frames, g.seconds, g.reason] for g in self.gaps],
            }
        )
        columns = [np.ascontiguousarray(table, "<i8").tobytes() for table in self.tables.values()]
        return b"".join([struct.pack("<I", len(header)), header, *columns])

    @staticmethod
    def from_bytes(data: bytes) -> MessageIndex:
        """Reads what `to_bytes` wrote.

        Raises:
            ValueError: It is damaged or of another version.
        """
        try:
            (length,) = struct.unpack_from("<I", data)
            if length > min(len(data) - 4, _MAX_HEADER_BYTES):
                raise ValueError("the index is cut off")
            header = json.loads(data[4 : 4 + length])
            if header["version"] != _VERSION:
                raise ValueError("the index is of another version")
            position = 4 + length
            tables: dict[int, NDArray[np.int64]] = {}
            for channel_id, count in header["tables"]:
                size = int(count) * _COLUMNS * 8
                if not 0 <= size <= len(data) - position:
                    raise ValueError("the index is cut off")
                numbers = np.frombuffer(data, "<i8", int(count) * _COLUMNS, position)
                table = numbers.reshape(-1, _COLUMNS)
                if np.any(table < 0) or np.any(np.diff(table[:, 0]) < 0):
                    raise ValueError("the index is out of order")
                tables[int(channel_id)] = table.astype(np.int64, copy=sys.byteorder != "little")
                position += size
            gaps = tuple(
                gap_from_dict({"after": a, "frames": n, "seconds": s, "reason": r}) for a, n, s, r in header["gaps"]
            )
        except (struct.error, KeyError, TypeError, RecursionError, OverflowError) as error:
            raise ValueError(f"the index is damaged: {error!r}") from None
        return MessageIndex(tables, gaps, int(header["offset"]))
