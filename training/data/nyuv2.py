"""NYU Depth V2 from its official files: 1,449 labelled frames of a Kinect v1, the official split, 40, 37 or 13 classes.

The folder that `root` names must hold `nyu_depth_v2_labeled.mat`, `splits.mat` and `classMapping40.mat`; how they are
read is in `rgbd_seg.recording.layouts.nyuv2`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.layouts.nyuv2 import (
    CLASSES_FILE,
    FRAMES_FILE,
    SPLITS_FILE,
    NyuFile,
    class_table,
    look_up,
    official_split,
)
from training.data.classes import SUN_37_TO_13
from training.data.data_module import RgbdData, Split
from training.data.holdout import cut_fold
from training.data.sample import LabelledPictures, Sample, Subset

DepthKind = Literal["filled", "raw", "mixed"]


class NyuPictures(LabelledPictures):
    """Labelled frames of the official file, in its order; each is read when it is asked for."""

    def __init__(self, root: Path, classes: Literal[40, 37, 13] = 37, depth: DepthKind = "filled") -> None:
        """Opens the files.

        Args:
            root: The folder that holds them.
            classes: How many classes.
            depth: "filled", "raw" with the holes of the camera, or "mixed": either by chance in training, else raw.

        Raises:
            ConfigurationError: A file is missing.
            RecordingError: A file is not what it should be.
        """
        for name in (FRAMES_FILE, CLASSES_FILE):
            if not (root / name).is_file():
                raise ConfigurationError(
                    f"{root} has no {name}; NYUv2 needs {FRAMES_FILE}, {SPLITS_FILE} and {CLASSES_FILE} in one folder"
                )
        self._depths = {"filled": ("depths",), "raw": ("rawDepths",), "mixed": ("rawDepths", "depths")}[depth]
        self.label_set = LabelSet.load({40: "nyu40", 37: "sunrgbd37", 13: "sunrgbd13"}[classes])
        of_40 = np.zeros(41, np.uint8)
        if classes == 40:
            of_40[:] = np.arange(41)
        else:
            of_40[1:38] = np.arange(1, 38) if classes == 37 else SUN_37_TO_13
        self._table = of_40[class_table(root / CLASSES_FILE)]
        self._frames = NyuFile(root / FRAMES_FILE)
        self.rooms = self._frames.rooms

    def __len__(self) -> int:
        return len(self._frames)

    def read(self, index: int) -> Sample:
        """One frame of 624x464: colour, depth in metres, labels."""
        return self._read(index, self._depths[0])

    def draw(self, index: int, seed: int) -> Sample:
        """One frame with one of its kinds of depth."""
        return self._read(index, self._depths[np.random.default_rng((seed, 2)).integers(len(self._depths))])

    def _read(self, index: int, depth: str) -> Sample:
        color, depth_m, names = self._frames.read(index, depth)
        label = look_up(self._table, names, f"{self._frames.path}: frame {index + 1}")
        return Sample(color, depth_m, label, f"{index + 1:04d}", "kv1")


class NyuData(RgbdData):
    """NYU Depth V2: trains on the official training part, tests on the official test part."""

    def __init__(
        self,
        root: Path,
        classes: Literal[40, 37, 13] = 37,
        depth: DepthKind = "mixed",
        val_share: float = 0.1,
        **shared: Any,
    ) -> None:
        """Takes the settings.

        Args:
            root: The folder with the three official files.
            classes: 40, or the 37 or 13 of SUN RGB-D.
            depth: "filled", "raw", or "mixed": either by chance in training, raw in scores.
            val_share: Share of the training part that is held out, whole rooms at a time.
            shared: What all data modules share: see `RgbdData`.
        """
        super().__init__(**shared)
        self._root = root
        self._classes = classes
        self._kind = depth
        self._share = val_share

    def open_split(self, split: Split) -> LabelledPictures:
        """The frames of a split."""
        pictures = NyuPictures(self._root, self._classes, self._kind)
        train, test = official_split(self._root / SPLITS_FILE, len(pictures))
        if split == "test":
            return Subset(pictures, test)
        rooms: Sequence[str] = [pictures.rooms[index] for index in train]
        return cut_fold(Subset(pictures, train), rooms, self._share, self.fold_seed, fold=self.fold, part=split)

    @property
    def description(self) -> str:
        """What is trained on, in words for the model's card."""
        return f"{len(self.pictures('train'))} frames of NYU Depth V2's training part"
