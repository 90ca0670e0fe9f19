"""Export for annotation tools in the layout of Pascal VOC: indexed label PNGs and a list of labels.

CVAT ("Segmentation mask"), Datumaro and others import it: `JPEGImages/`, `SegmentationClass/`, `labelmap.txt`,
`ImageSets/Segmentation/default.txt`. Depth goes along in `depth/`, with our notes on it; they ignore both.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rgbd_seg.frame import Segmentation
from rgbd_seg.recording.exports.folder import FolderTarget
from rgbd_seg.recording.exports.formats import ExportOptions, ExportSource
from rgbd_seg.recording.pictures.saving import write_indexed, write_text
from rgbd_seg.recording.reader import StoredFrame


class VocTarget(FolderTarget):
    """A folder being written."""

    def __init__(self, path: Path, source: ExportSource, options: ExportOptions) -> None:
        super().__init__(path, source, options, "jpg")
        self._names: list[str] = []

    def write(self, frame: StoredFrame, segmentation: Segmentation | None) -> None:
        name = self.name_of(frame)
        labels = self.put(frame, segmentation, "JPEGImages", name=name, labelled=False)
        ids = np.zeros(frame.depth.shape, np.uint8) if labels is None else labels.labels
        palette = self.label_set.palette() if self.label_set else np.zeros((256, 3), np.uint8)
        write_indexed(self.path / "SegmentationClass" / f"{name}.png", ids, palette)
        self._names.append(name)

    def close(self) -> None:
        super().close()
        classes = self.label_set.classes if self.label_set else ()
        rows = [("background", (0, 0, 0)), *((one.name, one.color) for one in classes)]
        lines = [f"{_plain(name)}:{color[0]},{color[1]},{color[2]}::" for name, color in rows]
        write_text(self.path / "labelmap.txt", "\n".join(["# label:color_rgb:parts:actions", *lines]) + "\n")
        write_text(self.path / "ImageSets" / "Segmentation" / "default.txt", "".join(f"{n}\n" for n in self._names))


open_target = VocTarget


def _plain(name: str) -> str:
    """A class name without the characters that separate fields in labelmap.txt."""
    return name.replace(":", " ").replace("\n", " ")
