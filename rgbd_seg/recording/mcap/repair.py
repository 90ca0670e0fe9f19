"""Writes a whole copy of a damaged MCAP recording: every chunk that can be read, a new index, a log of what is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mcap.opcode import Opcode
from mcap.records import MessageIndex

from rgbd_seg.recording.mcap import format as layout
from rgbd_seg.recording.mcap.input import HEADER_BYTES, ChunkHead, DamagedError, McapInput, inner_records, message_at
from rgbd_seg.recording.mcap.message_index import MessageIndexBuilder
from rgbd_seg.recording.mcap.opening import search
from rgbd_seg.recording.mcap.output import McapOutput
from rgbd_seg.recording.mcap.scan import Scan
from rgbd_seg.recording.reader import Gap
from rgbd_seg.version import __version__

_LOOSE_CHUNK_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What a repair found and did.

    Attributes:
        source: The recording that was looked at; it is never changed.
        copy: The mended copy, or None if the recording is whole.
        frames: How many frames can be read (0 in recordings of other programs, whose messages are not counted).
        chunks: Chunks that could be read.
        lost_chunks: Chunks that could not.
        skipped_bytes: Bytes that could not be understood.
        gaps: Where frames are missing, old gaps and new ones.
    """

    source: Path
    copy: Path | None
    frames: int
    chunks: int
    lost_chunks: int
    skipped_bytes: int
    gaps: tuple[Gap, ...]


def repaired_path(path: Path) -> Path:
    """Where the mended copy goes if nothing else is said: FILE.repaired.mcap beside FILE.mcap."""
    return path.with_name(f"{path.stem}.repaired.mcap")


def repair(path: Path, copy: Path | None = None, progress: Callable[[float], None] | None = None) -> RepairReport:
    """Checks every byte of a recording, and writes a mended copy if something is wrong.

    Args:
        path: The recording; it is only read.
        copy: Where the copy goes; None for `repaired_path`. Nothing is overwritten.
        progress: Is called with the part done, 0..1.

    Raises:
        RecordingError: Nothing in it can be read, or the copy cannot be written.
    """
    copy = copy or repaired_path(path)
    source = McapInput(path)
    try:
        found, is_finished = search(source)
        if is_finished and not found.skipped_bytes and not _damaged(source, found, progress):
            frames = sum(len(found.places.build().tables.get(c, ())) for c in _channels(found, layout.TOPIC_FRAME))
            return RepairReport(path, None, frames, len(found.chunks), 0, 0, ())
        return _Repair(source, found, copy).run(progress)
    finally:
        source.close()


def _damaged(source: McapInput, found: Scan, progress: Callable[[float], None] | None) -> bool:
    """Whether a chunk of a recording that looks whole cannot be unpacked."""
    for head in found.chunks:
        try:
            source.unpack(head)
        except DamagedError:
            return True
        if progress:
            progress(head.end / source.size)
    return False


def _channels(found: Scan, topic: str) -> set[int]:
    return {channel_id for channel_id, channel in found.channels.items() if channel.topic == topic}


