"""Where the frames that are labelled come from: a recording at random, or moments of a camera that stand still."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from rgbd_seg.frame import RgbdFrame
from rgbd_seg.labelling.data_set import DataSet, frame_name
from rgbd_seg.recording.layouts.partners import natural_key
from rgbd_seg.recording.reader import RecordingReader

#: So many frames are offered at most; in a longer recording every second, third, ... one is.
MOST_OFFERED = 240


class Frames(ABC):
    """Frames by position, 0..len-1. Read from one thread.

    Attributes:
        names: For each position what the frame's pictures are called in the data set.
        stride: Every so many positions one is offered for labelling.
    """

    names: list[str]
    stride: int = 1

    def __len__(self) -> int:
        return len(self.names)

    @property
    def offered(self) -> range:
        """The positions that are offered for labelling."""
        return range(0, len(self), self.stride)

    @abstractmethod
    def read(self, position: int) -> RgbdFrame:
        """One frame.

        Raises:
            RecordingError: It is damaged.
        """

    def close(self) -> None:
        """Closes the files that it has opened; closing twice does nothing."""


class RecordedFrames(Frames):
    """The frames of a recording."""

    def __init__(self, reader: RecordingReader, data_set: DataSet) -> None:
        """Takes the recording over, and closes it in the end."""
        self._reader, path = reader, reader.info.path
        count = len(self._reader)
        self.stride = -(-count // MOST_OFFERED)
        own = sorted(_pictures(path), key=natural_key) if data_set.root == path else []
        # A folder that is its own data set has names of its own, which need not be numbers.
        self.names = own if len(own) == count else [frame_name(position) for position in range(count)]

    def read(self, position: int) -> RgbdFrame:
        return self._reader.read(position).as_captured()

    def close(self) -> None:
        self._reader.close()


class FrozenFrames(Frames):
    """Moments of a camera, in the order in which they were frozen."""

    def __init__(self) -> None:
        self.names = []
        self._frames: list[RgbdFrame] = []

    def add(self, frame: RgbdFrame, name: str) -> int:
        """Takes another moment; returns its position."""
        self._frames.append(frame)
        self.names.append(name)
        return len(self.names) - 1

    def read(self, position: int) -> RgbdFrame:
        return self._frames[position]


def _pictures(folder: Path) -> list[str]:
    with_depth = {path.stem for path in (folder / "depth").iterdir()}
    return [path.stem for path in (folder / "image").iterdir() if path.stem in with_depth]
