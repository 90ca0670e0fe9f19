"""Scores of a network on labelled pictures, added up over batches and over processes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics.aggregation import MeanMetric
from torchmetrics.classification import MulticlassConfusionMatrix

from training.network.loss import VOID, targets
from training.scores import Scores


class Scoring(nn.Module):
    """Confusion matrix and mean loss at the labels' own sizes; nothing of it is part of a checkpoint."""

    def __init__(self, names: Sequence[str]) -> None:
        """Counts nothing yet.

        Args:
            names: Of the classes with the ids 1..n.
        """
        super().__init__()
        self._names = tuple(names)
        self._confusion = confusion_of(names)
        self._mean_loss = MeanMetric()

    def add(self, logits: Tensor, labels: Sequence[Tensor]) -> list[NDArray[np.uint8]]:
        """Adds the pictures of one batch.

        Args:
            logits: (N, classes, h, w).
            labels: N pictures of uint8 ids, 0 = void, each (H, W) of its own size.

        Returns:
            For each picture the predicted ids, (H, W) uint8.
        """
        predicted = []
        for one, label in zip(logits, labels, strict=True):
            target = targets(label)[None]
            full = functional.interpolate(one[None].float(), target.shape[-2:], mode="bilinear", align_corners=False)
            labelled = (target != VOID).sum().clamp(min=1)
            loss = functional.cross_entropy(full, target, ignore_index=VOID, reduction="sum")
            self._mean_loss.update(loss / labelled)
            channel = full.argmax(1)
            self._confusion.update(channel, target)
            predicted.append((channel[0] + 1).to(torch.uint8).cpu().numpy())
        return predicted

    def scores(self) -> Scores:
        """Since the last `reset`, of all processes."""
        return scores_of(self._confusion, self._names)

    @property
    def loss(self) -> float:
        """Mean over the pictures of the mean over their labelled pixels."""
        return float(self._mean_loss.compute())

    def reset(self) -> None:
        self._confusion.reset()
        self._mean_loss.reset()


def confusion_of(names: Sequence[str]) -> MulticlassConfusionMatrix:
    """An empty matrix for these classes; void is not counted."""
    return MulticlassConfusionMatrix(len(names), ignore_index=VOID, validate_args=False)


def scores_of(confusion: MulticlassConfusionMatrix, names: Sequence[str]) -> Scores:
    """What a matrix of all processes comes to."""
    counts = confusion.compute().cpu().numpy().astype(np.int64)
    return Scores(np.pad(counts, ((1, 0), (1, 0))), names)  # Nothing is left unlabelled here.
