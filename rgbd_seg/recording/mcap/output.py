"""An MCAP file that grows: whole chunks go to the disk at once, so that whatever is there can be read.

The `mcap` package's own writer cannot end a chunk by time, and foxglove-sdk compresses while it holds Python's global
lock. This one uses the package's record classes for everything small, and writes each chunk together with its message
indexes in one system call. The layout is the MCAP specification, version 0.
"""

from __future__ import annotations

import os
import struct
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import lz4.frame
import zstandard
from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.records import (
    Attachment,
    AttachmentIndex,
    Channel,
    ChunkIndex,
    DataEnd,
    Footer,
    Header,
    MessageIndex,
    Metadata,
    MetadataIndex,
    Schema,
    Statistics,
    SummaryOffset,
)

from rgbd_seg.errors import RecordingError

Compression = Literal["zstd", "lz4", "none"]
Buffer = bytes | memoryview

MAGIC = b"\x89MCAP0\r\n"
# Level 1 packs depth 6 times at 2.4 ms a 640x480 frame (lz4: 3.5 times at 1.1 ms; AMD EPYC, one core).
_ZSTD_LEVEL = 1

# Opcode, record length, then channel id, sequence, log time, publish time.
_MESSAGE = struct.Struct("<BQHIQQ")
_MESSAGE_FIELDS = 22
# Opcode, record length, then start time, end time, uncompressed size, CRC, length of the compression's name.
_CHUNK = struct.Struct("<BQQQQII")
_CHUNK_FIELDS = 8 + 8 + 8 + 4 + 4 + 8


