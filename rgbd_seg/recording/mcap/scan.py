"""Finds everything readable in an MCAP file without believing its index: record by record, over damaged places.

It hops from chunk to chunk and unpacks only those whose message indexes are missing, so that a large recording that
was interrupted opens in seconds.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from mcap.opcode import Opcode
from mcap.records import Channel, Metadata, Schema

from rgbd_seg.recording.mcap.format import AGAIN
from rgbd_seg.recording.mcap.input import (
    HEADER_BYTES,
    ChunkHead,
    DamagedError,
    McapInput,
    inner_records,
    message_at,
    parse_record,
)
from rgbd_seg.recording.mcap.message_index import MessageIndexBuilder
from rgbd_seg.recording.mcap.output import MAGIC

_WINDOW_BYTES = 1024 * 1024
# The compression's name with its length before it stands at this distance from a chunk's first byte.
_NAME_DISTANCE = HEADER_BYTES + 8 + 8 + 8 + 4
_SIGNATURES = (b"\x04\x00\x00\x00zstd", b"\x03\x00\x00\x00lz4")
_MAX_METADATA = 10_000
_INDEX_HEAD, _INDEX_ROW = struct.Struct("<HI"), struct.Struct("<qq")


@dataclass(slots=True)
class Scan:
    """What was found.

    Attributes:
        schemas: By id.
        channels: By id.
        metadata: The texts by the name of their table.
        places: Where the messages lie.
        chunks: Whole chunks in the order of the file.
        loose: Where messages outside chunks lie.
        attachments: Where attachments lie.
        holes: Where bytes begin that could not be understood, except at the end of the file.
        skipped_bytes: How much could not be understood.
        tail_bytes: How much of that lies at the end of the file.
    """

    schemas: dict[int, Schema] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    places: MessageIndexBuilder = field(default_factory=MessageIndexBuilder)
    chunks: list[ChunkHead] = field(default_factory=list)
    loose: list[int] = field(default_factory=list)
    attachments: list[int] = field(default_factory=list)
    holes: list[int] = field(default_factory=list)
    skipped_bytes: int = 0
    tail_bytes: int = 0


def scan(source: McapInput, progress: Callable[[float], None] | None = None) -> Scan:
    """Walks through the whole file.

    Args:
        source: The file.
        progress: Is called now and then with the part done, 0..1.
    """
    found = Scan()
    position = len(MAGIC)
    open_chunk: _OpenChunk | None = None
    end_mark = source.size - len(MAGIC)
    while position < source.size:
        try:
            if position == end_mark and source.read_at(position, len(MAGIC)) == MAGIC:
                break
            opcode, end = source.header_at(position)
            if opcode == Opcode.MESSAGE_INDEX and open_chunk:
                open_chunk.add_index(source.read_at(position + HEADER_BYTES, end - position - HEADER_BYTES))
            else:
                if open_chunk:
                    open_chunk.settle(source, found, indexes_are_whole=True)
                    open_chunk = None
                if opcode == Opcode.CHUNK:
                    open_chunk = _OpenChunk(source.chunk_head(position))
                    found.chunks.append(open_chunk.head)
                else:
                    _take(source, found, position, opcode)
        except DamagedError:
            if open_chunk:
                open_chunk.settle(source, found, indexes_are_whole=False)
                open_chunk = None
            end = _next_chunk(source, position + 1)
            found.skipped_bytes += end - position
            if end == source.size:
                found.tail_bytes = end - position
            else:
                found.holes.append(position)
        position = end
        if progress:
            progress(position / source.size)
    if open_chunk:
        open_chunk.settle(source, found, indexes_are_whole=False)
    return found


class _OpenChunk:
    """A chunk whose message indexes are still coming."""

    def __init__(self, head: ChunkHead) -> None:
        self.head = head
        self._indexes: list[tuple[int, list[tuple[int, int]]]] = []

    def add_index(self, fields: bytes) -> None:
        """Takes the fields of a MessageIndex: channel, length, then pairs of log time and offset in the chunk.

        Raises:
            DamagedError: The lengths contradict each other, or a message is outside the chunk.
        """
        if len(fields) < _INDEX_HEAD.size:
            raise DamagedError("a message index is cut off")
        channel_id, length = _INDEX_HEAD.unpack_from(fields)
        if length != len(fields) - _INDEX_HEAD.size or length % 16:
            raise DamagedError("a message index is damaged")
        rows = list(_INDEX_ROW.iter_unpack(memoryview(fields)[_INDEX_HEAD.size :]))
        if any(time_ns < 0 or not 0 <= offset < self.head.plain_size for time_ns, offset in rows):
            raise DamagedError("a message index points outside its chunk")
        self._indexes.append((channel_id, rows))

    def settle(self, source: McapInput, found: Scan, *, indexes_are_whole: bool) -> None:
        """Notes the chunk's messages: by its indexes, or by unpacking it where they do not suffice."""
        known = all(channel_id in found.channels for channel_id, _ in self._indexes)
        if indexes_are_whole and self._indexes and known:
            for channel_id, rows in self._indexes:
                for time_ns, offset in rows:
                    found.places.add(channel_id, time_ns, offset)
        else:
            self._unpack(source, found)
        found.places.place_chunk(self.head.offset)

    def _unpack(self, source: McapInput, found: Scan) -> None:
        try:
            records = source.unpack(self.head)
            for opcode, start, end in inner_records(records):
                if opcode == Opcode.MESSAGE:
                    message = message_at(records, start)
                    if message.time_ns < 2**63:
                        found.places.add(message.channel_id, message.time_ns, start)
                elif opcode in (Opcode.SCHEMA, Opcode.CHANNEL):
                    _note(found, opcode, records[start + HEADER_BYTES : end])
        except DamagedError:
            found.skipped_bytes += self.head.end - self.head.offset
            found.holes.append(self.head.offset)


