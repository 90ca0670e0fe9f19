"""From labelled pictures to the batches of a step: decoded and augmented in loader processes."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from functools import partial
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from training.data.augment import GENTLE_ZOOM, Augmentation, augment
from training.data.sample import LabelledPictures, Size


class TensorSamples(Dataset[dict[str, Any]]):
    """Decodes and augments; each item is one sample as tensors, with the label in full size where scores are wanted."""

    def __init__(
        self,
        pictures: LabelledPictures,
        size: Size,
        kind: Augmentation,
        seed: int,
        *,
        full_labels: bool,
        zoom: tuple[float, float] = GENTLE_ZOOM,
        crop: Size | None = None,
    ) -> None:
        self._pictures = pictures
        self._size = size
        self._kind: Augmentation = kind
        self._seed = seed
        self._full_labels = full_labels
        self._zoom = zoom
        self._crop = crop

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, draw: int) -> dict[str, Any]:
        index, seed = draw % len(self._pictures), self._seed * 1_000_003 + draw
        original = self._pictures.read(index) if self._full_labels else self._pictures.draw(index, seed)
        sample = augment(original, self._kind, self._size, seed, self._zoom, self._crop)
        label = original.label if self._full_labels else sample.label
        return {
            "color": torch.from_numpy(np.ascontiguousarray(sample.color.transpose(2, 0, 1))),
            "depth_m": torch.from_numpy(np.ascontiguousarray(sample.depth_m[None])),
            "label": torch.from_numpy(np.ascontiguousarray(label)),
            "weight": self._pictures.weight(index),
            "name": original.name,
            "sensor": original.sensor,
            "draw": draw,
        }


def paste_classes(items: Sequence[dict[str, Any]], share: float) -> list[dict[str, Any]]:
    """Pastes half of a neighbour's classes over pictures, colour, depth and label alike, as ClassMix does.

    Source: Olsson, Tranheden, Pinto, Svensson, "ClassMix: segmentation-based data augmentation for semi-supervised
    learning", WACV 2021; here truth stands for their predictions.

    Args:
        items: Of `TensorSamples`, all of one size; what is drawn depends on their draws alone.
        share: Of the items that get something pasted, 0..1.
    """
    rng = np.random.default_rng([item["draw"] for item in items])
    pasted = []
    for item, other in zip(items, [*items[1:], *items[:1]], strict=True):
        classes = other["label"].unique().numpy()
        classes = classes[classes > 0]
        chosen = rng.permutation(classes)[: (len(classes) + 1) // 2]
        if rng.random() >= share or not len(chosen):
            pasted.append(item)
            continue
        inside = torch.isin(other["label"], torch.from_numpy(chosen))
        parts = {part: torch.where(inside, other[part], item[part]) for part in ("color", "depth_m", "label")}
        weight = min(item["weight"], other["weight"])
        pasted.append({**item, **parts, "weight": weight, "name": f"{item['name']} with {other['name']}"})
    return pasted


def collate(items: Sequence[dict[str, Any]], paste: float = 0.0) -> dict[str, Any]:
    """What a step sees, made of the items of `TensorSamples`.

    Args:
        items: The samples.
        paste: Share of them that get classes of another one pasted over.

    Returns:
        "color" (N, 3, h, w) uint8 RGB; "depth_m" (N, 1, h, w) float32 metres, 0 = hole; "labels", N pictures of uint8
        ids, 0 = void, in training all (h, w), otherwise each of its own size; "weights" (N,) float32, how much each
        counts in the loss; "names" and "sensors", N texts each.
    """
    if paste > 0:
        items = paste_classes(items, paste)
    return {
        "color": torch.stack([item["color"] for item in items]),
        "depth_m": torch.stack([item["depth_m"] for item in items]),
        "labels": [item["label"] for item in items],
        "weights": torch.tensor([item["weight"] for item in items], dtype=torch.float32),
        "names": [item["name"] for item in items],
        "sensors": [item["sensor"] for item in items],
    }


class LateLoader(DataLoader[dict[str, Any]]):
    """Begins an epoch when its first batch is asked for.

    Lightning makes the iterator before it knows in which epoch and where in it a resumed run goes on, and loader
    processes would by then have begun with the first samples of the first epoch.
    """

    def __init__(
        self,
        samples: TensorSamples,
        batch_size: int,
        workers: int,
        worker_start: str | None,
        paste: float = 0.0,
        **options: Any,
    ) -> None:
        """Makes batches of `collate`.

        Args:
            samples: What to load.
            batch_size: Samples in a batch.
            workers: Processes; 0 loads in this one.
            worker_start: How they start ("fork", "spawn"), None for the way of the system.
            paste: See `collate`.
            options: Others of `DataLoader`.
        """
        super().__init__(
            samples,
            batch_size=batch_size,
            num_workers=workers,
            collate_fn=partial(collate, paste=paste),
            persistent_workers=workers > 0,
            multiprocessing_context=worker_start if workers > 0 else None,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=_start_worker,
            **options,
        )

    def __iter__(self) -> Any:
        yield from super().__iter__()


def _start_worker(_worker: int) -> None:
    # Ctrl-C reaches every process of a terminal: the run itself ends its workers, after a last checkpoint.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Each worker is a process of its own: more threads in it would only get in the way of the others.
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
