"""How well predictions agree with exact labels: a confusion matrix that grows frame by frame, and what follows from it.

Scores of several recordings can be added up, also after they were stored.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.labels import LabelSet

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rgbd_seg.frame import Segmentation


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
        self._last: NDArray[np.int64] | None = None  # What the last frame counted for, where that is known.
        self.frames = 0

    def reset(self) -> None:
        """Forgets everything (another source or model)."""
        self._label_set = None
        self._last = None
        self.frames = 0

    def take_back(self) -> None:
        """Forgets the frame that was added last, because it comes again with other labels."""
        if self._last is not None:
            self._confusion -= self._last
            self._last = None
            self.frames -= 1

    def add(self, segmentation: Segmentation) -> None:
        """Counts one frame; frames without truth or labels do nothing. Pixels without truth are left out."""
        self._last = None
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
        self._last = counts
        self.frames += 1

    def merge(self, other: Scores) -> None:
        """Counts all frames of other scores as well.

        Raises:
            ConfigurationError: They are of a model with other classes.
        """
        if other._label_set is None:
            return
        self._last = None
        if self._label_set is None:
            self._label_set, self._confusion, self.frames = other._label_set, other._confusion.copy(), other.frames
            return
        if self._label_set.names != other._label_set.names:
            raise ConfigurationError(f"scores over {other._label_set.name} cannot be added to {self._label_set.name}")
        self._confusion = self._confusion + other._confusion
        self.frames += other.frames

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `from_dict` reads it back."""
        return {
            "frames": self.frames,
            "mean_iou": self.mean_iou,
            "pixel_accuracy": self.pixel_accuracy,
            "class_iou": self.class_iou,
            "labels": self._label_set.to_dict() if self._label_set else None,
            "confusion": self._confusion.tolist(),  # Rows are the truth, columns the prediction; 0 is unlabelled.
        }

    @staticmethod
    def from_dict(data: Any, origin: str = "scores") -> Scores:
        """Scores from what `to_dict` gave.

        Raises:
            ConfigurationError: The data are something else.
        """
        scores = Scores()
        try:
            label_set = LabelSet.from_dict(data["labels"], origin)
            size = len(label_set) + 1
            scores._confusion = np.array(data["confusion"], np.int64).reshape(size, size)
            scores._label_set, scores.frames = label_set, int(data["frames"])
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigurationError(f"{origin} does not hold scores: {error}") from None
        return scores

    def __str__(self) -> str:
        mean_iou, accuracy = self.mean_iou, self.pixel_accuracy
        if mean_iou is None or accuracy is None:
            return "no labels to compare with"
        return f"mean IoU {mean_iou:.4f}, {accuracy:.2%} of the pixels right, over {self.frames} frames with labels"

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
        """Mean of `class_iou`, as training's scores count it; None before the first frame with truth."""
        found = self.class_iou
        return sum(found.values()) / len(found) if found else None

    @property
    def pixel_accuracy(self) -> float | None:
        """Share of the pixels with truth that are right."""
        total = self._confusion.sum()
        return float(np.trace(self._confusion) / total) if self._label_set is not None and total else None