def _take(source: McapInput, found: Scan, position: int, opcode: int) -> None:
    """A record outside chunks."""
    if opcode == Opcode.SCHEMA:
        schema = source.record_at(position, Schema, opcode)
        found.schemas.setdefault(schema.id, schema)
    elif opcode == Opcode.CHANNEL:
        channel = source.record_at(position, Channel, opcode)
        found.channels.setdefault(channel.id, channel)
    elif opcode == Opcode.METADATA and len(found.metadata) < _MAX_METADATA:
        metadata = source.record_at(position, Metadata, opcode)
        first = found.metadata.setdefault(metadata.name, metadata.metadata)
        if first != metadata.metadata:  # Several recordings that a tool has put into one file.
            found.metadata.setdefault(metadata.name + AGAIN, metadata.metadata)
    elif opcode == Opcode.MESSAGE:
        # A file without chunks: the message itself is what will be read at this place.
        head = source.read_at(position, HEADER_BYTES + 22)
        channel_id, time_ns = int.from_bytes(head[9:11], "little"), int.from_bytes(head[15:23], "little")
        if time_ns < 2**63:
            found.places.add(channel_id, time_ns, 0)
            found.places.place_chunk(position)
            found.loose.append(position)
    elif opcode == Opcode.ATTACHMENT:
        found.attachments.append(position)


def _note(found: Scan, opcode: int, fields: bytes) -> None:
    if opcode == Opcode.SCHEMA:
        schema = parse_record(fields, Schema)
        found.schemas.setdefault(schema.id, schema)
    else:
        channel = parse_record(fields, Channel)
        found.channels.setdefault(channel.id, channel)


def _next_chunk(source: McapInput, position: int) -> int:
    """Where the next plausible chunk begins at or after `position`; the file's size if there is none."""
    overlap = _NAME_DISTANCE + max(map(len, _SIGNATURES))
    while position < source.size:
        length = min(_WINDOW_BYTES + overlap, source.size - position)
        try:
            window = source.read_at(position, length)
        except DamagedError:
            return source.size
        hits = sorted(hit for signature in _SIGNATURES for hit in _all_hits(window, signature))
        for hit in hits:
            start = position + hit - _NAME_DISTANCE
            if hit < _NAME_DISTANCE or start < position:
                continue
            try:
                source.chunk_head(start)
            except DamagedError:
                continue
            return start
        position += _WINDOW_BYTES
    return source.size


def _all_hits(window: bytes, signature: bytes) -> list[int]:
    hits, at = [], window.find(signature)
    while at >= 0:
        hits.append(at)
        at = window.find(signature, at + 1)
    return hits
