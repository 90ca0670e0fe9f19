"""SUN RGB-D for training: the tree that `prepare` made, with the official split."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.layouts.sunrgbd import decode_depth
from training.data.classes import sun_13
from training.data.data_module import RgbdData, Split
from training.data.holdout import cut_fold
from training.data.pictures import color_of, depth_of, labels_of
from training.data.sample import LabelledPictures, Remapped, Sample

INDEX_FILE = "index.json"
_FORMAT = 1
DepthKind = Literal["raw", "refined", "mixed"]
_FILES_OF: dict[DepthKind, tuple[str, ...]] = {
    "raw": ("depth_raw",),
    "refined": ("depth_refined",),
    "mixed": ("depth_raw", "depth_refined"),
}


@dataclass(frozen=True, slots=True)
class FrameEntry:
    """One frame in the index of a prepared tree.

    Attributes:
        name: Its folder below SUNRGBD, such as "kv1/NYUdata/NYU0001".
        sensor: "kv1", "kv2", "realsense" or "xtion".
        collection: Such as "NYUdata".
        split: "train" or "test", as published; "none" for frames of no official split.
        scene: Kind of room, "" if unknown.
        height: Rows.
        width: Columns.
        color: Path of the colour picture, below the tree or absolute.
        depth_raw: Path of the raw depth, "" if there is none.
        depth_refined: Path of the refined depth, "" if there is none.
        label: Path of the label picture.
    """

    name: str
    sensor: str
    collection: str
    split: str
    scene: str
    height: int
    width: int
    color: str
    depth_raw: str
    depth_refined: str
    label: str


def write_index(root: Path, frames: Sequence[FrameEntry]) -> None:
    """Writes the index of a prepared tree, at once or not at all."""
    partial = root / (INDEX_FILE + ".part")
    partial.write_text(
        json.dumps({"format": _FORMAT, "frames": [asdict(f) for f in frames]}, indent=0), encoding="utf-8"
    )
    partial.replace(root / INDEX_FILE)


def read_index(root: Path) -> list[FrameEntry]:
    """The frames of a prepared tree.

    Raises:
        ConfigurationError: There is no index, or it cannot be used.
    """
    path = root / INDEX_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != _FORMAT:
            raise ConfigurationError(f"{path} was written by another version of prepare: run prepare again")
        return [FrameEntry(**entry) for entry in document["frames"]]
    except FileNotFoundError:
        raise ConfigurationError(
            f"{root} is no prepared SUN RGB-D tree (it has no {INDEX_FILE}): make one with python -m training prepare"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"{path} cannot be used: {error!r}. Run prepare again") from None


class SunRgbdPictures(LabelledPictures):
    """Frames of a prepared tree, with the 37 classes."""

    def __init__(self, root: Path, frames: Sequence[FrameEntry], depth: DepthKind, max_m: float = 8.0) -> None:
        """Takes the frames to read.

        Args:
            root: The prepared tree.
            frames: From its index.
            depth: "raw" as a live camera gives it, "refined" with holes filled, or "mixed": either of them by chance
                in training, raw otherwise.
            max_m: Depth beyond this is taken as this (the toolbox clamps at 8 m).
        """
        self._root = root
        self._frames = tuple(frames)
        self._max_m = max_m
        self.label_set = LabelSet.load("sunrgbd37")
        self._kinds = _FILES_OF[depth]
        for frame in self._frames:
            lacking = [kind.removeprefix("depth_") for kind in self._kinds if not getattr(frame, kind)]
            if lacking:
                raise ConfigurationError(
                    f"{frame.name} in {root} has no {lacking[0]} depth: choose another kind with data.depth"
                )

    def __len__(self) -> int:
        return len(self._frames)

    def read_label(self, index: int) -> NDArray[np.uint8]:
        """Decodes the labels of one frame alone."""
        return labels_of(self._root / self._frames[index].label, self.label_set)

    def read(self, index: int) -> Sample:
        """Decodes one frame; stored depth words are decoded to metres."""
        return self._read(index, self._kinds[0])

    def draw(self, index: int, seed: int) -> Sample:
        """Decodes one frame with one of its kinds of depth."""
        return self._read(index, self._kinds[np.random.default_rng((seed, 2)).integers(len(self._kinds))])

    def _read(self, index: int, depth_kind: str) -> Sample:
        frame = self._frames[index]
        millimetres = decode_depth(depth_of(self._root / getattr(frame, depth_kind))).astype(np.float32)
        metres = np.minimum(millimetres * np.float32(0.001), np.float32(self._max_m))
        label = labels_of(self._root / frame.label, self.label_set)
        return Sample(color_of(self._root / frame.color), metres, label, frame.name, frame.sensor)


class SunRgbdData(RgbdData):
    """SUN RGB-D with its official split; validation is a fold cut from the training frames, never from the test."""

    def __init__(
        self,
        root: Path,
        depth: DepthKind = "raw",
        classes: Literal[37, 13] = 37,
        val_share: float = 0.1,
        **shared: Any,
    ) -> None:
        """Takes the settings.

        Args:
            root: The tree that `prepare` made.
            depth: "raw" as a live camera gives it, "refined" with holes filled, or "mixed": either of them by chance
                in training, raw where it is scored.
            classes: 37, or the 13 that are made of them.
            val_share: Share of the official training frames that is held out for validation.
            shared: What all data modules share: see `RgbdData`.
        """
        super().__init__(**shared)
        self._root = root
        self._kind: DepthKind = depth
        self._classes = classes
        self._share = val_share

    @property
    def depth_kind(self) -> str:
        return self._kind

    def open_split(self, split: Split) -> LabelledPictures:
        """The frames of a split."""
        official = "test" if split == "test" else "train"
        frames = [f for f in read_index(self._root) if f.split == official]
        if not frames:
            raise ConfigurationError(f"{self._root} holds no frames of the official {official} split")
        pictures: LabelledPictures = SunRgbdPictures(self._root, frames, self._kind)
        if split != "test":
            sequences = [frame.name.rpartition("/")[0] for frame in frames]
            pictures = cut_fold(pictures, sequences, self._share, self.fold_seed, fold=self.fold, part=split)
        if self._classes == 13:
            label_set, table = sun_13()
            pictures = Remapped(pictures, label_set, table)
        return pictures
