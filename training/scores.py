"""Scores as the papers report them, from one global confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def confusion_matrix(truth: NDArray[np.uint8], predicted: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    """Counts of pixels by true and predicted class; void in the truth is left out.

    Args:
        truth: Label ids 0..classes, any shape, 0 = void.
        predicted: Label ids of the same shape. A 0 (unlabelled) counts as wrong: it goes to the first other class.
        classes: How many classes there are.

    Returns:
        (classes, classes) int64, rows are the truth.

    Raises:
        ConfigurationError: The shapes differ, or an id is out of range.
    """
    if truth.shape != predicted.shape:
        raise ConfigurationError(f"truth is {truth.shape}, but the prediction is {predicted.shape}")
    if max(int(truth.max(initial=0)), int(predicted.max(initial=0))) > classes:
        raise ConfigurationError(f"there is a label above {classes}, the number of classes")
    labelled = truth > 0
    rows = truth[labelled].astype(np.int64) - 1
    columns = predicted[labelled].astype(np.int64) - 1
    unlabelled = columns < 0
    if unlabelled.any():
        columns[unlabelled] = (rows[unlabelled] == 0).astype(np.int64) if classes > 1 else 0
    counts = np.bincount(rows * classes + columns, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What a confusion matrix says.

    Attributes:
        matrix: (n, n) int64 pixels; rows are the truth, columns the prediction, void left out.
        names: The class names, in order.
    """

    matrix: NDArray[np.int64]
    names: Sequence[str]

    @property
    def iou(self) -> NDArray[np.float64]:
        """(n,) intersection over union by class: TP / (TP + FP + FN). NaN where a class is in neither picture."""
        hits = np.diagonal(self.matrix).astype(np.float64)
        union = self.matrix.sum(0) + self.matrix.sum(1) - hits
        return _shares(hits, union)

    @property
    def miou(self) -> float:
        """Mean of `iou` over the classes that have one."""
        return _mean(self.iou)

    @property
    def recall(self) -> NDArray[np.float64]:
        """(n,) share of each class's pixels that were found. NaN where the truth has none."""
        pixels = self.matrix.sum(1)
        hits = np.diagonal(self.matrix).astype(np.float64)
        return _shares(hits, pixels)

    @property
    def mean_accuracy(self) -> float:
        """Mean of `recall` over the classes in the truth."""
        return _mean(self.recall)

    @property
    def pixel_accuracy(self) -> float:
        """Share of the labelled pixels that are right."""
        total = int(self.matrix.sum())
        return float(np.trace(self.matrix)) / total if total else float("nan")

    def summary(self) -> dict[str, float]:
        """The three figures of papers: `miou`, `mean_accuracy`, `pixel_accuracy`."""
        return {"miou": self.miou, "mean_accuracy": self.mean_accuracy, "pixel_accuracy": self.pixel_accuracy}

    def table(self) -> str:
        """Lines of text: one a class, then the figures."""
        width = max(len(name) for name in self.names)
        pixels = self.matrix.sum(1)
        total = max(1, int(pixels.sum()))
        lines = [f"{'class':{width}}    IoU  recall  share of pixels"]
        for name, iou, recall, count in zip(self.names, self.iou, self.recall, pixels, strict=True):
            lines.append(f"{name:{width}}  {_percent(iou)}  {_percent(recall)}  {count / total:7.2%}")
        absent = int(np.isnan(self.iou).sum())
        without = f" ({absent} absent from labels and predictions left out)" if absent else ""
        lines.append(f"mIoU {self.miou:.4f}{without}, mean accuracy {self.mean_accuracy:.4f}, ")
        lines[-1] += f"pixel accuracy {self.pixel_accuracy:.4f}"
        return "\n".join(lines)


def _shares(part: NDArray[np.float64], whole: NDArray[np.generic]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.divide(part, whole, out=np.full(len(part), np.nan), where=np.asarray(whole) > 0)
    return shares


def _mean(values: NDArray[np.float64]) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _percent(value: float) -> str:
    return f"{'-':>5}" if np.isnan(value) else f"{100 * value:5.1f}"
