"""Finds out what an MCAP file holds: by its index if that can be trusted, else by looking through the whole file."""

from __future__ import annotations

from collections.abc import Callable

from mcap.opcode import Opcode
from mcap.records import Metadata

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.mcap import index_cache
from rgbd_seg.recording.mcap.contents import McapContents
from rgbd_seg.recording.mcap.format import INDEX_ATTACHMENT
from rgbd_seg.recording.mcap.input import DamagedError, McapInput
from rgbd_seg.recording.mcap.message_index import MessageIndex
from rgbd_seg.recording.mcap.output import MAGIC
from rgbd_seg.recording.mcap.scan import Scan, scan

_MAX_METADATA = 1000


def read_contents(source: McapInput, progress: Callable[[float], None] | None = None) -> McapContents:
    """Finds out what is in a file.

    Args:
        source: The file.
        progress: Is called with the part done, 0..1, if the whole file must be looked through.

    Raises:
        RecordingError: Nothing in it can be read.
    """
    problem = ""
    try:
        indexed = _from_index(source)
        if indexed is not None:
            return indexed
    except DamagedError as error:
        problem = str(error)
    kept = index_cache.load(source)
    if kept is not None:
        return kept
    found, is_finished = search(source, progress)
    warnings = []
    if problem:
        warnings.append(
            f"{source.path.name} is damaged or was not finished ({problem}); its index was rebuilt, "
            "and the file itself was left as it is. rgbd-seg repair writes a mended copy."
        )
    if found.skipped_bytes:
        at_end = " at its end" if found.tail_bytes == found.skipped_bytes else ""
        warnings.append(f"{found.skipped_bytes} of {source.size} bytes{at_end} could not be read and are left out.")
    contents = McapContents(
        schemas=found.schemas,
        channels=found.channels,
        metadata=found.metadata,
        index=found.places.build(),
        has_gap_list=False,
        holes=tuple(found.holes),
        is_finished=is_finished,
        warnings=tuple(warnings),
    )
    index_cache.keep(source, contents)
    return contents


def search(source: McapInput, progress: Callable[[float], None] | None = None) -> tuple[Scan, bool]:
    """Looks through the whole file, and takes from its summary what is missing at its head.

    Returns:
        What was found, and whether the file was finished properly.

    Raises:
        RecordingError: Nothing in it can be read.
    """
    if source.size == 0:
        raise RecordingError(f"{source.path} is empty: nothing was ever written to it")
    found = scan(source, progress)
    try:
        summary = source.summary()
        found.schemas = summary.schemas | found.schemas
        found.channels = summary.channels | found.channels
        is_finished = True
    except DamagedError:
        is_finished = False
    if not found.channels or not (found.chunks or found.loose):
        if not is_finished and found.skipped_bytes == found.tail_bytes and _begins_well(source):
            raise RecordingError(
                f"{source.path} has just begun: no frame is in it yet. Open it again in a second; if nothing records "
                "into it any more, it was ended before its first frame"
            )
        raise RecordingError(f"{source.path} is no MCAP recording, or nothing in it can be read")
    return found, is_finished


def _begins_well(source: McapInput) -> bool:
    try:
        return source.read_at(0, len(MAGIC)) == MAGIC
    except DamagedError:
        return False


def _from_index(source: McapInput) -> McapContents | None:
    """The contents by our own index; None if another program wrote the file, or rewrote it.

    Raises:
        DamagedError: The file was not finished, or its end is damaged.
    """
    summary = source.summary()
    for entry in summary.attachments:
        if entry.name != INDEX_ATTACHMENT:
            continue
        name, _, data = source.attachment_at(entry.offset)
        if name != INDEX_ATTACHMENT:
            raise DamagedError("the index is not where the summary says")
        try:
            index = MessageIndex.from_bytes(data)
        except ValueError as error:
            raise DamagedError(str(error)) from None
        if index.offset != entry.offset:
            return None
        metadata: dict[str, dict[str, str]] = {}
        for place in summary.metadata[:_MAX_METADATA]:
            record = source.record_at(place.offset, Metadata, Opcode.METADATA)
            metadata.setdefault(record.name, record.metadata)
        return McapContents(summary.schemas, summary.channels, metadata, index, True, (), True)
    return None
