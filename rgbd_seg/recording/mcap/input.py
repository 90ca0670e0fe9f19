"""Bytes of an MCAP file that nobody vouches for: every length is checked against the file before it is used.

The `mcap` package's readers believe what a file says of its own sizes (a chunk of a few bytes may unpack to any
amount, a length may ask for more memory than there is) and stop at the first fault; its record classes are used here
on records whose extent has been checked.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import lz4.frame
import zstandard
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import AttachmentIndex, Channel, Footer, McapRecord, MetadataIndex, Schema, SummaryOffset

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.mcap.output import MAGIC

HEADER_BYTES = 9
#: The largest chunk and the largest single record that are taken into memory.
MAX_CHUNK_BYTES = 256 * 1024 * 1024
MAX_RECORD_BYTES = 256 * 1024 * 1024

_HEADER = struct.Struct("<BQ")
_MESSAGE = struct.Struct("<HIQQ")
_CHUNK = struct.Struct("<QQQII")
_LONGEST_COMPRESSION_NAME = 16

Record = TypeVar("Record", bound=McapRecord)


class DamagedError(RecordingError):
    """Bytes are not what the format says; internal to the readers of MCAP, who say what it means for the user."""


@dataclass(frozen=True, slots=True)
class ChunkHead:
    """What a chunk says of itself.

    Attributes:
        offset: Where its record begins in the file.
        end: Where the next record begins.
        compression: "zstd", "lz4" or "".
        data_offset: Where the packed data begins.
        packed_size: Bytes of packed data.
        plain_size: Bytes after unpacking.
        crc: CRC-32 of the unpacked data, 0 if unknown.
    """

    offset: int
    end: int
    compression: str
    data_offset: int
    packed_size: int
    plain_size: int
    crc: int


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its channel, the sender's running number, nanoseconds since 1970, and its content."""

    channel_id: int
    sequence: int
    time_ns: int
    data: memoryview


