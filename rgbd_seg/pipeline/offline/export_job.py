"""An export in the background: any recording, whole or a range, as it is or segmented anew by a model. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rgbd_seg.inference.segmenter import SegmenterOptions
from rgbd_seg.pipeline.model_slot import Opener
from rgbd_seg.pipeline.offline.job import Job, JobStatus
from rgbd_seg.recording.exports.formats import ExportOptions


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What is to be exported.

    Attributes:
        source: Path of the recording.
        source_options: Options of its reader, from the URI.
        target: File or folder to make.
        to: One of the export formats.
        start: First frame.
        stop: Frame after the last; None for the end.
        step: Only every so many-th frame.
        model: Model file that labels every frame anew; None keeps recorded labels.
        options: How that model is run.
        written: How the frames are written.
    """

    source: Path
    source_options: dict[str, str]
    target: Path
    to: str
    start: int = 0
    stop: int | None = None
    step: int = 1
    model: Path | None = None
    options: SegmenterOptions = field(default_factory=SegmenterOptions)
    written: ExportOptions = field(default_factory=ExportOptions)


class ExportJob(Job):
    """Begins when it is made. Cancelling it removes what was written."""

    def __init__(self, plan: ExportPlan, opener: Opener, wake: Callable[[], None]) -> None:
        """Starts the thread.

        Args:
            plan: What to export.
            opener: Opens model files.
            wake: Called from the thread when the status changes.
        """
        super().__init__(wake)
        self.plan, self._opener = plan, opener
        self._start()

    def _work(self) -> JobStatus:
        from rgbd_seg.recording.convert import Damage, convert, source_of, stored_frames
        from rgbd_seg.sensors import open_any_recording

        plan, damage = self.plan, Damage()
        segmenter = self._opener(plan.model, plan.options, self._loading) if plan.model else None
        try:
            with open_any_recording(plan.source, **plan.source_options) as reader:
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
        finally:
            if segmenter is not None:
                segmenter.close()
        if result.cancelled:
            return JobStatus(result.frames, total, "cancelled", "The export was cancelled; nothing is left of it.")
        left_out = f", {len(damage.sentences)} damaged frames left out" if damage.sentences else ""
        notes = " ".join(filter(None, (*result.warnings, result.note)))
        text = f"Exported {result.frames} frames{left_out} to {result.path}. {notes}".strip()
        return JobStatus(result.frames, total, "finished", text)
