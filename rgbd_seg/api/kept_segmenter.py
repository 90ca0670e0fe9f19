"""A loaded model that outlives the pipelines that use it: changing the source does not load it again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from rgbd_seg.inference.segmenter import Segmenter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rgbd_seg.frame import RgbdFrame, Segmentation
    from rgbd_seg.inference.segmenter import Smoothing


class KeptSegmenter(Segmenter):
    """Passes everything on; a pipeline's `close` only hands it back, until `release` says that nobody wants it."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter
        self.info = segmenter.info
        self.label_set = segmenter.label_set
        self._lock = threading.Lock()
        self._lent = False
        self._released = False

    def lend(self) -> KeptSegmenter | None:
        """Marks it as used by a pipeline, and forgets the frames of the one before; None once it was released."""
        with self._lock:
            if self._released:
                return None
            self._lent = True
        self._segmenter.reset()
        return self

    def __call__(self, frame: RgbdFrame) -> Segmentation:
        """As the kept segmenter does, on the thread of whoever holds it."""
        segmentation = self._segmenter(frame)
        self.info = self._segmenter.info  # Where memory was short it has changed.
        return segmentation

    def batch(self, frames: Sequence[RgbdFrame]) -> list[Segmentation]:
        """Segments frames that do not follow one another, without smoothing."""
        return self._segmenter.batch(frames)

    def configure(self, *, smoothing: Smoothing, min_confidence: float) -> None:
        """Adopts settings that need no reload."""
        self._segmenter.configure(smoothing=smoothing, min_confidence=min_confidence)

    def prepare(self, frame_size: tuple[int, int]) -> None:
        """Makes ready for frames of that size."""
        self._segmenter.prepare(frame_size)
        self.info = self._segmenter.info

    def reset(self) -> None:
        """Forgets the frames that smoothing looks back to."""
        self._segmenter.reset()

    def close(self) -> None:
        """Hands it back; frees the device only if it was released before."""
        with self._lock:
            self._lent = False
            free = self._released
        if free:
            self._segmenter.close()

    def release(self) -> None:
        """Nobody will lend it again: frees the device now, or as soon as its pipeline hands it back."""
        with self._lock:
            self._released = True
            free = not self._lent
        if free:
            self._segmenter.close()
