"""How far two label maps agree: what every parity check of back ends, precisions and exported files uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def equal_share(labels: NDArray[np.uint8], reference: NDArray[np.uint8]) -> float:
    """Share of pixels with the same id, 0..1; both arrays have the same shape, whatever it is."""
    return float(np.mean(labels == reference))


def mean_iou(labels: NDArray[np.uint8], reference: NDArray[np.uint8]) -> float:
    """Mean intersection over union of the classes that occur in the reference, 0..1.

    Pixels whose reference is 0 (unlabelled) are left out; NaN if there are no others.

    Args:
        labels: uint8 ids.
        reference: uint8 ids, the same shape.
    """
    known = reference > 0
    pairs = reference[known].astype(np.int64) * 256 + labels[known]
    confusion = np.bincount(pairs, minlength=256 * 256).reshape(256, 256)
    intersection = np.diag(confusion)
    in_reference = confusion.sum(axis=1)
    union = in_reference + confusion.sum(axis=0) - intersection
    occurring = in_reference > 0
    return float(np.mean(intersection[occurring] / union[occurring])) if occurring.any() else float("nan")
