"""Statistics over a whole recording in the background: with the labels that it has, or segmented anew. No Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rgbd_seg.errors import RecordingError
from rgbd_seg.frame import Segmentation
from rgbd_seg.inference.segmenter import Segmenter
from rgbd_seg.pipeline.offline.class_statistics import ClassCounter, RecordingStatistics
from rgbd_seg.pipeline.offline.job import Job, JobStatus, Plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.recording.convert import Damage
    from rgbd_seg.recording.reader import RecordingReader


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


class StatisticsJob(Job[Plan]):
    """Its `result` is there when it has finished, or of what was counted before a cancel."""

    result: RecordingStatistics | None = None

    def _work(self, reader: RecordingReader, segmenter: Segmenter | None, damage: Damage) -> JobStatus:
        step = self.plan.step
        self._begin(-(-len(reader) // step))
        result = count_recording(
            reader, step, damage, annotate=segmenter, progress=self._progress, cancelled=self._cancelled.is_set
        )
        self.result, done = result, self.status
        left_out = f", {len(damage.sentences)} damaged ones left out" if damage.sentences else ""
        text = f"{result.frames} frames, {result.seconds:.1f} s, {result.labels}{left_out}"
        if self.is_cancelled:
            return JobStatus(done.done, done.total, "cancelled", f"Stopped after {text}")
        return JobStatus(done.done, done.total, "finished", text)
