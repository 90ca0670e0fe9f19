"""How well predictions agree with exact labels, while frames run: a confusion matrix and what follows from it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rgbd_seg.frame import Segmentation
    from rgbd_seg.labels import LabelSet


@lru_cache(maxsize=16)
def translation(source: LabelSet, target: LabelSet) -> NDArray[np.uint8]:
    """(256,) uint8: ids of `source` to ids of `target` by class name; 0 for classes that `target` does not know."""
    table = np.zeros(256, np.uint8)
    known = {name: position for position, name in enumerate(target.names, start=1)}
    for position, name in enumerate(source.names, start=1):
        table[position] = known.get(name, 0)
    table.flags.writeable = False
    return table


class Scores:
    """Running agreement over the frames of one source and one model."""

    def __init__(self) -> None:
        self._label_set: LabelSet | None = None
        self._confusion = np.zeros((1, 1), np.int64)
        self.frames = 0

    def reset(self) -> None:
        """Forgets everything (another source or model)."""
        self._label_set = None
        self.frames = 0

    def add(self, segmentation: Segmentation) -> None:
        """Counts one frame; frames without truth or labels do nothing. Pixels without truth are left out."""
        truth = segmentation.frame.truth
        if truth is not None:
            self.add_labels(truth.labels, truth.label_set, segmentation)

    def add_labels(self, labels: NDArray[np.uint8], meaning: LabelSet, segmentation: Segmentation) -> None:
        """Counts one frame against any other labels of it.

        Args:
            labels: (H, W) uint8, what is taken for right.
            meaning: Label set of `labels`.
            segmentation: What is compared with it.
        """
        label_set = segmentation.label_set
        if segmentation.labels is None or label_set is None:
            return
        size = len(label_set) + 1
        if label_set.names != (self._label_set.names if self._label_set else None):
            self._label_set, self._confusion, self.frames = label_set, np.zeros((size, size), np.int64), 0
        wanted = translation(meaning, label_set)[labels].ravel()
        pairs = wanted.astype(np.int32) * size + segmentation.labels.ravel()
        counts = np.bincount(pairs, minlength=size * size)[: size * size].reshape(size, size)
        counts[0] = 0
        self._confusion += counts
        self.frames += 1

    @property
    def class_iou(self) -> dict[str, float]:
        """Intersection over union of every class that occurs in truth or prediction."""
        if self._label_set is None:
            return {}
        hit = np.diag(self._confusion)
        union = self._confusion.sum(0) + self._confusion.sum(1) - hit
        return {name: float(hit[i] / union[i]) for i, name in enumerate(self._label_set.names, start=1) if union[i] > 0}

    @property
    def mean_iou(self) -> float | None:
        """Mean over the classes that occur in the truth; None before the first frame with truth."""
        if self._label_set is None:
            return None
        present = self._confusion.sum(1) > 0
        hit = np.diag(self._confusion)
        union = self._confusion.sum(0) + self._confusion.sum(1) - hit
        return float(np.mean(hit[present] / union[present])) if present.any() else None

    @property
    def pixel_accuracy(self) -> float | None:
        """Share of the pixels with truth that are right."""
        total = self._confusion.sum()
        return float(np.trace(self._confusion) / total) if self._label_set is not None and total else None
