"""What a folder of labelled pictures holds, before a network is trained on it. No Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.layouts.folder import background_note
from rgbd_seg.recording.layouts.labelled_folder import labels_of, list_pictures, provenance_of, weights_of
from rgbd_seg.recording.pictures.loading import depth_size, read_header, read_labels

_LOOKED_AT = 240  # Label pictures, spread over the folder: all that label mode offers of one recording.


@dataclass(frozen=True, slots=True)
class DataSurvey:
    """A folder that can be trained on.

    Attributes:
        folder: It has `image/`, `depth/`, `label/` and `labels.json`.
        frames: How many pictures have depth and labels.
        size: (height, width) of the first label picture.
        label_set: What the label ids mean.
        shares: Part of the labelled pixels by class, 0..1, in a sample of the pictures.
        labelled: Part of all pixels that has a label, in that sample.
        done: How many of the pictures count in full; labels of the others travelled from those.
        predicted: "predicted by ..." where a model made labels, else "".
        notes: What else should be known before they are trained on, in whole sentences.
    """

    folder: Path
    frames: int
    size: tuple[int, int]
    label_set: LabelSet
    shares: Mapping[str, float]
    labelled: float
    done: int
    predicted: str = ""
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        height, width = self.size
        seen = sum(share > 0 for share in self.shares.values())
        travelled = f" ({self.done} done, {self.frames - self.done} travelled)" if self.done < self.frames else ""
        return (
            f"{self.frames} labelled pictures{travelled}, {width}x{height}, "
            f"{seen} of {len(self.label_set)} classes seen, {self.labelled:.0%} of the pixels labelled"
        )


def survey(folder: Path) -> DataSurvey:
    """Looks at a folder and at up to 240 of its label pictures.

    Raises:
        ConfigurationError: It cannot be trained on; the message says what is missing.
        RecordingError: A picture cannot be read.
    """
    pictures = list_pictures(folder)
    label_set = labels_of(folder)
    said: list[str] = []
    counts, pixels, size = np.zeros(256, np.int64), 0, (0, 0)
    for index in np.unique(np.linspace(0, len(pictures) - 1, _LOOKED_AT).astype(int)):
        color, depth, path = pictures[index]
        labels = read_labels(path, said.append)
        header = read_header(color)
        for other, there in ((color, (header.width, header.height)), (depth, depth_size(depth))):
            if there != labels.shape[::-1]:
                raise ConfigurationError(
                    f"{path.name} has {labels.shape[1]}x{labels.shape[0]} pixels in {path.parent.name}/, and "
                    f"{other.name} {there[0]}x{there[1]} in {other.parent.name}/: they belong to different pictures."
                )
        size = size if any(size) else (labels.shape[0], labels.shape[1])
        found = np.bincount(labels.ravel(), minlength=256)
        if found[len(label_set) + 1 :].any():
            largest = int(np.flatnonzero(found)[-1])
            raise ConfigurationError(
                f"{path.name} holds label {largest}, but labels.json names {len(label_set)} classes: label mode (E) "
                "gives lost ones back, where the folder is opened in it."
            )
        counts += found
        pixels += labels.size
    labelled = int(counts[1:].sum())
    if not labelled:
        raise ConfigurationError(f"No pixel of the label pictures in {folder.name} has a class yet.")
    shares = {name: float(counts[i] / labelled) for i, name in enumerate(label_set.names, start=1)}
    weights = weights_of(folder, (color for color, _, _ in pictures))
    done = sum(weight >= 1 for weight in weights) or len(pictures)
    predicted, notes = str(provenance_of(folder)), background_note(label_set)
    return DataSurvey(folder, len(pictures), size, label_set, shares, labelled / pixels, done, predicted, notes)
