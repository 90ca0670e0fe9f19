"""Writes `.toy` files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.recording.exports.formats import ExportOptions, ExportSource, ExportTarget

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.frame import Segmentation
    from rgbd_seg.recording.reader import StoredFrame

SUFFIX = ".toy"
SUMMARY = "all frames in one archive of arrays"
REOPENS = True


class ToyTarget(ExportTarget):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._frames: list[StoredFrame] = []

    def write(self, frame: StoredFrame, segmentation: Segmentation | None) -> None:
        self._frames.append(frame)

    def close(self) -> None:
        if not self._frames:
            return
        with self._path.open("wb") as file:
            np.savez(
                file,
                color=np.stack([frame.color for frame in self._frames]),
                depth=np.stack([frame.depth for frame in self._frames]),
                numbers=np.array([frame.index for frame in self._frames]),
            )


def open_target(path: Path, source: ExportSource, options: ExportOptions) -> ExportTarget:
    return ToyTarget(path)