class _Repair:
    """One copy being written."""

    def __init__(self, source: McapInput, found: Scan, copy: Path) -> None:
        self._source = source
        self._found = found
        self._copy = copy
        self._index = MessageIndexBuilder()
        self._frame_channels = _channels(found, layout.TOPIC_FRAME)
        self._gap_channels = _channels(found, layout.TOPIC_GAP)
        self._frames = 0
        self._kept = self._lost = 0
        self._hole_behind = False
        self._last: tuple[int, int] | None = None  # Capture index and time of the last frame.

    def run(self, progress: Callable[[float], None] | None) -> RepairReport:
        """Writes the copy; a copy that cannot be finished is removed."""
        library = f"rgbd-seg {__version__} (repaired)"
        self._output = McapOutput(self._copy, compression="zstd", library=library)
        try:
            self._write_head()
            holes = sorted(self._found.holes)
            for head in self._found.chunks:
                while holes and holes[0] < head.offset:
                    self._hole_behind = True
                    del holes[0]
                self._write_chunk(head)
                if progress:
                    progress(head.end / self._source.size)
            for position in self._found.loose:
                self._write_loose(position)
            self._flush()
            self._write_attachments()
            content = self._index.build().to_bytes(self._output.size)
            self._output.add_attachment(layout.INDEX_ATTACHMENT, layout.INDEX_MEDIA_TYPE, content)
            self._output.finish()
            self._output.sync()
        except BaseException:
            self._copy.unlink(missing_ok=True)
            raise
        finally:
            self._output.close()
        gaps = tuple(self._index.gaps)
        found = self._found
        return RepairReport(
            self._source.path, self._copy, self._frames, self._kept, self._lost, found.skipped_bytes, gaps
        )

    def _write_head(self) -> None:
        for name, values in self._found.metadata.items():
            self._output.add_metadata(name, values)
        for schema in self._found.schemas.values():
            self._output.copy_schema(schema)
        for channel in self._found.channels.values():
            self._output.copy_channel(channel)

    def _write_chunk(self, head: ChunkHead) -> None:
        try:
            records = self._source.unpack(head)
            packed = self._source.read_at(head.data_offset, head.packed_size)
            messages = [
                (start, message_at(records, start))
                for opcode, start, _ in inner_records(records)
                if opcode == Opcode.MESSAGE
            ]
        except DamagedError:
            self._lost += 1
            self._hole_behind = True
            return
        if self._hole_behind:
            self._note_hole(next(((m.sequence, m.time_ns) for _, m in messages if self._is_frame(m.channel_id)), None))
        indexes: dict[int, MessageIndex] = {}
        for start, message in messages:
            if message.time_ns >= 2**63 or message.channel_id not in self._found.channels:
                continue
            index = indexes.setdefault(message.channel_id, MessageIndex(channel_id=message.channel_id, records=[]))
            index.records.append((message.time_ns, start))
            self._index.add(message.channel_id, message.time_ns, start)
            if self._is_frame(message.channel_id):
                self._frames += 1
                self._last = (message.sequence, message.time_ns)
            elif message.channel_id in self._gap_channels:
                self._note_gap(bytes(message.data))
        self._index.place_chunk(self._output.copy_chunk(head.compression, packed, records, indexes))
        self._kept += 1

    def _is_frame(self, channel_id: int) -> bool:
        return channel_id in self._frame_channels

    def _note_gap(self, data: bytes) -> None:
        try:
            self._index.gaps.append(layout.gap_from_dict(json.loads(data)))
        except (ValueError, RecursionError):
            return  # Its chunk's CRC is right: another program wrote this, and it means nothing to us.

    def _note_hole(self, following: tuple[int, int] | None) -> None:
        """Writes a gap for what was lost before the first frame of the chunk that follows."""
        if following is None:
            return
        self._hole_behind = False
        sequence, time_ns = following
        last_sequence, last_ns = self._last or (sequence - 1, time_ns)
        missing = max(0, sequence - last_sequence - 1)
        gap = Gap(self._frames - 1, missing, max(0.0, (time_ns - last_ns) / 1e9), "unreadable")
        self._index.gaps.append(gap)
        for channel_id in self._gap_channels:
            offset = self._output.add_message(channel_id, sequence, time_ns, layout.gap_message(gap))
            self._index.add(channel_id, time_ns, offset)
            self._flush()

    def _write_loose(self, position: int) -> None:
        """A message that stands outside any chunk."""
        try:
            _, end = self._source.header_at(position)
            record = self._source.read_at(position, end - position)
            message = message_at(record, 0)
        except DamagedError:
            return
        if message.channel_id not in self._found.channels:
            return
        data = bytes(record[HEADER_BYTES + 22 :])
        offset = self._output.add_message(message.channel_id, message.sequence, message.time_ns, data)
        self._index.add(message.channel_id, message.time_ns, offset)
        if self._output.pending_bytes >= _LOOSE_CHUNK_BYTES:
            self._flush()

    def _flush(self) -> None:
        offset = self._output.flush()
        if offset is not None:
            self._index.place_chunk(offset)

    def _write_attachments(self) -> None:
        """Copies what other programs attached."""
        for position in self._found.attachments:
            try:
                name, media_type, data = self._source.attachment_at(position)
            except DamagedError:
                continue
            if name != layout.INDEX_ATTACHMENT:
                self._output.add_attachment(name, media_type, data)
