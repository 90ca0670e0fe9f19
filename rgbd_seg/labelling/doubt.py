"""Which frame to label next: one that the model is unsure of, and that is unlike those which are labelled already."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.frame import RgbdFrame
from rgbd_seg.labelling.pieces import disparity_of

# Below this confidence (255 = certain) a pixel counts as doubtful.
_DOUBTFUL = 153
# A frame is described by so many cells, each with its mean colour and disparity.
_CELLS = (8, 6)
# What counts as one unit of difference, in levels of CIE Lab and in 1 / metre.
_COLOR_UNIT, _DISPARITY_UNIT = 20.0, 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Glimpse:
    """What is kept of a frame to compare it with others.

    Attributes:
        doubtful: Share of the pixels that the model is unsure of, 0..1; None where no model has looked.
        look: (192,) float32, colour and disparity of the cells of a grid.
    """

    doubtful: float | None
    look: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A frame to label next.

    Attributes:
        name: Which one.
        score: 0..2, more is better; only comparable within one list.
        reason: Why, in a sentence without a full stop.
    """

    name: str
    score: float
    reason: str


def glimpse(frame: RgbdFrame, confidence: NDArray[np.uint8] | None = None) -> Glimpse:
    """Looks at a frame.

    Args:
        frame: The frame.
        confidence: (H, W) uint8 of a model, 255 = certain, or None.
    """
    lab = cv2.cvtColor(cv2.resize(frame.color, _CELLS, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2LAB)
    disparity = disparity_of(frame.depth, frame.calibration.depth_unit_m)
    known = cv2.resize((disparity > 0).astype(np.float32), _CELLS, interpolation=cv2.INTER_AREA)
    mean = np.asarray(cv2.resize(disparity, _CELLS, interpolation=cv2.INTER_AREA)) / np.maximum(known, 1e-3)
    look = np.concatenate([np.asarray(lab, np.float32).ravel() / _COLOR_UNIT, mean.ravel() / _DISPARITY_UNIT])
    doubtful = None if confidence is None else float((confidence < _DOUBTFUL).mean())
    return Glimpse(doubtful, look.astype(np.float32))


def suggest(glimpses: Mapping[str, Glimpse], done: Collection[str], count: int = 10) -> list[Suggestion]:
    """The frames to label next, the most useful first; each counts as done for those after it.

    Args:
        glimpses: All frames that are known, the done ones too.
        done: The names of those that need no labels any more.
        count: How many are wanted at most.
    """
    names = [name for name in glimpses if name not in done]
    if not names:
        return []
    looks = np.stack([glimpses[name].look for name in names])
    seen = [glimpses[name].look for name in done if name in glimpses]
    # Without any that is done, the most typical frame comes first.
    middle = np.median(looks, 0)
    novelty = _apart(looks, seen[0]) if seen else -_apart(looks, middle)
    for look in seen[1:]:
        novelty = np.minimum(novelty, _apart(looks, look))
    asked = [glimpses[name].doubtful for name in names]
    doubt = np.array([value or 0.0 for value in asked])
    most = max(float(doubt.max()), 1e-6)
    scale = max(float(np.abs(novelty).max()), 1e-6)
    found: list[Suggestion] = []
    left = np.ones(len(names), bool)
    while left.any() and len(found) < count:
        score = doubt / most + novelty / scale
        best = int(np.flatnonzero(left)[score[left].argmax()])
        others = len(seen) + len(found)
        found.append(Suggestion(names[best], float(score[best]), _reason(asked[best], novelty[best] / scale, others)))
        left[best] = False
        apart = _apart(looks, looks[best])
        novelty = np.minimum(novelty, apart) if others else apart
        scale = max(float(novelty[left].max(initial=0)), 1e-6)
    return found


def _apart(looks: NDArray[np.float32], look: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(((looks - look) ** 2).mean(1)), np.float64)


def _reason(doubtful: float | None, novelty: float, others: int) -> str:
    unsure = f"the model is unsure of {doubtful:.0%} of it" if doubtful else ""
    if not others:
        return unsure or "the most typical frame, a good one to begin with"
    unlike = f"unlike the {others} before it" if others > 1 else "unlike the one before it"
    if not unsure:
        return unlike if novelty > 0.3 else "little is left that is new"
    return f"{unsure}, and it is {unlike}" if novelty > 0.3 else unsure
