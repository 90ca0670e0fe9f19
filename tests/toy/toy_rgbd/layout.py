"""Reads `.toy` files: all frames in one archive of arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.recording.reader import RecordingInfo, RecordingReader, StoredFrame

if TYPE_CHECKING:
    from pathlib import Path


class ToyReader(RecordingReader):
    def __init__(self, path: Path) -> None:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            self._color, self._depth, self._numbers = arrays["color"], arrays["depth"], arrays["numbers"]
        self._info = RecordingInfo(path, "toy", path.stem)
        self._times_us = (self._numbers - self._numbers[0]) * 33_333

    def decode(self, position: int) -> StoredFrame:
        height, width = self._depth.shape[1:]
        calibration = Calibration(Intrinsics(width, height, 60.0, 60.0, width / 2, height / 2))
        time_us = int(self.times_us[position])
        number = int(self._numbers[position])
        return StoredFrame(self._color[position].copy(), self._depth[position].copy(), calibration, number, time_us)


def matches(path: Path) -> bool:
    return path.suffix == ".toy" and path.is_file()


def open_reader(path: Path, **options: str) -> RecordingReader:
    return ToyReader(path)
