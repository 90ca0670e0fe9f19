"""The rows of a table of scores, for the window, the command line and the page alike: means first, then the classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rgbd_seg.pipeline.offline.score_source import SourceScore
from rgbd_seg.scores import mean_iou, pixel_accuracy


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One figure of every model.

    Attributes:
        name: What it is: a mean, or a class.
        values: Of each model, 0..1; NaN where it has none.
        is_fair: Whether the models are measured on the same classes, so that the figures may be compared.
    """

    name: str
    values: tuple[float, ...]
    is_fair: bool = True


def score_rows(scores: Sequence[SourceScore]) -> list[ScoreRow]:
    """Means over all classes of each model and, where these differ, over those of all; then each class that occurs."""
    by_class = [score.class_iou for score in scores]
    names = dict.fromkeys(name for one in by_class for name in one)
    classes = [ScoreRow(name, tuple(one.get(name, math.nan) for one in by_class)) for name in names]
    classes = [row for row in classes if any(map(math.isfinite, row.values))]
    fair = len({score.matching.names for score in scores}) == 1
    rows = [
        ScoreRow("mean IoU", tuple(mean_iou(score.matrix) for score in scores), fair),
        ScoreRow("pixels right", tuple(pixel_accuracy(score.matrix) for score in scores), fair),
    ]
    if not fair:  # Means over different classes are no comparison.
        both = [row.values for row in classes if all(map(math.isfinite, row.values))]
        means = tuple(sum(values) / len(values) for values in zip(*both, strict=True))
        words = "both" if len(scores) == 2 else "all"
        rows.append(ScoreRow(f"mean IoU, classes of {words}", means or (math.nan,) * len(scores)))
    return rows + classes


def occurring(score: SourceScore) -> list[int]:
    """Places of the classes in the confusion matrix, from 1, that labels or predictions have."""
    return [place for place in range(1, len(score.matrix)) if score.matrix[place].any() or score.matrix[:, place].any()]
