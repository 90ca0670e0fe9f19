"""Statistics over a whole recording in the background: with the labels that it has, or segmented anew. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rgbd_seg.errors import RecordingError
from rgbd_seg.frame import Segmentation
from rgbd_seg.inference.segmenter import SegmenterOptions
from rgbd_seg.pipeline.offline.class_statistics import ClassCounter, RecordingStatistics
from rgbd_seg.pipeline.offline.job import Job, JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.pipeline.model_slot import Opener
    from rgbd_seg.recording.convert import Damage
    from rgbd_seg.recording.reader import RecordingReader


@dataclass(frozen=True, slots=True)
class StatisticsPlan:
    """What is to be counted.

    Attributes:
        source: Path of the recording.
        source_options: Options of its reader, from the URI.
        step: Only every so many-th frame.
        model: Model file that labels the frames anew; None takes truth or recorded labels.
        options: How that model is run.
    """

    source: Path
    source_options: dict[str, str]
    step: int = 1
    model: Path | None = None
    options: SegmenterOptions = field(default_factory=SegmenterOptions)


def count_recording(
    reader: RecordingReader,
    step: int,
    damage: Damage,
    *,
    annotate: Callable[[RgbdFrame], Segmentation] | None = None,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> RecordingStatistics:
    """Goes through a recording once.

    Args:
        reader: The recording.
        step: Only every so many-th frame.
        damage: Where to note frames that cannot be read.
        annotate: A segmenter; None takes truth or recorded labels.
        progress: Called after each frame with the frames done and the number of all.
        cancelled: Asked before each frame; True ends with what was counted so far.

    Raises:
        RecordingError: No frame has labels.
    """
    from rgbd_seg.recording.convert import stored_frames

    counter = ClassCounter()
    total = -(-len(reader) // step)
    for done, stored in enumerate(stored_frames(reader, damage=damage, step=step), start=1):
        if cancelled():
            break
        frame = stored.as_captured()
        counter.add(stored.time_us / 1e6, annotate(frame) if annotate else Segmentation(frame))
        progress(done, total)
    result = counter.result()
    if not result.classes and not cancelled():
        raise RecordingError(f"{reader.info.name} has no labels to count: choose a model that labels it")
    return result


class StatisticsJob(Job):
    """Begins when it is made; `result` is there when it has finished, or of what was counted before a cancel."""

    def __init__(self, plan: StatisticsPlan, opener: Opener, wake: Callable[[], None]) -> None:
        """Starts the thread.

        Args:
            plan: What to count.
            opener: Opens model files.
            wake: Called from the thread when the status changes.
        """
        super().__init__(wake)
        self.plan, self._opener = plan, opener
        self.result: RecordingStatistics | None = None
        self._start()

    def _work(self) -> JobStatus:
        from rgbd_seg.recording.convert import Damage
        from rgbd_seg.sensors import open_any_recording

        plan, damage = self.plan, Damage()
        segmenter = self._opener(plan.model, plan.options, self._loading) if plan.model else None
        try:
            with open_any_recording(plan.source, **plan.source_options) as reader:
                self._begin(-(-len(reader) // plan.step))
                result = count_recording(
                    reader,
                    plan.step,
                    damage,
                    annotate=segmenter,
                    progress=self._progress,
                    cancelled=lambda: self.is_cancelled,
                )
        finally:
            if segmenter is not None:
                segmenter.close()
        self.result = result
        done = self.status
        left_out = f", {len(damage.sentences)} damaged ones left out" if damage.sentences else ""
        text = f"{result.frames} frames, {result.seconds:.1f} s, {result.labels}{left_out}"
        if self.is_cancelled:
            return JobStatus(done.done, done.total, "cancelled", f"Stopped after {text}")
        return JobStatus(done.done, done.total, "finished", text)
