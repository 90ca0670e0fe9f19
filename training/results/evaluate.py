"""Scores of a checkpoint or a model file on labelled pictures, through the graph that the window runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch.nn import functional
from tqdm import tqdm

from rgbd_seg.class_matching import ClassMatching, match_classes
from rgbd_seg.inference.graph import DeployedGraph
from rgbd_seg.scores import confusion_matrix
from training.results.confidence import Reliability
from training.scores import Scores

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from rgbd_seg.models.deresunet import DeResUNet
    from rgbd_seg.models.model_file import ModelCard
    from training.data.sample import LabelledPictures, Sample

_DEPTH_UNIT_M = 0.001  # Millimetres, as cameras give them; the graph takes counts.
_RESAMPLES = 300
MULTI_SCALES = (0.75, 1.0, 1.25)


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Scores over all pictures, by sensor and by picture.

    Attributes:
        overall: Over all pictures.
        by_sensor: Of each camera's pictures.
        by_picture: mIoU of each picture, in order; NaN where nothing in it is labelled.
        matching: Which classes were compared.
        left_out: Share of the labelled pixels that are of classes that were not.
        deviation: How far the mean IoU would lie off with other pictures of the kind: its standard deviation over
            samples of these, drawn with replacement.
    """

    overall: Scores
    by_sensor: Mapping[str, Scores]
    by_picture: Sequence[float]
    matching: ClassMatching
    left_out: float
    deviation: float

    @property
    def note(self) -> str:
        """What was left out, in a sentence; "" if nothing was."""
        said = self.matching.left_out
        return f"{self.left_out:.1%} of the labelled pixels are not compared: {said}" if self.left_out else said


class Predictor:
    """Labels of samples, each at its own size, through `DeployedGraph`."""

    def __init__(
        self,
        network: DeResUNet,
        card: ModelCard,
        *,
        device: str = "cpu",
        scales: Sequence[float] = (1.0,),
        flip: bool = False,
    ) -> None:
        """Prepares a network.

        Args:
            network: In evaluation mode.
            card: Its card.
            device: Where to run it.
            scales: Input sizes as factors of the card's; class probabilities are averaged over them.
            flip: Averages with the mirrored picture too.
        """
        self._network = network.to(device)
        self._card = card
        self._device = device
        self._scales = tuple(scales)
        self._flip = flip
        self._graph = lru_cache(maxsize=16)(self._build)

    def _build(self, height: int, width: int, scale: float) -> DeployedGraph:
        size = (max(32, round(self._card.size[0] * scale)), max(32, round(self._card.size[1] * scale)))
        graph = DeployedGraph(self._network, self._card, (height, width), size)
        return graph.to(self._device).eval()

    @torch.inference_mode()
    def __call__(self, sample: Sample) -> NDArray[np.uint8]:
        """(H, W) uint8 ids of the card's label set."""
        color = torch.from_numpy(np.ascontiguousarray(sample.color)).to(self._device)
        counts = np.round(np.minimum(sample.depth_m / _DEPTH_UNIT_M, 65535)).astype(np.int32)
        depth = torch.from_numpy(counts).to(self._device)
        unit = torch.tensor(_DEPTH_UNIT_M, device=self._device)
        height, width = sample.label.shape
        if self._scales == (1.0,) and not self._flip:
            labels, _ = self._graph(height, width, 1.0)(color, depth, unit)
            return np.asarray(labels.cpu(), np.uint8)
        total: Tensor | None = None
        for scale in self._scales:
            graph = self._graph(height, width, scale)
            for mirrored in (False, True) if self._flip else (False,):
                pair = (color.flip(1), depth.flip(1)) if mirrored else (color, depth)
                logits = graph.logits(graph.prepare(pair[0][None], pair[1][None], unit))
                logits = logits.flip(-1) if mirrored else logits
                full = functional.interpolate(logits, (height, width), mode="bilinear", align_corners=False)
                total = full.softmax(1) if total is None else total + full.softmax(1)
        assert total is not None
        return np.asarray((total.argmax(1)[0] + 1).cpu(), np.uint8)


