"""Scores of a model on a source that has labels of its own, and the frames that it does worst on."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rgbd_seg.class_matching import ClassMatching, match_classes
from rgbd_seg.errors import ConfigurationError
from rgbd_seg.scores import class_ious, confusion_matrix, mean_iou, pixel_accuracy
from rgbd_seg.sensors.offline import every_frame, frame_count

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence

    from numpy.typing import NDArray

    from rgbd_seg.frame import Segmentation
    from rgbd_seg.inference.segmenter import Segmenter
    from rgbd_seg.sensors.sensor import Sensor


@dataclass(frozen=True, slots=True, eq=False)
class ScoredFrame:
    """One frame with its labels, and how well they were met.

    Attributes:
        index: Which frame of the source, as it counts them.
        position: Its place among all frames of the source, from 0.
        mean_iou: Over the classes that occur in it.
        segmentation: The frame and what was predicted.
        wrong: (H, W) bool, where the prediction is wrong; pixels that are not compared are not.
    """

    index: int
    position: int
    mean_iou: float
    segmentation: Segmentation
    wrong: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class SourceScore:
    """How well one model meets the labels of one source.

    Attributes:
        model: What the model is called.
        matching: Which classes were compared.
        matrix: As `confusion_matrix` gives it, over all frames.
        frames: How many frames had labels.
        left_out: Share of the labelled pixels that cannot be compared.
        worst: The frames with the lowest mean IoU, the worst first.
    """

    model: str
    matching: ClassMatching
    matrix: NDArray[np.int64]
    frames: int
    left_out: float
    worst: Sequence[ScoredFrame]

    @property
    def class_iou(self) -> dict[str, float]:
        """IoU by class name; NaN for a class that occurs in neither labels nor predictions."""
        return dict(zip(self.matching.names, class_ious(self.matrix).tolist(), strict=True))

    @property
    def note(self) -> str:
        """What was left out, in a sentence; "" if nothing was."""
        said = self.matching.left_out
        return f"{self.left_out:.1%} of the labelled pixels are not compared: {said}" if self.left_out else said

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; a figure that is none is null."""
        return {
            "model": self.model,
            "frames": self.frames,
            "mean_iou": _number(mean_iou(self.matrix)),
            "pixel_accuracy": _number(pixel_accuracy(self.matrix)),
            "class_iou": {name: _number(iou) for name, iou in self.class_iou.items()},
            "left_out": {
                "share": self.left_out,
                "of_the_labels": list(self.matching.only_truth),
                "of_the_model": list(self.matching.only_predicted),
            },
            "confusion": self.matrix.tolist(),  # Rows are the truth, columns the prediction; 0 is none of the classes.
            "worst": [{"frame": one.index, "mean_iou": _number(one.mean_iou)} for one in self.worst],
        }


def score_source(
    sensor: Sensor,
    segmenter: Segmenter,
    *,
    mapping: Mapping[str, Sequence[str]] | None = None,
    worst: int = 6,
    only: Container[int] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> SourceScore:
    """Segments every frame that has labels, and compares.

    Args:
        sensor: Not opened yet; closed again in the end.
        segmenter: A loaded model.
        mapping: Classes of model or labels that are one and the same, by the name that they are scored under.
        worst: How many of the worst frames to keep.
        only: Places of the frames that are scored, from 0; None for all.
        cancelled: Asked before each frame; True ends it with what was scored so far.
        progress: Called after each frame with the frames done and the number of all.

    Raises:
        ConfigurationError: No frame has labels, or model and labels have no class in common.
        SensorError: The source cannot be opened or fails.
        ModelError: The model fails.
    """
    matching: ClassMatching | None = None
    matrix = np.zeros((1, 1), np.int64)
    kept: list[tuple[float, int, ScoredFrame]] = []
    frames = labelled = compared = 0
    with sensor:
        total = frame_count(sensor, None)
        for position, frame in enumerate(every_frame(sensor, None, cancelled)):
            if frame.truth is not None and (only is None or position in only):
                segmentation = segmenter(frame)
                if matching is None:
                    matching = match_classes(segmenter.label_set, frame.truth.label_set, mapping)
                    matrix = np.zeros((len(matching.names) + 1,) * 2, np.int64)
                assert segmentation.labels is not None
                truth, predicted = matching.truth[frame.truth.labels], matching.predicted[segmentation.labels]
                counts = confusion_matrix(truth, predicted, len(matching.names))
                matrix, frames = matrix + counts, frames + 1
                labelled += int((frame.truth.labels > 0).sum())
                compared += int((truth > 0).sum())
                own = mean_iou(counts)
                if own == own and worst:
                    one = ScoredFrame(frame.index, position, own, segmentation, (truth > 0) & (predicted != truth))
                    (heapq.heappush if len(kept) < worst else heapq.heappushpop)(kept, (-own, frame.index, one))
            progress(position + 1, total)
    if matching is None:
        raise ConfigurationError(
            f"{sensor.info.name} has no labels to compare with: name a labelled folder or recording"
        )
    found = [one for _, _, one in sorted(kept, key=lambda entry: (-entry[0], entry[1]))]
    left_out = 1 - compared / labelled if labelled else 0.0
    return SourceScore(segmenter.info.model, matching, matrix, frames, left_out, found)


def _number(value: float) -> float | None:
    return value if value == value else None
