"""A plain folder as a data set: `image/`, `depth/` and `label/` with files of equal names, and `labels.json`.

This is what people make of their own frames, what our recordings export to, and what `python -m training rooms` writes.
"""

from __future__ import annotations

import string
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.recording.layouts.labelled_folder import labels_of, list_pictures, weights_of
from rgbd_seg.recording.pictures.loading import read_labels
from rgbd_seg.recording.pictures.sidecar import Sidecar, read_sidecar
from training.pictures import decode_picture
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
                `rgbd_seg.json` says, else none.

        Raises:
            ConfigurationError: A part is missing, or files have no partner.
        """
        self.root = Path(root)
        try:
            told = read_sidecar(self.root) or Sidecar()
        except RecordingError as error:
            raise ConfigurationError(str(error)) from None
        self._depth_unit_m = depth_unit_m or told.depth_unit_m or 0.001
        # 0 is a hole anyway: a sidecar that names it has no other.
        self._depth_invalid = told.invalid_depth or None if depth_invalid is None else depth_invalid
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

    def read(self, index: int) -> Sample:
        """Decodes one picture with its depth and labels."""
        color_file, depth_file, label_file = self._files[index]
        color = cv2.cvtColor(decode_picture(color_file, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        counts = decode_picture(depth_file, cv2.IMREAD_UNCHANGED)
        try:
            label = read_labels(label_file)
        except RecordingError as error:
            raise ConfigurationError(str(error)) from None
        if counts.ndim != 2 or counts.dtype != np.uint16:
            raise ConfigurationError(f"{depth_file} is not a depth picture: expected one channel of 16 bits")
        check_labels(label, self.label_set, str(label_file))
        depth_m = counts.astype(np.float32) * np.float32(self._depth_unit_m)
        if self._depth_invalid is not None:
            depth_m[counts == self._depth_invalid] = 0
        name = str(color_file.relative_to(self.root))
        return Sample(np.asarray(color, np.uint8), depth_m, label, name, self.root.name)


def check_labels(label: NDArray[np.generic], label_set: LabelSet, origin: str) -> None:
    """Refuses what is no label picture of a set.

    Raises:
        ConfigurationError: It has several channels or more than 8 bits, or an id outside 0..n.
    """
    if label.ndim != 2 or label.dtype != np.uint8:
        raise ConfigurationError(f"{origin} is not a label picture: expected one channel of 8 bits")
    largest = int(label.max(initial=0))
    if largest > len(label_set):
        raise ConfigurationError(
            f"{origin} holds label {largest}, but the label set {label_set.name!r} ends at {len(label_set)}; "
            "give the list of classes that these labels were made with"
        )
