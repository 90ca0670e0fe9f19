"""An export in the background: any recording, whole or a range, as it is or segmented anew by a model. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rgbd_seg.inference.segmenter import Segmenter
from rgbd_seg.pipeline.offline.job import Job, JobStatus, Plan
from rgbd_seg.recording.exports.formats import ExportOptions

if TYPE_CHECKING:
    from rgbd_seg.recording.convert import Damage
    from rgbd_seg.recording.reader import RecordingReader


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPlan(Plan):
    """What is to be exported.

    Attributes:
        target: File or folder to make.
        to: One of the export formats.
        start: First frame.
        stop: Frame after the last; None for the end.
        written: How the frames are written.
    """

    target: Path
    to: str
    start: int = 0
    stop: int | None = None
    written: ExportOptions = field(default_factory=ExportOptions)


class ExportJob(Job[ExportPlan]):
    """Cancelling it removes what was written."""

    def _work(self, reader: RecordingReader, segmenter: Segmenter | None, damage: Damage) -> JobStatus:
        from rgbd_seg.recording.convert import convert, source_of, stored_frames

        plan = self.plan
        stop = len(reader) if plan.stop is None else plan.stop
        total = -(-(stop - plan.start) // plan.step)
        self._begin(total)
        result = convert(
            stored_frames(reader, plan.start, stop, damage, plan.step),
            plan.target,
            source_of(reader, plan.step),
            to=plan.to,
            options=plan.written,
            annotate=segmenter,
            total=total,
            progress=self._progress,
            cancelled=self._cancelled.is_set,
        )
        if result.cancelled:
            return JobStatus(result.frames, total, "cancelled", "The export was cancelled; nothing is left of it.")
        left_out = f", {len(damage.sentences)} damaged frames left out" if damage.sentences else ""
        notes = " ".join(filter(None, (*result.warnings, result.note)))
        text = f"Exported {result.frames} frames{left_out} to {result.path}. {notes}".strip()
        return JobStatus(result.frames, total, "finished", text)
