"""ROS 1 bags (format 2.0) at random, whole or cut off, packed with bz2, lz4 or not at all.

Read by our own code, because a bag from a stranger is data: every length is compared with the file before it is used,
and a chunk is unpacked up to its declared size and no further. Source: wiki.ros.org/Bags/Format/2.0.
"""

from __future__ import annotations

import bz2
import struct
from array import array
from collections import OrderedDict
from pathlib import Path

import lz4.frame
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.mcap.input import MAX_CHUNK_BYTES, DamagedError, McapInput
from rgbd_seg.recording.messages.store import StoredChannel

MAGIC = b"#ROSBAG V2.0\n"
_MESSAGE, _INDEX, _CHUNK, _CONNECTION = 2, 4, 5, 7
_MAX_HEADER_BYTES = 1_000_000
_MAX_CONNECTION_BYTES = 4_000_000
_CACHE_BYTES = 48 * 1024 * 1024
_HEAD_BYTES = 4096
_LENGTH = struct.Struct("<I")


class Bag1Store:
    """The messages of a ROS 1 bag; see `MessageStore`."""

    def __init__(self, path: Path) -> None:
        """Walks from chunk to chunk, reading their indexes.

        Raises:
            RecordingError: It is no ROS 1 bag, or nothing in it can be read.
        """
        self.path = path
        self.channels: dict[int, StoredChannel] = {}
        self.tables: dict[int, NDArray[np.int64]] = {}
        self.warnings: tuple[str, ...] = ()
        self._source = McapInput(path)
        self._chunks: dict[int, tuple[str, int, int, int]] = {}  # Packing, plain size, where the data is and its size.
        self._unpacked: OrderedDict[int, bytes] = OrderedDict()
        self._rows: dict[int, array[int]] = {}
        try:
            if self._source.size < len(MAGIC) or self._source.read_at(0, len(MAGIC)) != MAGIC:
                raise RecordingError(f"{path} is no ROS 1 bag of format 2.0")
            self._walk()
            for number, rows in self._rows.items():
                table = np.array(rows, np.int64).reshape(-1, 3)
                self.tables[number] = table[np.argsort(table[:, 0], kind="stable")]
            if not self.channels:
                raise RecordingError(f"{path} is a ROS 1 bag, but there is no whole chunk of messages in it")
        except DamagedError as error:
            self.close()
            raise RecordingError(f"{path} is a damaged ROS 1 bag: {error}") from None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._source.close()

    @property
    def slow(self) -> bool:
        """Whether most of it is packed with bz2, at some 25 MB a second."""
        packed = [chunk for chunk in self._chunks.values() if chunk[0] == "bz2"]
        return 2 * len(packed) > len(self._chunks)

    def message(self, channel_id: int, place: NDArray[np.int64]) -> bytes | memoryview:
        """The message at a row of a table; see `MessageStore.message`."""
        try:
            return _message_at(memoryview(self._records(int(place[1]))), int(place[2]), channel_id)
        except DamagedError as error:
            raise RecordingError(f"a message is damaged: {error}") from None

    def head(self, channel_id: int, place: NDArray[np.int64]) -> bytes | memoryview:
        """The message's first bytes where its chunk is not packed; see `MessageStore.head`."""
        packing, _, start, size = self._chunks[int(place[1])]
        if packing != "none":
            return self.message(channel_id, place)
        try:
            offset = int(place[2])
            data = self._source.read_at(start + offset, min(_HEAD_BYTES, size - offset))
            return _message_at(memoryview(data), 0, channel_id, whole=False)
        except DamagedError as error:
            raise RecordingError(f"a message is damaged: {error}") from None

    def _walk(self) -> None:
        position, chunk = len(MAGIC), -1
        indexed = True
        try:
            while position < self._source.size:
                fields, start, length = _record(self._source, position)
                opcode = _opcode(fields)
                if opcode == _CHUNK:
                    self._settle(chunk, indexed)
                    chunk, indexed = position, False
                    packing = fields.get("compression", b"").decode("ascii", "replace")
                    (plain,) = _LENGTH.unpack(fields.get("size", b"")[:4].ljust(4, b"\0"))
                    self._chunks[chunk] = (packing, plain, start, length)
                elif opcode == _INDEX and chunk >= 0:
                    indexed = self._add_index(chunk, fields, start, length) or indexed
                elif opcode == _CONNECTION:
                    self._add_connection(fields, self._source.read_at(start, min(length, _MAX_CONNECTION_BYTES)))
                position = start + length
        except DamagedError as error:
            left = self._source.size - position
            self.warnings = (
                f"{self.path.name} was not finished, or is damaged: {left} bytes at its end cannot be read ({error}).",
            )
        self._settle(chunk, indexed)
        # Bags that were not closed have no list of connections at their end.
        for place in list(self._chunks) if set(self._rows) - set(self.channels) else []:
            self._look_inside(place, messages=False)

    def _settle(self, chunk: int, indexed: bool) -> None:
        if chunk >= 0 and not indexed:
            self._look_inside(chunk, messages=True)

    def _look_inside(self, chunk: int, *, messages: bool) -> None:
        """Finds connections, and messages, in a chunk that has no index."""
        try:
            records = memoryview(self._records(chunk))
            position = 0
            while position < len(records):
                fields, start, length = _split(records, position)
                if _opcode(fields) == _CONNECTION:
                    self._add_connection(fields, bytes(records[start : start + length]))
                elif _opcode(fields) == _MESSAGE and messages:
                    seconds, nanoseconds = struct.unpack("<II", fields.get("time", b"").ljust(8, b"\0")[:8])
                    self._note(_number(fields, "conn"), seconds * 10**9 + nanoseconds, chunk, position)
                position = start + length
        except DamagedError:
            self.warnings = (*self.warnings, f"The chunk at byte {chunk} cannot be read and is left out.")[:20]

    def _add_index(self, chunk: int, fields: dict[str, bytes], start: int, length: int) -> bool:
        connection = _number(fields, "conn")
        if length % 12 or _number(fields, "count") != length // 12:
            raise DamagedError("an index contradicts itself")
        plain = self._chunks[chunk][1]
        for seconds, nanoseconds, offset in struct.iter_unpack("<III", self._source.read_at(start, length)):
            if offset < plain:
                self._note(connection, seconds * 10**9 + nanoseconds, chunk, offset)
        return True

    def _note(self, connection: int, time_ns: int, chunk: int, offset: int) -> None:
        self._rows.setdefault(connection, array("q")).extend((time_ns, chunk, offset))

    def _add_connection(self, fields: dict[str, bytes], data: bytes) -> None:
        inside = _fields(data)
        topic = fields.get("topic", b"").decode("utf-8", "replace")[:1000]
        schema = inside.get("type", b"").decode("utf-8", "replace")[:200]
        self.channels.setdefault(_number(fields, "conn"), StoredChannel(topic, schema, "ros1"))

    def _records(self, chunk: int) -> bytes:
        """The records in a chunk."""
        if chunk in self._unpacked:
            self._unpacked.move_to_end(chunk)
            return self._unpacked[chunk]
        packing, plain, start, length = self._chunks[chunk]
        if plain > MAX_CHUNK_BYTES or length > MAX_CHUNK_BYTES:
            raise DamagedError(f"the chunk at byte {chunk} claims {plain} bytes")
        data = self._source.read_at(start, length)
        try:
            if packing == "lz4":
                data = lz4.frame.LZ4FrameDecompressor().decompress(data, max_length=plain)
            elif packing == "bz2":
                data = bz2.BZ2Decompressor().decompress(data, max_length=plain)
            elif packing != "none":
                raise DamagedError(f"the chunk at byte {chunk} is packed in an unknown way ({packing!r:.20})")
        except (RuntimeError, OSError, ValueError, EOFError) as error:
            raise DamagedError(f"the chunk at byte {chunk} cannot be unpacked: {error}") from None
        if len(data) != plain:
            raise DamagedError(f"the chunk at byte {chunk} is damaged")
        self._unpacked[chunk] = data
        while sum(map(len, self._unpacked.values())) > _CACHE_BYTES and len(self._unpacked) > 1:
            self._unpacked.popitem(last=False)
        return data


