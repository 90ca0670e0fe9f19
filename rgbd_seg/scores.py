"""How well predictions agree with truth or with another model: one confusion matrix and one mean IoU for all.

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


def confusion_matrix(truth: NDArray[np.uint8], predicted: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    """Counts of pixels by what they are and what they were taken for; void in the truth is left out.

    Args:
        truth: Label ids 0..classes, any shape, 0 = void.
        predicted: Label ids of the same shape, 0 = unlabelled, which is wrong wherever the truth has a class.
        classes: How many classes there are.

    Returns:
        (classes + 1, classes + 1) int64: rows are the truth, columns the prediction; row 0 is empty.

    Raises:
        ConfigurationError: The shapes differ, or an id is out of range.
    """
    if truth.shape != predicted.shape:
        raise ConfigurationError(f"truth is {truth.shape}, but the prediction is {predicted.shape}")
    if max(int(truth.max(initial=0)), int(predicted.max(initial=0))) > classes:
        raise ConfigurationError(f"there is a label above {classes}, the number of classes")
    size = classes + 1
    pairs = truth.ravel().astype(np.int32) * size + predicted.ravel()
    counts = np.bincount(pairs, minlength=size * size).reshape(size, size)
    counts[0] = 0
    return counts.astype(np.int64)


def class_ious(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """Intersection over union by class, TP / (TP + FP + FN); NaN for classes in neither truth nor prediction.

    Args:
        matrix: As `confusion_matrix` gives it.

    Returns:
        (classes,) float64 for the ids 1..classes.
    """
    hits = np.diagonal(matrix)[1:].astype(np.float64)
    union = matrix.sum(0)[1:] + matrix.sum(1)[1:] - hits
    ious: NDArray[np.float64] = np.divide(hits, union, out=np.full(len(hits), np.nan), where=union > 0)
    return ious


def mean_iou(matrix: NDArray[np.int64]) -> float:
    """Mean of `class_ious` over the classes that occur in truth or prediction; NaN if none does."""
    ious = class_ious(matrix)
    return float(np.nanmean(ious)) if np.isfinite(ious).any() else float("nan")


def pixel_accuracy(matrix: NDArray[np.int64]) -> float:
    """Share of the pixels with truth that are right; NaN if there are none."""
    total = int(matrix.sum())
    return float(np.trace(matrix)) / total if total else float("nan")


def equal_share(labels: NDArray[np.uint8], reference: NDArray[np.uint8]) -> float:
    """Share of all pixels with the same id, 0..1; both arrays have the same shape, whatever it is."""
    return float(np.mean(labels == reference))


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
    """What is counted over the frames of one source and one model; classes are matched by their names.

    Pixels whose true class the model does not know cannot be compared: they are counted apart (`unknown_share`), and
    what the model takes for a class that the truth does not know is wrong, but that class has no IoU.
    """

    def __init__(self) -> None:
        self._label_set: LabelSet | None = None
        self._shared: set[str] = set()
        self._unknown: dict[str, int] = {}  # Pixels by class that the model does not know.
        self._last_unknown: dict[str, int] = {}
        self._confusion = np.zeros((1, 1), np.int64)
        self._last: NDArray[np.int64] | None = None  # What the last frame counted for, where that is known.
        self.frames = 0

    def reset(self) -> None:
        """Forgets everything (another source or model)."""
        self._label_set = None
        self._last = None
        self._shared, self._unknown = set(), {}
        self.frames = 0

    def take_back(self) -> None:
        """Forgets the frame that was added last, because it comes again with other labels."""
        if self._last is not None:
            self._confusion -= self._last
            self._last = None
            for name, pixels in self._last_unknown.items():
                self._unknown[name] -= pixels
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
            self.reset()
            self._label_set, self._confusion = label_set, np.zeros((size, size), np.int64)
        table = translation(meaning, label_set)
        # An id beyond the model's own classes means nothing, and is wrong.
        seen = np.where(segmentation.labels < size, segmentation.labels, 0).astype(np.uint8)
        counts = confusion_matrix(table[labels], seen, size - 1)
        self._confusion += counts
        self._last = counts
        self._shared.update(name for label, name in enumerate(meaning.names, start=1) if table[label])
        self._last_unknown = {}
        if not table[1 : len(meaning) + 1].all():
            pixels = np.bincount(labels.ravel(), minlength=256)
            names = enumerate(meaning.names, start=1)
            self._last_unknown = {name: int(pixels[i]) for i, name in names if not table[i] and pixels[i]}
        for name, count in self._last_unknown.items():
            self._unknown[name] = self._unknown.get(name, 0) + count
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
            self._shared, self._unknown = set(other._shared), dict(other._unknown)
            return
        if self._label_set.names != other._label_set.names:
            raise ConfigurationError(f"scores over {other._label_set.name} cannot be added to {self._label_set.name}")
        self._confusion = self._confusion + other._confusion
        self._shared |= other._shared
        for name, pixels in other._unknown.items():
            self._unknown[name] = self._unknown.get(name, 0) + pixels
        self.frames += other.frames

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `from_dict` reads it back."""
        return {
            "frames": self.frames,
            "mean_iou": self.mean_iou,
            "pixel_accuracy": self.pixel_accuracy,
            "class_iou": self.class_iou,
            "unknown_share": self.unknown_share,
            "unknown_classes": self._unknown,
            "compared_classes": sorted(self._shared),
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
            scores._shared = set(map(str, data.get("compared_classes", label_set.names)))
            scores._unknown = {str(name): int(pixels) for name, pixels in data.get("unknown_classes", {}).items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigurationError(f"{origin} does not hold scores: {error}") from None
        return scores

    def __str__(self) -> str:
        mean_iou, accuracy = self.mean_iou, self.pixel_accuracy
        if mean_iou is None or accuracy is None:
            return f"nothing to compare: {self.apart}" if self.unknown else "no labels to compare with"
        text = f"mean IoU {mean_iou:.4f}, {accuracy:.2%} of the pixels right, over {self.frames} frames with labels"
        return f"{text}; {self.apart}" if self.unknown else text

    @property
    def unknown(self) -> tuple[str, ...]:
        """Classes that occurred and that the model does not know, by name."""
        return tuple(name for name, pixels in self._unknown.items() if pixels)

    @property
    def unknown_share(self) -> float:
        """Share of the labelled pixels whose class the model does not know; 0 where nothing is labelled."""
        apart = sum(self._unknown.values())
        return apart / (apart + float(self._confusion.sum())) if apart and self._label_set is not None else 0.0

    @property
    def apart(self) -> str:
        """What cannot be compared, in words."""
        names = self.unknown
        listed = f"{', '.join(names[:6])}{', ...' if len(names) > 6 else ''}"
        return f"{self.unknown_share:.1%} of the labelled pixels are of classes that the model does not know ({listed})"

    @property
    def same_share(self) -> float | None:
        """Share of all labelled pixels that have the same class, unknown classes included; None before the first."""
        if self._label_set is None:
            return None
        total = float(self._confusion.sum()) + sum(self._unknown.values())
        return float(np.trace(self._confusion)) / total if total else None

    @property
    def class_iou(self) -> dict[str, float]:
        """Intersection over union of every class that both sides know and that occurs."""
        if self._label_set is None:
            return {}
        both = zip(self._label_set.names, class_ious(self._confusion), strict=True)
        return {name: float(iou) for name, iou in both if name in self._shared and np.isfinite(iou)}

    @property
    def mean_iou(self) -> float | None:
        """Mean of `class_iou`; None before the first frame with truth that can be compared."""
        found = self.class_iou
        return sum(found.values()) / len(found) if found else None

    @property
    def pixel_accuracy(self) -> float | None:
        """Share of the pixels with truth that are right, of those whose class the model knows."""
        if self._label_set is None or not self._confusion.any():
            return None
        return pixel_accuracy(self._confusion)
