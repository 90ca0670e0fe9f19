"""Labels that travel from a frame to its neighbours by motion and depth; what does not agree becomes void.

Dense optical flow (DIS, Kroeger et al., 2016) between neighbouring frames is put together into one map back to the
frame that was labelled, so that labels are sampled once, however far they went. A pixel keeps its label only if the
flow there and back again meets, its depth changed as the camera's motion explains, and it still looks as it did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.frame import RgbdFrame

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

# Flow there and back again may miss its start by so many pixels.
_RETURN_PX = 1.0
# Depth may differ from what the camera's motion explains by so many metres, and by so many times the square of its
# distance: the steps of a structured-light camera grow with it.
_DEPTH_M, _DEPTH_PER_M2 = 0.015, 0.006
# CIE Lab (0..255, blurred) may differ by so much from the labelled frame, for each channel.
_COLOR = 22
# With less of the picture found again than this, the camera was moved away, or another scene begins.
_CUT_SHARE = 0.35
_FIT_STEP, _FIT_ROUNDS = 8, 3


@dataclass(frozen=True, slots=True, eq=False)
class Travelled:
    """Labels that arrived at a frame.

    Attributes:
        labels: (H, W) uint8, 0 = void.
        found: Share of the picture that was found again in the labelled frame, 0..1, whatever its label.
    """

    labels: NDArray[np.uint8]
    found: float


class Traveller:
    """Carries the labels of one frame along, a frame at a time, forwards or backwards."""

    def __init__(self, frame: RgbdFrame, labels: NDArray[np.uint8]) -> None:
        """Starts at a labelled frame.

        Args:
            frame: What was labelled.
            labels: (H, W) uint8, 0 = void.
        """
        height, width = labels.shape
        self._labels = labels
        self._origin = self._last = _View(frame)
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        self._identity = self._back = np.stack([x, y], -1)
        self._sure = np.ones(labels.shape, bool)
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def step(self, frame: RgbdFrame) -> Travelled | None:
        """Goes on to the next frame.

        Args:
            frame: The neighbour of the frame before.

        Returns:
            The labels there, or None at a cut: then the journey is over.
        """
        here, there = _View(frame), self._last
        if here.gray.shape != there.gray.shape:
            return None
        backward = np.asarray(self._flow.calc(here.gray, there.gray, None), np.float32)  # type: ignore[call-overload]
        forward = np.asarray(self._flow.calc(there.gray, here.gray, None), np.float32)  # type: ignore[call-overload]
        source = self._identity + backward
        height, width = here.gray.shape
        inside = (source >= 0).all(-1) & (source[..., 0] <= width - 1) & (source[..., 1] <= height - 1)
        returned = np.abs(backward + _sample(forward, source)).max(-1) <= _RETURN_PX
        agreed = inside & returned & self._same_depth(here, there, source, inside & returned)
        if agreed.mean() < _CUT_SHARE:
            return None
        self._back = _sample(self._back, source)
        self._sure = agreed & (_sample(self._sure.astype(np.uint8), source, cv2.INTER_NEAREST) > 0)
        self._last = here
        looks = cv2.absdiff(_sample(self._origin.lab, self._back), here.lab)
        sure = self._sure & (np.asarray(cv2.max(cv2.max(*cv2.split(looks)[:2]), cv2.split(looks)[2])) <= _COLOR)
        labels = _sample(self._labels, self._back, cv2.INTER_NEAREST)
        labels[~sure] = 0
        return Travelled(labels, float(sure.mean()))

    @staticmethod
    def _same_depth(here: _View, there: _View, source: Floats, trusted: Mask) -> Mask:
        """Where depth has changed as a moving camera explains; where it is unknown, nothing speaks against it."""
        before = _sample(there.depth_m, source, cv2.INTER_NEAREST)
        known = (before > 0) & (here.depth_m > 0)
        change = here.depth_m - before
        height, width = change.shape
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        # A small motion changes depth by a constant (forwards) and in proportion to X and Y (turning).
        terms = np.stack([np.ones_like(x), here.depth_m * (x / width - 0.5), here.depth_m * (y / width - 0.4)], -1)
        pick = np.zeros_like(known)
        pick[::_FIT_STEP, ::_FIT_STEP] = (known & trusted)[::_FIT_STEP, ::_FIT_STEP]
        a, b = terms[pick], change[pick]
        allowed = _DEPTH_M + _DEPTH_PER_M2 * here.depth_m**2
        if len(b) >= 30:
            keep = np.abs(b - np.median(b)) < 0.1
            for _ in range(_FIT_ROUNDS):
                if keep.sum() < 30:
                    break
                fitted = np.linalg.lstsq(a[keep], b[keep], rcond=None)[0]
                keep = np.abs(b - a @ fitted) < allowed[pick]
            else:
                change = change - terms @ fitted
        return np.asarray(~known | (np.abs(change) < allowed))


def meet(from_before: NDArray[np.uint8] | None, from_after: NDArray[np.uint8] | None) -> NDArray[np.uint8] | None:
    """Labels of a frame between two labelled ones: where both came and disagree, nothing is known."""
    if from_before is None or from_after is None:
        return from_after if from_before is None else from_before
    both = (from_before > 0) & (from_after > 0)
    result = np.maximum(from_before, from_after)
    result[both & (from_before != from_after)] = 0
    return result


class _View:
    """What travelling needs of a frame."""

    def __init__(self, frame: RgbdFrame) -> None:
        self.gray = cv2.cvtColor(frame.color, cv2.COLOR_RGB2GRAY)
        self.lab = cv2.cvtColor(cv2.blur(frame.color, (5, 5)), cv2.COLOR_RGB2LAB)
        unit = frame.calibration.depth_unit_m if frame.calibration.registered else 0
        self.depth_m: Floats = frame.depth.astype(np.float32) * np.float32(unit)


def _sample(picture: NDArray[Any], at: Floats, interpolation: int = cv2.INTER_LINEAR) -> Any:
    """The picture at other coordinates; beyond its border the border goes on."""
    return cv2.remap(picture, at, None, interpolation, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