def _record(source: McapInput, position: int) -> tuple[dict[str, bytes], int, int]:
    """Fields of a record's header, where its data begins and how long it is."""
    (header,) = _LENGTH.unpack(source.read_at(position, 4))
    if header > _MAX_HEADER_BYTES:
        raise DamagedError(f"there is no record at byte {position}")
    fields = _fields(source.read_at(position + 4, header))
    (length,) = _LENGTH.unpack(source.read_at(position + 4 + header, 4))
    start = position + 8 + header
    if start + length > source.size:
        raise DamagedError(f"the record at byte {position} is cut off")
    return fields, start, length


def _message_at(records: memoryview, offset: int, connection: int, *, whole: bool = True) -> memoryview:
    fields, start, length = _split(records, offset, whole=whole)
    if _opcode(fields) != _MESSAGE or _number(fields, "conn") != connection:
        raise DamagedError("another record is where the index says")
    return records[start : start + length]


def _split(records: memoryview, position: int, *, whole: bool = True) -> tuple[dict[str, bytes], int, int]:
    """Fields of the record at a position, where its data begins and how long it is."""
    if position < 0 or position + 4 > len(records):
        raise DamagedError("a record is cut off")
    (header,) = _LENGTH.unpack_from(records, position)
    start = position + 8 + header
    if start > len(records):
        raise DamagedError("a record is cut off")
    (length,) = _LENGTH.unpack_from(records, start - 4)
    if whole and start + length > len(records):
        raise DamagedError("a record is cut off")
    return _fields(bytes(records[position + 4 : start - 4])), start, length


def _fields(data: bytes) -> dict[str, bytes]:
    """The fields of a header: for each a length, its name, "=" and its value."""
    fields, position = {}, 0
    while position < len(data):
        if position + 4 > len(data):
            raise DamagedError("a header is cut off")
        (length,) = _LENGTH.unpack_from(data, position)
        name, mark, value = data[position + 4 : position + 4 + length].partition(b"=")
        if not mark or position + 4 + length > len(data):
            raise DamagedError("a header is damaged")
        fields[name.decode("ascii", "replace")] = value
        position += 4 + length
    return fields


def _opcode(fields: dict[str, bytes]) -> int:
    return fields.get("op", b"\0")[0] if fields.get("op") else 0


def _number(fields: dict[str, bytes], name: str) -> int:
    value = fields.get(name, b"")
    if len(value) != 4:
        raise DamagedError(f"a header has no {name}")
    return int.from_bytes(value, "little")
