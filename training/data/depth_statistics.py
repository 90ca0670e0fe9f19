"""Mean and deviation of the depth that a network is trained on, measured on its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.errors import ConfigurationError

if TYPE_CHECKING:
    from training.data.sample import LabelledPictures

_PICTURES = 300
SMALLEST_DEPTH_M = 0.001


@dataclass(frozen=True, slots=True)
class DepthStatistics:
    """Of the training pictures, holes left out, in metres."""

    mean_m: float
    std_m: float
    max_m: float


def measure_depth(pictures: LabelledPictures, max_m: float) -> tuple[float, float]:
    """Mean and standard deviation in metres over measured pixels of up to 300 pictures spread over the set.

    Raises:
        ConfigurationError: No picture has any depth.
    """
    count = total = square = 0.0
    for index in np.unique(np.linspace(0, len(pictures) - 1, _PICTURES).astype(int)):
        depth = pictures.read(int(index)).depth_m
        values = np.minimum(depth[depth > 0].astype(np.float64), max_m)
        count, total, square = count + values.size, total + values.sum(), square + (values**2).sum()
    if not count:
        raise ConfigurationError("no training picture has any depth: every value is 0")
    mean = total / count
    return float(mean), float(max(SMALLEST_DEPTH_M, np.sqrt(max(0.0, square / count - mean**2))))
