"""What an MCAP file holds and where: from its index if that can be trusted, else by looking through the whole file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcap.opcode import Opcode
from mcap.records import Metadata

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.format import INDEX_ATTACHMENT
from rgbd_seg.recording.mcap_input import DamagedError, McapInput, Summary
from rgbd_seg.recording.mcap_scan import scan
from rgbd_seg.recording.message_index import MessageIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcap.records import Channel, Schema

_MAX_METADATA = 1000


@dataclass(frozen=True, slots=True, eq=False)
class McapContents:
    """The table of contents of one file.

    Attributes:
        schemas: By id.
        channels: By id.
        metadata: The texts by the name of their table.
        index: Where the messages lie.
        has_gap_list: Whether `index.gaps` is complete; if not, the gaps are to be read from their messages.
        is_finished: Whether the file was finished properly.
        warnings: What was wrong, in whole sentences.
    """

    schemas: Mapping[int, Schema]
    channels: Mapping[int, Channel]
    metadata: Mapping[str, Mapping[str, str]]
    index: MessageIndex
    has_gap_list: bool
    is_finished: bool
    warnings: tuple[str, ...] = ()


def read_contents(source: McapInput, progress: Callable[[float], None] | None = None) -> McapContents:
    """Finds out what is in a file.

    Args:
        source: The file.
        progress: Is called with the part done, 0..1, if the whole file must be looked through.

    Raises:
        RecordingError: Nothing in it can be read.
    """
    if source.size == 0:
        raise RecordingError(f"{source.path} is empty: nothing was ever written to it")
    problem = ""
    summary: Summary | None = None
    try:
        summary = source.summary()
        indexed = _from_index(source, summary)
        if indexed is not None:
            return indexed
    except DamagedError as error:
        problem = str(error)
    return _from_scan(source, summary, problem, progress)


def _from_index(source: McapInput, summary: Summary) -> McapContents | None:
    """The contents by our own index; None if another program wrote the file, or rewrote it."""
    for entry in summary.attachments:
        if entry.name != INDEX_ATTACHMENT:
            continue
        name, data = source.attachment_at(entry.offset)
        if name != INDEX_ATTACHMENT:
            raise DamagedError("the index is not where the summary says")
        try:
            index = MessageIndex.from_bytes(data, entry.offset)
        except ValueError as error:
            if "another file" in str(error):
                return None
            raise DamagedError(str(error)) from None
        metadata: dict[str, dict[str, str]] = {}
        for place in summary.metadata[:_MAX_METADATA]:
            record = source.record_at(place.offset, Metadata, Opcode.METADATA)
            metadata.setdefault(record.name, record.metadata)
        return McapContents(summary.schemas, summary.channels, metadata, index, True, True)
    return None


def _from_scan(
    source: McapInput, summary: Summary | None, problem: str, progress: Callable[[float], None] | None
) -> McapContents:
    found = scan(source, progress)
    if not found.chunks and not found.channels:
        what = problem or "there is no readable chunk in it"
        raise RecordingError(f"{source.path} is no readable MCAP recording: {what}")
    if summary is not None:
        found.schemas = summary.schemas | found.schemas
        found.channels = summary.channels | found.channels
    warnings = []
    if problem:
        warnings.append(
            f"{source.path.name} is damaged or was not finished ({problem}); its index was rebuilt in memory, "
            "and the file itself was left as it is. rgbd-seg repair writes a mended copy."
        )
    if found.skipped_bytes:
        at_end = " at its end" if found.tail_bytes == found.skipped_bytes else ""
        warnings.append(f"{found.skipped_bytes} of {source.size} bytes{at_end} could not be read and are left out.")
    index = found.places.build()
    return McapContents(
        found.schemas, found.channels, found.metadata, index, False, summary is not None, tuple(warnings)
    )
