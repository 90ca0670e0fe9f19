"""A segmenter that calls everything a thing, and fails on request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.frame import Segmentation
from rgbd_seg.inference.segmenter import Segmenter, SegmenterInfo
from rgbd_seg.labels import LabelClass, LabelSet

if TYPE_CHECKING:
    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.inference.segmenter import Smoothing

LABELS = LabelSet("one", (LabelClass("thing", (1, 2, 3)),))


class ConstantSegmenter(Segmenter):
    """Remembers what was done to it; raises `error` on the next frame if that is set."""

    label_set = LABELS

    def __init__(self, name: str = "constant") -> None:
        self.info = SegmenterInfo(name, "", "nothing", "test", "CPU", "none", (12, 16), "a test")
        self.closed = False
        self.resets = 0
        self.error: Exception | None = None
        self.settings: list[tuple[Smoothing, float]] = []

    def __call__(self, frame: RgbdFrame) -> Segmentation:
        if self.error is not None:
            raise self.error
        labels = np.ones((frame.height, frame.width), np.uint8)
        return Segmentation(frame, labels, None, LABELS, {"network": 0.001}, self.info.model)

    def configure(self, *, smoothing: Smoothing, min_confidence: float) -> None:
        self.settings.append((smoothing, min_confidence))

    def reset(self) -> None:
        self.resets += 1

    def close(self) -> None:
        self.closed = True
