"""The losses: cross entropy over labelled pixels, and what stands for the mean IoU itself.

Each pixel counts with the weight of its picture, in the cross entropy with that of its class too.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

VOID = -1  # Target of pixels that no loss and no score counts.
_LOVASZ_PIXELS = 1 << 16  # Sorting all pixels of a batch for every class would take longer than the network.


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


def lovasz_softmax(logits: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """One minus the mean IoU over the classes that the batch contains, made smooth: the Lovász-Softmax loss.

    Source: Berman, Rannen Triki, Blaschko, "The Lovász-Softmax loss: a tractable surrogate for the optimization of the
    intersection-over-union measure in neural networks", CVPR 2018, algorithm 1; here with weighted pixels, and on an
    even grid of at most 65,536 of them.

    Args:
        logits: (N, classes, h, w).
        target: (N, h, w) int64 channels or `VOID`.
        weights: (N,) float32, of the pictures.

    Returns:
        A scalar 0..1; 0 where no pixel has a label.
    """
    step = math.ceil(math.sqrt(target.numel() / _LOVASZ_PIXELS))
    target = target[:, step // 2 :: step, step // 2 :: step]
    probability = logits[..., step // 2 :: step, step // 2 :: step].float().softmax(1).movedim(1, 0)  # (C, N, h, w)
    pixel_weights = weights.reshape(-1, 1, 1).expand(target.shape)
    labelled = (target != VOID) & (pixel_weights > 0)
    classes = torch.unique(target[labelled])
    if not len(classes):
        return logits.sum() * 0
    is_class = (target[labelled] == classes[:, None]).float()  # (present, pixels)
    errors, order = (is_class - probability[classes][:, labelled]).abs().sort(dim=1, descending=True)
    weight = pixel_weights[labelled][order]
    inside = is_class.gather(1, order) * weight
    whole = inside.sum(1, keepdim=True)
    loss_of_set = 1 - (whole - inside.cumsum(1)) / (whole + (weight - inside).cumsum(1))
    gradient = torch.diff(loss_of_set, dim=1, prepend=torch.zeros_like(whole))
    loss: Tensor = (errors * gradient.detach()).sum(1).mean()
    return loss
