"""What a folder of labelled pictures holds, before a network is trained on it. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.pictures import read_labels

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_COLOR_SUFFIXES = (".png", ".jpg", ".jpeg")
_LOOKED_AT = 60  # Label pictures, spread over the folder.


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
    """

    folder: Path
    frames: int
    size: tuple[int, int]
    label_set: LabelSet
    shares: Mapping[str, float]
    labelled: float

    def __str__(self) -> str:
        height, width = self.size
        seen = sum(share > 0 for share in self.shares.values())
        return (
            f"{self.frames} labelled pictures, {width}x{height}, {seen} of {len(self.label_set)} classes seen, "
            f"{self.labelled:.0%} of the pixels labelled"
        )


def survey(folder: Path) -> DataSurvey:
    """Looks at a folder and at up to 60 of its label pictures.

    Raises:
        ConfigurationError: It cannot be trained on; the message says what is missing.
        RecordingError: A label picture cannot be read.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"There is no folder {folder}.")
    for part in ("image", "depth", "label"):
        if not (folder / part).is_dir():
            raise ConfigurationError(
                f"{folder.name} has no folder {part}/. Export a recording with labels as “folder”, or choose a folder "
                "with image/, depth/, label/ and labels.json."
            )
    if not (folder / "labels.json").is_file():
        raise ConfigurationError(f"{folder.name} has no labels.json, so nobody knows what its labels mean.")
    label_set = LabelSet.load(folder / "labels.json")
    colors = sorted(path for path in (folder / "image").iterdir() if path.suffix.lower() in _COLOR_SUFFIXES)
    partners = {part: {path.name for path in (folder / part).iterdir()} for part in ("depth", "label")}
    alone = [path.name for path in colors if any(f"{path.stem}.png" not in names for names in partners.values())]
    if alone:
        raise ConfigurationError(
            f"{len(alone)} of {len(colors)} pictures have no depth or label picture of the same name; the first is "
            f"{alone[0]}."
        )
    if not colors:
        raise ConfigurationError(f"There is no picture in {folder.name}/image.")
    counts, pixels, size = np.zeros(256, np.int64), 0, (0, 0)
    for index in np.unique(np.linspace(0, len(colors) - 1, _LOOKED_AT).astype(int)):
        path = folder / "label" / f"{colors[index].stem}.png"
        labels = read_labels(path)
        size = size if any(size) else (labels.shape[0], labels.shape[1])
        found = np.bincount(labels.ravel(), minlength=256)
        if found[len(label_set) + 1 :].any():
            largest = int(np.flatnonzero(found)[-1])
            raise ConfigurationError(
                f"{path.name} holds label {largest}, but labels.json names only {len(label_set)} classes."
            )
        counts += found
        pixels += labels.size
    labelled = int(counts[1:].sum())
    if not labelled:
        raise ConfigurationError(f"No pixel of the label pictures in {folder.name} has a class yet.")
    shares = {name: float(counts[i] / labelled) for i, name in enumerate(label_set.names, start=1)}
    return DataSurvey(folder, len(colors), size, label_set, shares, labelled / pixels)
