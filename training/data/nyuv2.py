"""NYU Depth V2 from its official files: 1,449 labelled frames of a Kinect v1, the official split, 40, 37 or 13 classes.

The folder that `root` names must hold `nyu_depth_v2_labeled.mat` (HDF5, MATLAB 7.3) and `splits.mat` from the data
set's page, and `classMapping40.mat` of Gupta et al., "Perceptual Organization and Recognition of Indoor Scenes from
RGB-D Images" (CVPR 2013), which brings its 894 names to 40. The first 37 of those 40 are the classes of SUN RGB-D, in
the same order; the last three (other structure, furniture, prop) become void there.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import h5py
import numpy as np
import scipy.io
from scipy.io.matlab import MatReadError

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.labels import LabelSet
from training.data.classes import SUN_37_TO_13
from training.data.data_module import RgbdData
from training.data.holdout import cut_fold
from training.data.sample import LabelledPictures, Sample, Subset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from training.data.data_module import Split

FRAMES_FILE, SPLITS_FILE, CLASSES_FILE = "nyu_depth_v2_labeled.mat", "splits.mat", "classMapping40.mat"
# A white border, and where depth was projected onto colour from outside of its view: cut off by all who use the set.
_ROWS, _COLUMNS = slice(8, 472), slice(8, 632)
_HEIGHT, _WIDTH = 480, 640

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
            ConfigurationError: A file is missing or not what it should be.
        """
        for name in (FRAMES_FILE, CLASSES_FILE):
            if not (root / name).is_file():
                raise ConfigurationError(
                    f"{root} has no {name}; NYUv2 needs {FRAMES_FILE}, {SPLITS_FILE} and {CLASSES_FILE} in one folder"
                )
        self._path = root / FRAMES_FILE
        self._file: h5py.File | None = None
        self._depths = {"filled": ("depths",), "raw": ("rawDepths",), "mixed": ("rawDepths", "depths")}[depth]
        self.label_set = LabelSet.load({40: "nyu40", 37: "sunrgbd37", 13: "sunrgbd13"}[classes])
        self._table = _class_table(root / CLASSES_FILE, classes)
        with self._open() as file:
            for name in ("images", "labels", *self._depths):
                if name not in file or file[name].shape[-2:] != (_WIDTH, _HEIGHT):
                    raise ConfigurationError(f"{self._path} has no pictures {name!r} of {_WIDTH}x{_HEIGHT}")
            self._count = int(file["labels"].shape[0])
            self.rooms = _names(file, "scenes", self._count)

    def _open(self) -> h5py.File:
        try:
            return h5py.File(self._path, "r")
        except OSError as error:
            raise ConfigurationError(f"{self._path} cannot be read as HDF5 (MATLAB 7.3): {error}") from None

    def __len__(self) -> int:
        return self._count

    def __getstate__(self) -> dict[str, Any]:
        """Without the open file, which each process opens for itself."""
        return self.__dict__ | {"_file": None}

    def read(self, index: int) -> Sample:
        """One frame of 624x464: colour, depth in metres, labels."""
        return self._read(index, self._depths[0])

    def draw(self, index: int, seed: int) -> Sample:
        """One frame with one of its kinds of depth."""
        return self._read(index, self._depths[np.random.default_rng((seed, 2)).integers(len(self._depths))])

    def _read(self, index: int, depth: str) -> Sample:
        if self._file is None:
            self._file = self._open()
        # MATLAB writes columns first: every picture lies transposed.
        color = np.ascontiguousarray(self._file["images"][index].transpose(2, 1, 0)[_ROWS, _COLUMNS])
        depth_m = np.ascontiguousarray(self._file[depth][index].T[_ROWS, _COLUMNS], np.float32)
        names = self._file["labels"][index].T[_ROWS, _COLUMNS]
        depth_m[~np.isfinite(depth_m) | (depth_m < 0)] = 0
        if int(names.max(initial=0)) >= len(self._table):
            raise ConfigurationError(f"{self._path}: frame {index + 1} holds label {names.max()}, which has no class")
        return Sample(color, depth_m, np.ascontiguousarray(self._table[names]), f"{index + 1:04d}", "kv1")


def official_split(path: Path, count: int) -> tuple[list[int], list[int]]:
    """Places (from 0) of the training and the test frames.

    Args:
        path: `splits.mat`.
        count: How many frames there are.

    Raises:
        ConfigurationError: It is missing, names frames that do not exist, or one in both parts.
    """
    try:
        content = _content(path)
        train, test = (sorted(int(n) - 1 for n in content[key].ravel()) for key in ("trainNdxs", "testNdxs"))
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise ConfigurationError(f"{path} is not the list of the official split: {error!r}") from None
    if set(train) & set(test) or not train or min(train + test) < 0 or max(train + test) >= count:
        raise ConfigurationError(f"{path} does not fit the {count} frames: frames in both parts, or out of range")
    return train, test


def _content(path: Path) -> dict[str, Any]:
    try:
        return dict(scipy.io.loadmat(path))
    except MatReadError as error:  # No relative of the errors of files.
        raise ValueError(str(error)) from None


def _class_table(path: Path, classes: int) -> NDArray[np.uint8]:
    """Class id of each of the set's own label ids; (895,) uint8 or more, 0 = void."""
    try:
        to_40 = _content(path)["mapClass"].ravel()
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise ConfigurationError(f"{path} is not the mapping to 40 classes: {error!r}") from None
    if not len(to_40) or to_40.min() < 0 or to_40.max() > 40:
        raise ConfigurationError(f"{path} maps to other classes than 1..40")
    of_40 = np.zeros(41, np.uint8)
    if classes == 40:
        of_40[:] = np.arange(41)
    else:
        of_40[1:38] = np.arange(1, 38) if classes == 37 else SUN_37_TO_13
    return np.concatenate([np.zeros(1, np.uint8), of_40[to_40.astype(int)]])


def _names(file: h5py.File, key: str, count: int) -> list[str]:
    """Texts that MATLAB stores as references to arrays of characters; empty ones where there are none."""
    if key not in file:
        return [""] * count
    references = file[key][()].ravel()[:count]
    return ["".join(chr(c) for c in file[reference][()].ravel()[:200]) for reference in references]


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