def evaluate(
    predictor: Predictor,
    pictures: LabelledPictures,
    card: ModelCard,
    *,
    mapping: Mapping[str, Sequence[str]] | None = None,
    progress: bool = True,
) -> Evaluation:
    """Predicts every picture and scores it at its label's own size in one global confusion matrix.

    Args:
        predictor: The network.
        pictures: With classes of their own, which are matched with the model's by name.
        card: The model's.
        mapping: Classes of model or data that are one and the same, by the name that they are scored under.
        progress: Whether to show how far it is.

    Raises:
        ConfigurationError: Model and data have no class in common, or the mapping does not fit them.
    """
    matching = match_classes(card.label_set, pictures.label_set, mapping)
    names = matching.names
    matrices: dict[str, NDArray[np.int64]] = {}
    by_picture: list[float] = []
    counted: list[NDArray[np.int32]] = []
    labelled = compared = 0
    for index in tqdm(range(len(pictures)), desc="evaluating", unit="picture", disable=not progress):
        sample = pictures.read(index)
        truth = matching.truth[sample.label]
        counts = confusion_matrix(truth, matching.predicted[predictor(sample)], len(names))
        labelled, compared = labelled + int((sample.label > 0).sum()), compared + int((truth > 0).sum())
        by_picture.append(Scores(counts, names).miou)
        counted.append(counts.astype(np.int32))
        matrices[sample.sensor] = matrices.get(sample.sensor, np.zeros_like(counts)) + counts
    total = np.sum(list(matrices.values()), axis=0)
    return Evaluation(
        Scores(total, names),
        {sensor: Scores(counts, names) for sensor, counts in matrices.items()},
        by_picture,
        matching,
        1 - compared / labelled if labelled else 0.0,
        deviation(np.stack(counted), names),
    )


def deviation(counted: NDArray[np.int32], names: Sequence[str]) -> float:
    """The bootstrap over pictures of Efron's: `counted` has their confusion matrices, (N, classes + 1, classes + 1)."""
    flat = counted.reshape(len(counted), -1).astype(np.float64)
    draws = np.random.default_rng(0).multinomial(len(counted), np.full(len(counted), 1 / len(counted)), _RESAMPLES)
    totals = (draws @ flat).reshape(_RESAMPLES, *counted.shape[1:]).astype(np.int64)
    return float(np.nanstd([Scores(total, names).miou for total in totals]))


def fit_temperature(network: DeResUNet, card: ModelCard, pictures: LabelledPictures, *, limit: int = 100) -> float:
    """The temperature that makes the confidence honest: the one with the smallest log loss on held-out pictures.

    Guo et al., "On Calibration of Modern Neural Networks", 2017.

    Args:
        network: In evaluation mode.
        card: Its card; the temperature in it is not used.
        pictures: Held out from training.
        limit: Pictures to look at, spread over the set.
    """
    rows, truths = [], []
    rng = np.random.default_rng(0)
    for index in np.unique(np.linspace(0, len(pictures) - 1, limit).astype(int)):
        sample = pictures.read(int(index))
        graph = DeployedGraph(network, card, (sample.label.shape[0], sample.label.shape[1])).eval()
        counts = torch.from_numpy(np.round(sample.depth_m / _DEPTH_UNIT_M).astype(np.int32))
        with torch.inference_mode():
            prepared = graph.prepare(torch.from_numpy(sample.color)[None], counts[None], torch.tensor(_DEPTH_UNIT_M))
            logits = graph.logits(prepared)[0].flatten(1).T.numpy()
        small = cv2.resize(sample.label, (card.size[1], card.size[0]), interpolation=cv2.INTER_NEAREST_EXACT).ravel()
        labelled = np.flatnonzero(small)
        chosen = rng.choice(labelled, size=min(2000, labelled.size), replace=False) if labelled.size else labelled
        rows.append(logits[chosen])
        truths.append(small[chosen].astype(np.int64) - 1)
    logits_all, truth = torch.from_numpy(np.concatenate(rows)).clone(), torch.from_numpy(np.concatenate(truths))
    candidates = np.exp(np.linspace(np.log(0.25), np.log(4), 81))
    losses = [float(functional.cross_entropy(logits_all / t, truth)) for t in candidates]
    return float(candidates[int(np.argmin(losses))])


def reliability(network: DeResUNet, card: ModelCard, pictures: LabelledPictures, *, limit: int = 100) -> Reliability:
    """How honest the confidence is that the deployed graph gives, with the temperature of the card.

    Args:
        network: In evaluation mode.
        card: Its card.
        pictures: Held out from training.
        limit: Pictures to look at, spread over the set.
    """
    result = Reliability()
    for index in np.unique(np.linspace(0, len(pictures) - 1, limit).astype(int)):
        sample = pictures.read(int(index))
        graph = DeployedGraph(network, card, (sample.label.shape[0], sample.label.shape[1])).eval()
        counts = torch.from_numpy(np.round(sample.depth_m / _DEPTH_UNIT_M).astype(np.int32))
        with torch.inference_mode():
            labels, confidence = graph(torch.from_numpy(sample.color), counts, torch.tensor(_DEPTH_UNIT_M))
        result.add(labels.numpy(), confidence.numpy(), sample.label)
    return result
