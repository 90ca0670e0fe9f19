"""A plain folder as a data set: `image/`, `depth/` and `label/` with files of equal names, and `labels.json`.

This is what people make of their own frames, what our recordings export to, and what `python -m training rooms` writes.
"""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.layouts.labelled_folder import LABELS_FILE, labels_of, list_pictures, provenance_of, weights_of
from rgbd_seg.recording.pictures.loading import SATURATED
from rgbd_seg.recording.pictures.sidecar import Sidecar, read_sidecar
from training.data.data_module import RgbdData, Split
from training.data.holdout import cut_fold
from training.data.pictures import color_of, depth_of
from training.data.pictures import labels_of as read_labels
from training.data.sample import LabelledPictures, Sample


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

    def name(self, index: int) -> str:
        """The name that its three files have in common."""
        return self._files[index][0].stem

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


class FolderData(RgbdData):
    """People's own frames: folders with `image/`, `depth/`, `label/` and `labels.json`."""

    def __init__(
        self,
        root: Path,
        val_root: Path | None = None,
        test_root: Path | None = None,
        label_set: str | None = None,
        val_share: float = 0.2,
        depth_unit_m: float | None = None,
        depth_invalid: int | None = None,
        **shared: Any,
    ) -> None:
        """Takes the settings.

        Args:
            root: The folder to train on.
            val_root: A folder to validate on; None cuts a fold of runs of neighbouring pictures out of `root`.
            test_root: A folder for tests; None tests on what is validated on.
            label_set: A built-in label set or a JSON file; None reads `labels.json` in `root`.
            val_share: Share of the pictures in `root` that is held out where `val_root` is None. Where `frames.json`
                says that labels travelled, only frames that a person has done are held out.
            depth_unit_m: Metres per count of the depth pictures; None: what the folder's `rgbd_seg.json` says, else
                millimetres.
            depth_invalid: A count besides 0 that means "no measurement"; None: what the folder says, else 65535.
            shared: What all data modules share: see `RgbdData`.
        """
        super().__init__(**shared)
        self._roots = {"train": root, "val": val_root, "test": test_root or val_root}
        self._names = label_set
        self._share = val_share
        self._unit_m = depth_unit_m
        self._invalid = depth_invalid

    def open_split(self, split: Split) -> LabelledPictures:
        """The folder of the split, or its fold of the only folder."""
        root = self._roots[split]
        if root is not None and (split != "train" or self._roots["val"] is not None):
            return self._open(root)
        everything = self._open(self._roots["train"] or Path())
        part: Literal["train", "val"] = "train" if split == "train" else "val"
        return cut_fold(
            everything,
            everything.sequences,
            self._share,
            self.fold_seed,
            fold=self.fold,
            part=part,
            done=everything.done,
        )

    @property
    def description(self) -> str:
        """How many pictures of which folder."""
        labels = f" with labels {self.predicted}" if self.predicted else ""
        return f"{super().description} of {(self._roots['train'] or Path()).resolve().name}{labels}"

    @property
    def held_out(self) -> list[str]:
        """Names of the pictures of the fold."""
        if self._roots["val"] is not None:
            return []
        pictures = self.pictures("val")
        return [pictures.name(index) for index in range(len(pictures))]

    @property
    def predicted(self) -> str:
        """As the folder's `labels.json` says it."""
        root = self._roots["train"] or Path()
        return str(provenance_of(root)) if (root / LABELS_FILE).is_file() else ""

    def _open(self, root: Path) -> PictureFolder:
        label_set = LabelSet.load(self._names) if self._names else None
        return PictureFolder(root, label_set, depth_unit_m=self._unit_m, depth_invalid=self._invalid)
