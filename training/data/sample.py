"""One labelled RGB-D picture on its way from disk into the network, and what every data set of them offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import ConfigurationError
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.inference.resize import resize_color, resize_nearest
from rgbd_seg.labels import LabelSet

Size = tuple[int, int]
_DEPTH_UNIT_M = 0.001


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A labelled picture.

    Attributes:
        color: (H, W, 3) uint8 RGB.
        depth_m: (H, W) float32 metres on colour's grid, 0 = hole.
        label: (H, W) uint8 ids of the data set's label set, 0 = void.
        name: Which one it is, for messages.
        sensor: The camera it came from ("kv1", "xtion", "synthetic", ...), for scores by sensor.
    """

    color: NDArray[np.uint8]
    depth_m: NDArray[np.float32]
    label: NDArray[np.uint8]
    name: str
    sensor: str

    def __post_init__(self) -> None:
        size = self.color.shape[:2]
        for what, array in (("depth", self.depth_m), ("label", self.label)):
            if array.shape != size:
                raise ConfigurationError(
                    f"{self.name}: the {what} picture is {array.shape[0]}x{array.shape[1]}, "
                    f"but the colour picture is {size[0]}x{size[1]} (height x width); they must be equal"
                )

    def as_frame(self, index: int = 0) -> RgbdFrame:
        """The same as a camera would deliver it, depth in millimetres; where the lens is nobody knows."""
        height, width = self.label.shape
        counts = np.round(np.minimum(self.depth_m / _DEPTH_UNIT_M, 65535)).astype(np.uint16)
        lens = Intrinsics(width, height, float(width), float(width), width / 2, height / 2)
        return RgbdFrame(self.color, counts, Calibration(lens, _DEPTH_UNIT_M), index, host_ns=0)


class LabelledPictures(ABC):
    """Labelled pictures at random, decoded when asked for."""

    label_set: LabelSet

    @abstractmethod
    def __len__(self) -> int:
        """How many pictures there are."""

    @abstractmethod
    def read(self, index: int) -> Sample:
        """Decodes one picture.

        Raises:
            ConfigurationError: Its files do not fit together or hold labels outside the label set.
            OSError: A file cannot be read.
        """

    def read_label(self, index: int) -> NDArray[np.uint8]:
        """The labels of one picture alone: (H, W) uint8; sets that can leave the rest undecoded do."""
        return self.read(index).label

    def draw(self, index: int, seed: int) -> Sample:
        """Decodes one picture for training; sets that hold several versions of it choose one by `seed`."""
        return self.read(index)

    def weight(self, index: int) -> float:
        """How much one picture counts in the loss; 1 is usual."""
        return 1.0

    def name(self, index: int) -> str:
        """What one picture is called in its folder, without suffix; "" in sets whose pictures are found otherwise."""
        return ""


class Subset(LabelledPictures):
    """Some of the pictures of another set, in the order given."""

    def __init__(self, pictures: LabelledPictures, indices: Sequence[int]) -> None:
        self._pictures = pictures
        self._indices = tuple(indices)
        self.label_set = pictures.label_set

    def __len__(self) -> int:
        return len(self._indices)

    def read(self, index: int) -> Sample:
        """Decodes one picture of the subset."""
        return self._pictures.read(self._indices[index])

    def read_label(self, index: int) -> NDArray[np.uint8]:
        """The labels of one picture of the subset."""
        return self._pictures.read_label(self._indices[index])

    def draw(self, index: int, seed: int) -> Sample:
        """Decodes one picture of the subset for training."""
        return self._pictures.draw(self._indices[index], seed)

    def weight(self, index: int) -> float:
        """How much one picture of the subset counts."""
        return self._pictures.weight(self._indices[index])

    def name(self, index: int) -> str:
        """What one picture of the subset is called."""
        return self._pictures.name(self._indices[index])


class Remapped(LabelledPictures):
    """The same pictures with their label ids translated by a table, into fewer classes for instance."""

    def __init__(self, pictures: LabelledPictures, label_set: LabelSet, table: NDArray[np.uint8]) -> None:
        """Wraps `pictures`.

        Args:
            pictures: The set to translate.
            label_set: What the new ids mean.
            table: (256,) uint8, new id by old id; 0 makes a class void.
        """
        self._pictures = pictures
        self._table = table
        self.label_set = label_set

    def __len__(self) -> int:
        return len(self._pictures)

    def read(self, index: int) -> Sample:
        """Decodes one picture and translates its labels."""
        return self._translated(self._pictures.read(index))

    def read_label(self, index: int) -> NDArray[np.uint8]:
        """The labels of one picture, translated."""
        return self._table[self._pictures.read_label(index)]

    def draw(self, index: int, seed: int) -> Sample:
        """Decodes one picture for training and translates its labels."""
        return self._translated(self._pictures.draw(index, seed))

    def weight(self, index: int) -> float:
        """How much one picture counts."""
        return self._pictures.weight(index)

    def name(self, index: int) -> str:
        """What one picture is called."""
        return self._pictures.name(index)

    def _translated(self, sample: Sample) -> Sample:
        return Sample(sample.color, sample.depth_m, self._table[sample.label], sample.name, sample.sensor)


def resize(sample: Sample, size: Size) -> Sample:
    """The sample on another grid, by the same rules as the deployed graph: depth and labels from the nearest pixel.

    Nearest never mixes depths across an edge or a hole, nor labels across classes.

    Args:
        sample: Any size.
        size: (height, width) wanted.
    """
    if sample.label.shape == size:
        return sample
    return Sample(
        resize_color(sample.color, size),
        resize_nearest(sample.depth_m, size),
        resize_nearest(sample.label, size),
        sample.name,
        sample.sensor,
    )
