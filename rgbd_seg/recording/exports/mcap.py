"""Export to our own recording format; depth keeps every bit, colour too as PNG."""

from __future__ import annotations

import time
from pathlib import Path

from rgbd_seg.frame import Segmentation
from rgbd_seg.recording.exports.formats import ExportOptions, ExportSource, ExportTarget
from rgbd_seg.recording.mcap.writer import RecordingWriter, WriterOptions
from rgbd_seg.recording.reader import StoredFrame


class McapTarget(ExportTarget):
    """An MCAP file being written; it begins with the first frame, whose calibration is the file's."""

    def __init__(self, path: Path, source: ExportSource, options: ExportOptions) -> None:
        super().__init__()
        self._path = path
        self._source = source
        offset_ns = source.epoch_offset_ns
        if offset_ns is None:  # Frames then arrive at their time in the recording.
            offset_ns = time.time_ns() if source.start_ns is None else source.start_ns
        self._options = WriterOptions(
            color="png" if options.color == "png" else "jpeg", sync_s=None, epoch_offset_ns=offset_ns
        )
        self._writer: RecordingWriter | None = None

    def write(self, frame: StoredFrame, segmentation: Segmentation | None) -> None:
        if self._writer is None:
            self._writer = RecordingWriter(
                self._path,
                frame.calibration,
                name=self._source.name,
                details=self._source.details,
                started=self._source.started,
                options=self._options,
            )
        if frame.gap is not None:
            self._writer.mark_gap(frame.gap.reason, frame.gap.seconds, frame.gap.frames)
        self._writer.write(frame.as_captured(), segmentation)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


open_target = McapTarget
