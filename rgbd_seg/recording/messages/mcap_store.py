"""The messages of an MCAP file as a store, on top of our own reader of such files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mcap.opcode import Opcode
from numpy.typing import NDArray

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.mcap.chunks import ChunkCache
from rgbd_seg.recording.mcap.contents import McapContents
from rgbd_seg.recording.mcap.input import HEADER_BYTES, ChunkHead, DamagedError, McapInput
from rgbd_seg.recording.mcap.opening import read_contents
from rgbd_seg.recording.messages.store import StoredChannel

# A message's own fields before its content: channel, sequence, log time, publish time.
_FIELDS_BYTES = 22
_HEAD_BYTES = 4096


class McapStore:
    """The messages of an MCAP file; see `MessageStore`."""

    def __init__(self, path: Path, source: McapInput, contents: McapContents, chunks: ChunkCache) -> None:
        """Takes over an open file.

        Args:
            path: The file.
            source: Its bytes; closed with this store.
            contents: What is in it.
            chunks: Its unpacked chunks.
        """
        self.path = path
        self._source, self._chunks = source, chunks
        self._heads: dict[int, ChunkHead | None] = {}
        schemas = {number: schema.name for number, schema in contents.schemas.items()}
        self.channels = {
            number: StoredChannel(c.topic, schemas.get(c.schema_id, ""), c.message_encoding, dict(c.metadata))
            for number, c in contents.channels.items()
        }
        self.tables = dict(contents.index.tables)
        self.warnings = contents.warnings

    @property
    def slow(self) -> bool:
        """Its chunks unpack in milliseconds."""
        return False

    def message(self, channel_id: int, place: NDArray[np.int64]) -> bytes | memoryview:
        """The message at a row of a table; see `MessageStore.message`."""
        try:
            return self._chunks.message(place, channel_id).data
        except DamagedError as error:
            raise RecordingError(str(error)) from None

    def head(self, channel_id: int, place: NDArray[np.int64]) -> bytes | memoryview:
        """The message's first bytes where its chunk is not packed; see `MessageStore.head`."""
        chunk, offset = int(place[1]), int(place[2])
        try:
            if chunk not in self._heads:
                opcode, _ = self._source.header_at(chunk)
                self._heads[chunk] = self._source.chunk_head(chunk) if opcode == Opcode.CHUNK else None
            head = self._heads[chunk]
            if head is not None and head.compression:
                return self.message(channel_id, place)
            at = chunk if head is None else head.data_offset + offset
            opcode, end = self._source.header_at(at)
            start = at + HEADER_BYTES
            if opcode != Opcode.MESSAGE or end - start < _FIELDS_BYTES:
                raise DamagedError("a message is missing")
            data = self._source.read_at(start, min(end - start, _FIELDS_BYTES + _HEAD_BYTES))
        except DamagedError as error:
            raise RecordingError(str(error)) from None
        if int.from_bytes(data[:2], "little") != channel_id:
            raise RecordingError("another message is where the index says")
        return memoryview(data)[_FIELDS_BYTES:]

    def close(self) -> None:
        self._source.close()


def open_mcap_store(path: Path) -> McapStore:
    """Opens an MCAP file as a store.

    Raises:
        RecordingError: Nothing in it can be read.
    """
    source = McapInput(path)
    try:
        return McapStore(path, source, read_contents(source), ChunkCache(source))
    except BaseException:
        source.close()
        raise