class McapInput:
    """Random access to the records of one file, none of them believed."""

    def __init__(self, path: Path) -> None:
        """Opens the file.

        Raises:
            RecordingError: It cannot be read.
        """
        self.path = path
        try:
            self._fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
            status = os.fstat(self._fd)
            self.size, self.modified_ns = status.st_size, status.st_mtime_ns
        except OSError as error:
            raise RecordingError(f"cannot open {path}: {error.strerror or error}") from None

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def read_at(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes.

        Raises:
            DamagedError: The file does not reach so far, or the disk cannot read it.
        """
        if offset < 0 or length < 0 or offset + length > self.size:
            raise DamagedError(f"bytes {offset}..{offset + length} are outside the file")
        try:
            data = self._read_some(length, offset)
            while len(data) < length:
                more = self._read_some(length - len(data), offset + len(data))
                if not more:
                    raise DamagedError("the file became shorter while it was read")
                data += more
        except OSError as error:
            raise DamagedError(f"the disk cannot read byte {offset}: {error.strerror or error}") from None
        return data

    def _read_some(self, length: int, offset: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._fd, length, offset)
        os.lseek(self._fd, offset, os.SEEK_SET)  # Windows.
        return os.read(self._fd, length)

    def header_at(self, offset: int) -> tuple[int, int]:
        """Opcode and end of the record at `offset`.

        Raises:
            DamagedError: There is no record that ends inside the file.
        """
        opcode, length = _HEADER.unpack(self.read_at(offset, HEADER_BYTES))
        end = offset + HEADER_BYTES + length
        if not 1 <= opcode <= 0x0F and opcode < 0x80:
            raise DamagedError(f"there is no record at byte {offset}")
        if end > self.size:
            raise DamagedError(f"the record at byte {offset} is cut off")
        return opcode, end

    def record_at(self, offset: int, kind: type[Record], opcode: int) -> Record:
        """The record at `offset`, which must have that opcode.

        Raises:
            DamagedError: It has not, or its fields are damaged.
        """
        found, end = self.header_at(offset)
        if found != opcode:
            raise DamagedError(f"another kind of record at byte {offset}")
        length = end - offset - HEADER_BYTES
        if length > MAX_RECORD_BYTES:
            raise DamagedError(f"the record at byte {offset} is too large")
        return parse_record(self.read_at(offset + HEADER_BYTES, length), kind)

    def chunk_head(self, offset: int) -> ChunkHead:
        """The head of the chunk at `offset`.

        Raises:
            DamagedError: There is no chunk, or its lengths contradict each other.
        """
        opcode, end = self.header_at(offset)
        if opcode != Opcode.CHUNK:
            raise DamagedError(f"no chunk at byte {offset}")
        fields = offset + HEADER_BYTES
        _, _, plain_size, crc, name_length = _CHUNK.unpack(self.read_at(fields, _CHUNK.size))
        if name_length > _LONGEST_COMPRESSION_NAME:
            raise DamagedError(f"the chunk at byte {offset} is damaged")
        tail = self.read_at(fields + _CHUNK.size, name_length + 8)
        compression = tail[:name_length].decode("ascii", "replace")
        (packed_size,) = struct.unpack_from("<Q", tail, name_length)
        data_offset = fields + _CHUNK.size + name_length + 8
        if compression not in ("", "lz4", "zstd"):
            raise DamagedError(f"the chunk at byte {offset} is packed in an unknown way ({compression!r})")
        if data_offset + packed_size != end or plain_size > MAX_CHUNK_BYTES or packed_size > MAX_CHUNK_BYTES:
            raise DamagedError(f"the chunk at byte {offset} has impossible sizes")
        return ChunkHead(offset, end, compression, data_offset, packed_size, plain_size, crc)

    def unpack(self, head: ChunkHead) -> bytes:
        """The records inside a chunk, checked against its CRC.

        Raises:
            DamagedError: They cannot be unpacked, or are not what was written.
        """
        packed = self.read_at(head.data_offset, head.packed_size)
        plain = _decompress(packed, head)
        if len(plain) != head.plain_size or (head.crc and zlib.crc32(plain) != head.crc):
            raise DamagedError(f"the chunk at byte {head.offset} is damaged")
        return plain

    def attachment_at(self, offset: int) -> tuple[str, str, bytes]:
        """Name, media type and content of the attachment at `offset`, checked against its CRC.

        Raises:
            DamagedError: There is none, or it is damaged.
        """
        opcode, end = self.header_at(offset)
        length = end - offset - HEADER_BYTES
        if opcode != Opcode.ATTACHMENT or not 40 <= length <= 2 * MAX_RECORD_BYTES:
            raise DamagedError(f"no attachment at byte {offset}")
        body = memoryview(self.read_at(offset + HEADER_BYTES, length))
        (crc,) = struct.unpack_from("<I", body, length - 4)
        if crc and zlib.crc32(body[:-4]) != crc:
            raise DamagedError(f"the attachment at byte {offset} is damaged")
        try:
            position, texts = 16, []
            for _ in range(2):
                (size,) = struct.unpack_from("<I", body, position)
                texts.append(str(bytes(body[position + 4 : position + 4 + size]), "utf-8"))
                position += 4 + size
            (size,) = struct.unpack_from("<Q", body, position)
        except (struct.error, UnicodeDecodeError):
            raise DamagedError(f"the attachment at byte {offset} is damaged") from None
        if position + 8 + size != length - 4:
            raise DamagedError(f"the attachment at byte {offset} is damaged")
        return texts[0], texts[1], bytes(body[position + 8 : length - 4])

    def footer(self) -> Footer:
        """The footer at the file's end.

        Raises:
            DamagedError: There is none: the file was not finished, or its end was cut off.
        """
        end = self.size - len(MAGIC)
        if end < 29 or self.read_at(end, len(MAGIC)) != MAGIC:
            raise DamagedError("the file was not finished")
        footer = self.record_at(end - 29, Footer, Opcode.FOOTER)
        if not len(MAGIC) <= footer.summary_start <= end - 29:
            raise DamagedError("the file has no summary")
        return footer

    def summary(self) -> Summary:
        """What the file's end says of its contents.

        Raises:
            DamagedError: There is no summary, or it is not what was written.
        """
        footer = self.footer()
        footer_offset = self.size - len(MAGIC) - 29
        length = footer_offset - footer.summary_start
        if length > MAX_RECORD_BYTES:
            raise DamagedError("the summary is too large")
        # The CRC covers the summary and the footer up to the CRC itself.
        body = self.read_at(footer.summary_start, length + 29 - 4)
        if footer.summary_crc and zlib.crc32(body) != footer.summary_crc:
            raise DamagedError("the summary is damaged")
        summary = Summary({}, {}, [], [])
        for start, end in self._groups(footer, body[:length]):
            for opcode, at, record_end in inner_records(body[start:end]):
                fields = body[start + at + HEADER_BYTES : start + record_end]
                if opcode == Opcode.SCHEMA:
                    schema = parse_record(fields, Schema)
                    summary.schemas[schema.id] = schema
                elif opcode == Opcode.CHANNEL:
                    channel = parse_record(fields, Channel)
                    summary.channels[channel.id] = channel
                elif opcode == Opcode.ATTACHMENT_INDEX:
                    summary.attachments.append(parse_record(fields, AttachmentIndex))
                elif opcode == Opcode.METADATA_INDEX:
                    summary.metadata.append(parse_record(fields, MetadataIndex))
        return summary

    def _groups(self, footer: Footer, body: bytes) -> Iterator[tuple[int, int]]:
        """The runs of records in the summary that matter: all of it but the chunk indexes, which may be thousands."""
        if not footer.summary_offset_start:
            yield 0, len(body)
            return
        start = footer.summary_offset_start - footer.summary_start
        if not 0 <= start <= len(body):
            raise DamagedError("the summary is damaged")
        for opcode, at, end in inner_records(body[start:]):
            if opcode != Opcode.SUMMARY_OFFSET:
                continue
            group = parse_record(body[start + at + HEADER_BYTES : start + end], SummaryOffset)
            begin = group.group_start - footer.summary_start
            if not 0 <= begin <= begin + group.group_length <= start:
                raise DamagedError("the summary is damaged")
            if group.group_opcode != Opcode.CHUNK_INDEX:
                yield begin, begin + group.group_length


@dataclass(frozen=True, slots=True)
class Summary:
    """The parts of a file's summary that we use."""

    schemas: dict[int, Schema]
    channels: dict[int, Channel]
    attachments: list[AttachmentIndex]
    metadata: list[MetadataIndex]


def parse_record(fields: bytes, kind: type[Record]) -> Record:
    """The record with these fields.

    Raises:
        DamagedError: They are damaged.
    """
    try:
        reader: Any = kind
        record: Record = reader.read(ReadDataStream(io.BytesIO(fields)))
    except (McapError, struct.error, ValueError, OverflowError, MemoryError) as error:
        raise DamagedError(f"a damaged {kind.__name__} record: {error}") from None
    return record


def inner_records(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Opcode, start and end of each record in a run of records.

    Raises:
        DamagedError: A record does not end inside `data`; those before it have been yielded.
    """
    position = 0
    while position < len(data):
        if position + HEADER_BYTES > len(data):
            raise DamagedError("a record is cut off")
        opcode, length = _HEADER.unpack_from(data, position)
        end = position + HEADER_BYTES + length
        if end > len(data):
            raise DamagedError("a record is cut off")
        yield opcode, position, end
        position = end


def message_at(records: bytes, offset: int) -> Message:
    """The message at `offset` of a run of records.

    Raises:
        DamagedError: There is no whole message.
    """
    start = offset + HEADER_BYTES
    if offset < 0 or start + _MESSAGE.size > len(records):
        raise DamagedError("a message is missing")
    opcode, length = _HEADER.unpack_from(records, offset)
    if opcode != Opcode.MESSAGE or length < _MESSAGE.size or start + length > len(records):
        raise DamagedError("a message is missing")
    channel_id, sequence, time_ns, _ = _MESSAGE.unpack_from(records, start)
    return Message(channel_id, sequence, time_ns, memoryview(records)[start + _MESSAGE.size : start + length])


def _decompress(packed: bytes, head: ChunkHead) -> bytes:
    """Unpacks at most `plain_size` bytes, whatever the packed data says of itself."""
    if head.compression == "":
        return packed
    try:
        if head.compression == "lz4":
            plain: bytes = lz4.frame.LZ4FrameDecompressor().decompress(packed, max_length=head.plain_size)
            return plain
        inside = zstandard.get_frame_parameters(packed)
        if inside.content_size not in (head.plain_size, zstandard.CONTENTSIZE_UNKNOWN):
            raise DamagedError(f"the chunk at byte {head.offset} has impossible sizes")
        unpacker = zstandard.ZstdDecompressor(max_window_size=MAX_CHUNK_BYTES)
        return unpacker.decompress(packed, max_output_size=head.plain_size)
    except (zstandard.ZstdError, RuntimeError, ValueError, EOFError, MemoryError) as error:
        raise DamagedError(f"the chunk at byte {head.offset} cannot be unpacked: {error}") from None
