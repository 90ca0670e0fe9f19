"""The loss: cross entropy over labelled pixels, each counted with the weight of its class and of its picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

VOID = -1  # Target of pixels that no loss and no score counts.


def targets(label: Tensor) -> Tensor:
    """Class channels of label ids: int64, channel = id - 1, `VOID` where the id is 0."""
    return label.long() - 1


def weighted_cross_entropy(
    logits: Tensor, target: Tensor, weights: Tensor, class_weights: Tensor | None, smoothing: float
) -> tuple[Tensor, Tensor]:
    """The sum over the labelled pixels of a batch, and what it is to be divided by.

    Args:
        logits: (N, classes, h, w).
        target: (N, h, w) int64 channels or `VOID`.
        weights: (N,) float32, of the pictures.
        class_weights: (classes,) float32, None for equal ones.
        smoothing: Share of each target that is spread over all classes.

    Returns:
        Two scalars; the second one can be 0.
    """
    by_pixel = functional.cross_entropy(
        logits.float(), target, weight=class_weights, ignore_index=VOID, reduction="none", label_smoothing=smoothing
    )
    counted = (target != VOID).float()
    if class_weights is not None:
        counted = counted * class_weights[target.clamp(min=0)]
    return (by_pixel.sum((1, 2)) * weights).sum(), (counted.sum((1, 2)) * weights).sum()
