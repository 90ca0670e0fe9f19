"""Scores as the papers report them, from one global confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.scores import class_ious, mean_iou, pixel_accuracy


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What a confusion matrix says.

    Attributes:
        matrix: (n + 1, n + 1) int64 pixels as `rgbd_seg.scores.confusion_matrix` gives them; column 0 is unlabelled.
        names: The class names, in order.
    """

    matrix: NDArray[np.int64]
    names: Sequence[str]

    @property
    def iou(self) -> NDArray[np.float64]:
        """(n,) intersection over union by class. NaN where a class is in neither picture."""
        return class_ious(self.matrix)

    @property
    def miou(self) -> float:
        """Mean of `iou` over the classes that have one."""
        return mean_iou(self.matrix)

    @property
    def recall(self) -> NDArray[np.float64]:
        """(n,) share of each class's pixels that were found. NaN where the truth has none."""
        return _shares(np.diagonal(self.matrix)[1:].astype(np.float64), self.matrix.sum(1)[1:])

    @property
    def mean_accuracy(self) -> float:
        """Mean of `recall` over the classes in the truth."""
        return _mean(self.recall)

    @property
    def pixel_accuracy(self) -> float:
        """Share of the labelled pixels that are right."""
        return pixel_accuracy(self.matrix)

    def summary(self) -> dict[str, float]:
        """The three figures of papers: `miou`, `mean_accuracy`, `pixel_accuracy`."""
        return {"miou": self.miou, "mean_accuracy": self.mean_accuracy, "pixel_accuracy": self.pixel_accuracy}

    def table(self) -> str:
        """Lines of text: one a class, then the figures."""
        width = max(len(name) for name in self.names)
        pixels = self.matrix.sum(1)[1:]
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
