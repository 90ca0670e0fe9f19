"""A plain folder as a data set: `image/`, `depth/` and `label/` with files of equal names, and `labels.json`.

This is what people make of their own frames, what our recordings export to, and what `python -m training rooms` writes.
"""

from __future__ import annotations

import string
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.recording.layouts.labelled_folder import labels_of, list_pictures, weights_of
from rgbd_seg.recording.pictures.loading import SATURATED
from rgbd_seg.recording.pictures.sidecar import Sidecar, read_sidecar
from training.pictures import color_of, depth_of
from training.pictures import labels_of as read_labels
from training.sample import LabelledPictures, Sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rgbd_seg.labels import LabelSet


class PictureFolder(LabelledPictures):
    """The labelled pictures of one folder, in the order of their names (2 before 10)."""

    def __init__(
        self,
        root: str | Path,
        label_set: LabelSet | None = None,
        *,
        depth_unit_m: float | None = None,
        depth_invalid: int | None = None,
    ) -> None:
        """Lists the folder; pictures are decoded later.

        Args:
            root: The folder that holds `image/`, `depth/` and `label/`.
            label_set: What the ids mean; None reads `labels.json` in the folder.
            depth_unit_m: Metres per count of the depth pictures; None: what `rgbd_seg.json` says, else millimetres.
            depth_invalid: A count besides 0 that means "no measurement" (65535 in some recordings); None: what
                `rgbd_seg.json` says, else 65535.

        Raises:
            ConfigurationError: A part is missing, or files have no partner.
        """
        self.root = Path(root)
        if not self.root.is_dir():
            raise ConfigurationError(f"there is no folder {self.root}: name the folder of your pictures with data.root")
        try:
            told = read_sidecar(self.root) or Sidecar()
        except RecordingError as error:
            raise ConfigurationError(str(error)) from None
        self._depth_unit_m = depth_unit_m or told.depth_unit_m or 0.001
        told_invalid = SATURATED if told.invalid_depth is None else told.invalid_depth
        self._depth_invalid = told_invalid if depth_invalid is None else depth_invalid
        self.label_set = label_set or labels_of(self.root)
        self._files = list_pictures(self.root)
        self._weights = weights_of(self.root, (color for color, _, _ in self._files))

    def __len__(self) -> int:
        return len(self._files)

    @property
    def sequences(self) -> list[str]:
        """For each picture what its name says before its number: pictures of one recording have it in common."""
        return [color_file.stem.rstrip(string.digits) for color_file, _, _ in self._files]

    @property
    def done(self) -> list[bool]:
        """For each picture whether it counts in full, as those do that a person has labelled."""
        return [weight >= 1 for weight in self._weights]

    def weight(self, index: int) -> float:
        """What `frames.json` says that the picture's state is worth, else 1."""
        return self._weights[index]

    def read_label(self, index: int) -> NDArray[np.uint8]:
        """Decodes the labels of one picture alone."""
        return read_labels(self._files[index][2], self.label_set)

    def read(self, index: int) -> Sample:
        """Decodes one picture with its depth and labels."""
        color_file, depth_file, label_file = self._files[index]
        depth_m = depth_of(depth_file, self._depth_invalid).astype(np.float32) * np.float32(self._depth_unit_m)
        label = read_labels(label_file, self.label_set)
        name = str(color_file.relative_to(self.root))
        return Sample(color_of(color_file), depth_m, label, name, self.root.name)