class McapOutput:
    """Appends to a new file. Used from one thread."""

    def __init__(self, path: Path, *, compression: Compression, library: str) -> None:
        """Creates the file and writes its header.

        Raises:
            RecordingError: The file exists already, or cannot be created.
        """
        self._path = path
        self._compression = "" if compression == "none" else compression
        self._zstd = zstandard.ZstdCompressor(level=_ZSTD_LEVEL)
        # Private to its owner: a recording shows somebody's room.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        try:
            self._fd = os.open(path, flags, 0o600)
        except FileExistsError:
            raise RecordingError(f"{path} exists already and is never overwritten: choose another name") from None
        except OSError as error:
            raise RecordingError(f"cannot create the recording {path}: {error.strerror or error}") from None
        self._size = 0
        self._schemas: list[Schema] = []
        self._channels: list[Channel] = []
        self._counts: dict[int, int] = {}
        # Kept from chunk to chunk: fresh memory for every frame would cost a millisecond of page faults each.
        self._chunk = bytearray()
        self._chunk_size = 0
        self._chunk_began = 0.0
        self._indexes: dict[int, MessageIndex] = {}
        # Serialised at once: one chunk costs about 120 bytes for as long as the recording lasts.
        self._chunk_indexes = RecordBuilder()
        self._chunk_count = 0
        self._attachment_indexes: list[AttachmentIndex] = []
        self._metadata_indexes: list[MetadataIndex] = []
        self._times: tuple[int, int] | None = None
        self._append(MAGIC, _serialised(Header(profile="", library=library)))

    @property
    def size(self) -> int:
        """Bytes written to the file so far."""
        return self._size

    @property
    def pending_bytes(self) -> int:
        """Uncompressed bytes that wait in the open chunk."""
        return self._chunk_size

    @property
    def pending_s(self) -> float:
        """Seconds since the open chunk got its first message; 0 if it has none."""
        return time.monotonic() - self._chunk_began if self._chunk_size else 0.0

    @property
    def is_deleted(self) -> bool:
        """Whether somebody removed the file while it was being written."""
        return os.fstat(self._fd).st_nlink == 0

    def add_schema(self, name: str, encoding: str, data: bytes) -> int:
        """Describes a kind of message; returns the schema's id."""
        schema = Schema(id=len(self._schemas) + 1, name=name, encoding=encoding, data=data)
        self.copy_schema(schema)
        return schema.id

    def copy_schema(self, schema: Schema) -> None:
        """Writes another file's schema under its own id."""
        self._append(_serialised(schema))
        self._schemas.append(schema)

    def add_channel(self, topic: str, encoding: str, schema_id: int, metadata: Mapping[str, str]) -> int:
        """Opens a stream of messages; returns the channel's id."""
        number = len(self._channels) + 1
        channel = Channel(
            id=number, topic=topic, message_encoding=encoding, schema_id=schema_id, metadata=dict(metadata)
        )
        self.copy_channel(channel)
        return number

    def copy_channel(self, channel: Channel) -> None:
        """Writes another file's channel under its own id."""
        self._append(_serialised(channel))
        self._channels.append(channel)
        self._counts[channel.id] = 0

    def add_metadata(self, name: str, values: Mapping[str, str]) -> None:
        offset = self._size
        self._append(_serialised(Metadata(name=name, metadata=dict(values))))
        self._metadata_indexes.append(MetadataIndex(offset=offset, length=self._size - offset, name=name))

    def add_message(self, channel_id: int, sequence: int, time_ns: int, *data: Buffer) -> int:
        """Puts a message into the open chunk; `flush` writes it.

        Args:
            channel_id: What `add_channel` returned.
            sequence: The sender's running number; its low 32 bits are kept.
            time_ns: Nanoseconds since the epoch; 0 or more.
            data: The serialised message, in one or several pieces.

        Returns:
            Where the message lies in the chunk.
        """
        offset = self._chunk_size
        if not offset:
            self._chunk_began = time.monotonic()
        length = _MESSAGE_FIELDS + sum(map(len, data))
        head = _MESSAGE.pack(Opcode.MESSAGE, length, channel_id, sequence & 0xFFFFFFFF, time_ns, time_ns)
        for piece in (head, *data):
            end = self._chunk_size + len(piece)
            self._chunk[self._chunk_size : end] = piece
            self._chunk_size = end
        index = self._indexes.setdefault(channel_id, MessageIndex(channel_id=channel_id, records=[]))
        index.records.append((time_ns, offset))
        return offset

    def flush(self, *, hurry: bool = False) -> int | None:
        """Writes the open chunk, if it has messages.

        Args:
            hurry: Whether to pack with lz4 where zstd was chosen: larger, in half the time.

        Returns:
            Where the chunk lies in the file, or None if there was nothing to write.

        Raises:
            RecordingError: The disk is full or gone; the file ends with the chunk before.
        """
        if not self._chunk_size:
            return None
        size, indexes = self._chunk_size, self._indexes
        # Whatever happens to the disk, these messages are not kept for a second try: memory stays bounded.
        self._chunk_size, self._indexes = 0, {}
        name = "lz4" if hurry and self._compression == "zstd" else self._compression
        with memoryview(self._chunk) as chunk, chunk[:size] as plain:
            return self._append_chunk(name, self._pack(plain, name), size, zlib.crc32(plain), indexes)

    def copy_chunk(self, compression: str, packed: bytes, plain: bytes, indexes: Mapping[int, MessageIndex]) -> int:
        """Writes another file's chunk as it was packed there, with new indexes.

        Args:
            compression: "zstd", "lz4" or "".
            packed: The packed records.
            plain: The same, unpacked.
            indexes: For each channel the times and places of its messages in `plain`.

        Returns:
            Where the chunk lies in this file.
        """
        return self._append_chunk(compression, packed, len(plain), zlib.crc32(plain), indexes)

    def _append_chunk(
        self, compression: str, packed: Buffer, plain_size: int, crc: int, indexes: Mapping[int, MessageIndex]
    ) -> int:
        times = [time_ns for index in indexes.values() for time_ns, _ in index.records]
        first, last = (min(times), max(times)) if times else (0, 0)
        name = compression.encode()
        length = _CHUNK_FIELDS + len(name) + len(packed)
        head = _CHUNK.pack(Opcode.CHUNK, length, first, last, plain_size, crc, len(name))
        head += name + struct.pack("<Q", len(packed))
        offset, chunk_length = self._size, len(head) + len(packed)
        builder = RecordBuilder()
        index_offsets = {}
        for channel_id, index in indexes.items():
            index_offsets[channel_id] = offset + chunk_length + builder.count
            index.write(builder)
        index_bytes = _content(builder)
        self._append(head, packed, index_bytes)
        ChunkIndex(
            chunk_length=chunk_length,
            chunk_start_offset=offset,
            compression=compression,
            compressed_size=len(packed),
            message_start_time=first,
            message_end_time=last,
            message_index_length=len(index_bytes),
            message_index_offsets=index_offsets,
            uncompressed_size=plain_size,
        ).write(self._chunk_indexes)
        self._chunk_count += 1
        for channel_id, index in indexes.items():
            self._counts[channel_id] = self._counts.get(channel_id, 0) + len(index.records)
        if times:
            before, after = self._times or (first, last)
            self._times = (min(before, first), max(after, last))
        return offset

    def sync(self) -> None:
        """Waits until everything written has reached the disk itself.

        Raises:
            RecordingError: The disk reports that it lost data.
        """
        try:
            getattr(os, "fdatasync", os.fsync)(self._fd)
        except OSError as error:
            raise RecordingError(f"the disk lost parts of {self._path}: {error.strerror or error}") from error

    def add_attachment(self, name: str, media_type: str, data: bytes) -> None:
        """Writes a blob beside the messages."""
        offset, now = self._size, time.time_ns()
        self._append(
            _serialised(Attachment(create_time=now, log_time=now, name=name, media_type=media_type, data=data))
        )
        self._attachment_indexes.append(
            AttachmentIndex(
                offset=offset,
                length=self._size - offset,
                log_time=now,
                create_time=now,
                data_size=len(data),
                name=name,
                media_type=media_type,
            )
        )

    def finish(self) -> None:
        """Writes the summary and the end mark. The open chunk must have been flushed.

        Raises:
            RecordingError: The disk is full or gone; the file can still be read, by its chunks.
        """
        data_end = _serialised(DataEnd(data_section_crc=0))
        start = self._size + len(data_end)
        summary = RecordBuilder()
        offsets: list[SummaryOffset] = []
        statistics = Statistics(
            attachment_count=len(self._attachment_indexes),
            channel_count=len(self._channels),
            channel_message_counts=self._counts,
            chunk_count=self._chunk_count,
            message_count=sum(self._counts.values()),
            metadata_count=len(self._metadata_indexes),
            message_start_time=self._times[0] if self._times else 0,
            message_end_time=self._times[1] if self._times else 0,
            schema_count=len(self._schemas),
        )
        groups = (
            (Opcode.SCHEMA, b"".join(map(_serialised, self._schemas))),
            (Opcode.CHANNEL, b"".join(map(_serialised, self._channels))),
            (Opcode.STATISTICS, _serialised(statistics)),
            (Opcode.CHUNK_INDEX, _content(self._chunk_indexes)),
            (Opcode.ATTACHMENT_INDEX, b"".join(map(_serialised, self._attachment_indexes))),
            (Opcode.METADATA_INDEX, b"".join(map(_serialised, self._metadata_indexes))),
        )
        for opcode, data in groups:
            if data:
                offsets.append(SummaryOffset(opcode, start + summary.count, len(data)))
                summary.write(data)
        offset_start = start + summary.count
        for offset in offsets:
            offset.write(summary)
        body = _content(summary)
        footer_fields = struct.pack("<BQQQ", Opcode.FOOTER, 20, start, offset_start)
        crc = zlib.crc32(footer_fields, zlib.crc32(body))
        footer = Footer(summary_start=start, summary_offset_start=offset_start, summary_crc=crc)
        self._append(data_end, body, _serialised(footer), MAGIC)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _pack(self, plain: memoryview, compression: str) -> Buffer:
        if compression == "zstd":
            return self._zstd.compress(plain)
        if compression == "lz4":
            return bytes(lz4.frame.compress(plain, store_size=True))
        return plain

    def _append(self, *parts: Buffer) -> None:
        """Writes all parts, or none of them as far as the file's end shows."""
        views = [memoryview(part) for part in parts if len(part)]
        try:
            while views:
                written = os.writev(self._fd, views) if hasattr(os, "writev") else os.write(self._fd, views[0])
                while views and written >= len(views[0]):
                    written -= len(views.pop(0))
                if views:
                    views[0] = views[0][written:]
        except OSError as error:
            try:
                os.ftruncate(self._fd, self._size)
                os.lseek(self._fd, self._size, os.SEEK_SET)
            except OSError:
                pass  # The half-written record at the end is what a reader leaves out anyway.
            raise RecordingError(f"cannot write to {self._path}: {error.strerror or error}") from error
        self._size += sum(map(len, parts))


def _serialised(
    record: Attachment
    | AttachmentIndex
    | Channel
    | DataEnd
    | Footer
    | Header
    | Metadata
    | MetadataIndex
    | Schema
    | Statistics,
) -> bytes:
    builder = RecordBuilder()
    record.write(builder)
    return _content(builder)


def _content(builder: RecordBuilder) -> bytes:
    """What was built; the builder is empty afterwards."""
    data: bytes = builder.end()  # type: ignore[no-untyped-call]
    return data
