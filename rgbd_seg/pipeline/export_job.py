"""An export in the background: any recording, whole or a range, as it is or segmented anew by a model. No Qt."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rgbd_seg.errors import RgbdSegError
from rgbd_seg.inference.segmenter import SegmenterOptions
from rgbd_seg.recording.exports.formats import ExportOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rgbd_seg.pipeline.model_slot import Opener

_log = logging.getLogger(__name__)


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


@dataclass(frozen=True, slots=True)
class ExportStatus:
    """How an export is getting on.

    Attributes:
        done: Frames written.
        total: Of so many.
        state: "running", "finished", "cancelled" or "failed".
        text: What was written, why it failed, or what is done before the first frame.
        left_s: About how many seconds are left; None while nobody can say.
    """

    done: int = 0
    total: int = 0
    state: str = "running"
    text: str = ""
    left_s: float | None = None


class ExportJob:
    """Begins when it is made."""

    def __init__(self, plan: ExportPlan, opener: Opener, wake: Callable[[], None]) -> None:
        """Starts the thread.

        Args:
            plan: What to export.
            opener: Opens model files.
            wake: Called from the thread when the status changes.
        """
        self.plan = plan
        self._opener = opener
        self._wake = wake
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._status = ExportStatus()
        self._thread = threading.Thread(target=self._run, name="rgbd-seg export", daemon=True)
        self._thread.start()

    @property
    def status(self) -> ExportStatus:
        """How it is getting on."""
        with self._lock:
            return self._status

    @property
    def is_cancelled(self) -> bool:
        """Whether it was told to stop, which it does after the frame or the loading it is busy with."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Stops before the next frame; what was written is removed."""
        self._cancelled.set()

    def close(self, timeout_s: float = 10.0) -> None:
        """Cancels and waits, so that no unfinished file stays behind."""
        self.cancel()
        self._thread.join(timeout_s)

    def _report(self, status: ExportStatus) -> None:
        with self._lock:
            self._status = status
        self._wake()

    def _run(self) -> None:
        try:
            self._report(self._export())
        except Exception as error:  # Whatever a reader, a writer or a back end throws becomes a message.
            if not isinstance(error, RgbdSegError):
                _log.exception("the export of %s failed", self.plan.source)
            self._report(ExportStatus(self.status.done, self.status.total, "failed", str(error) or repr(error)))

    def _loading(self, stage: str, part: float) -> None:
        self._report(ExportStatus(text=f"loading the model, {stage}, {round(100 * part)} %"))

    def _export(self) -> ExportStatus:
        from rgbd_seg.recording.convert import Damage, convert, source_of, stored_frames
        from rgbd_seg.sensors import open_any_recording

        plan, damage = self.plan, Damage()
        segmenter = self._opener(plan.model, plan.options, self._loading) if plan.model else None
        try:
            with open_any_recording(plan.source, **plan.source_options) as reader:
                stop = len(reader) if plan.stop is None else plan.stop
                total = -(-(stop - plan.start) // plan.step)
                began_s = time.monotonic()
                self._report(ExportStatus(0, total))

                def progress(done: int, _: int | None) -> None:
                    left_s = (time.monotonic() - began_s) / done * (total - done)
                    self._report(ExportStatus(done, total, left_s=left_s))

                result = convert(
                    stored_frames(reader, plan.start, stop, damage, plan.step),
                    plan.target,
                    source_of(reader, plan.step),
                    to=plan.to,
                    options=plan.written,
                    annotate=segmenter,
                    total=total,
                    progress=progress,
                    cancelled=self._cancelled.is_set,
                )
        finally:
            if segmenter is not None:
                segmenter.close()
        if result.cancelled:
            return ExportStatus(result.frames, total, "cancelled", "The export was cancelled; nothing is left of it.")
        left_out = f", {len(damage.sentences)} damaged frames left out" if damage.sentences else ""
        notes = " ".join(filter(None, (*result.warnings, result.note)))
        text = f"Exported {result.frames} frames{left_out} to {result.path}. {notes}".strip()
        return ExportStatus(result.frames, total, "finished", text)
