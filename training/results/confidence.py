"""Whether a confidence means what it says: of all pixels with confidence 0.8, four in five should be right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = 15
_LEVELS = 256


class Reliability:
    """Counts, for each level of confidence, how many pixels have it and how many of those are right.

    The error is the expected calibration error: the mean distance between confidence and accuracy over bins of equal
    width, weighted by their pixels (Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using
    Bayesian Binning", 2015).
    """

    def __init__(self) -> None:
        self._pixels = np.zeros(_LEVELS, np.int64)
        self._right = np.zeros(_LEVELS, np.int64)

    def add(self, labels: NDArray[np.uint8], confidence: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Counts one picture; pixels whose truth is unlabelled are left out.

        Args:
            labels: (H, W) uint8 predicted ids.
            confidence: (H, W) uint8, 255 = certain.
            truth: (H, W) uint8 ids, 0 = unlabelled.
        """
        known = truth > 0
        self._pixels += np.bincount(confidence[known], minlength=_LEVELS)
        self._right += np.bincount(confidence[known & (labels == truth)], minlength=_LEVELS)

    def bins(self) -> list[tuple[float, float, int]]:
        """Mean confidence (0..1), accuracy (0..1) and pixels of every bin that has any, from unsure to sure."""
        values = np.arange(_LEVELS) / (_LEVELS - 1)
        of_level = np.minimum((values * BINS).astype(int), BINS - 1)
        result = []
        for i in range(BINS):
            pixels = self._pixels[of_level == i]
            count = int(pixels.sum())
            if count:
                confidence = float((values[of_level == i] * pixels).sum() / count)
                result.append((confidence, float(self._right[of_level == i].sum() / count), count))
        return result

    def error(self) -> float:
        """The expected calibration error, 0 (honest) to 1; 0 where nothing was counted."""
        total = max(int(self._pixels.sum()), 1)
        return sum(abs(confidence - accuracy) * count for confidence, accuracy, count in self.bins()) / total
