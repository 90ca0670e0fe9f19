"""Export for annotation tools in the layout of Pascal VOC: indexed label PNGs and a list of labels.

CVAT ("Segmentation mask"), Datumaro and others import it: `JPEGImages/`, `SegmentationClass/`, `labelmap.txt`,
`ImageSets/Segmentation/default.txt`. Depth goes along in `depth/`, with our notes on it; they ignore both.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rgbd_seg.frame import Segmentation
from rgbd_seg.recording.exports.formats import ExportOptions, ExportSource, ExportTarget
from rgbd_seg.recording.exports.own_notes import OwnNotes
from rgbd_seg.recording.pictures.saving import write_color, write_gray, write_indexed, write_text
from rgbd_seg.recording.reader import StoredFrame


class VocTarget(ExportTarget):
    """A folder being written."""

    def __init__(self, path: Path, source: ExportSource, options: ExportOptions) -> None:
        super().__init__()
        self._path = path
        self._suffix = options.color or "jpg"
        self._names: list[str] = []
        path.mkdir(parents=True)
        self._notes = OwnNotes(path, source)

    def write(self, frame: StoredFrame, segmentation: Segmentation | None) -> None:
        """Appends a frame; see `ExportTarget.write`."""
        name = self.name_of(frame)
        write_color(self._path / "JPEGImages" / f"{name}.{self._suffix}", frame.color)
        write_gray(self._path / "depth" / f"{name}.png", frame.depth)
        labels = self.labels_of(frame, segmentation)
        ids = np.zeros(frame.depth.shape, np.uint8) if labels is None else labels.labels
        palette = self.label_set.palette() if self.label_set else np.zeros((256, 3), np.uint8)
        write_indexed(self._path / "SegmentationClass" / f"{name}.png", ids, palette)
        self._notes.add(name, frame, self.mark)
        self._names.append(name)

    def close(self) -> None:
        self._notes.close(self.label_set, self.counter.provenance)
        classes = self.label_set.classes if self.label_set else ()
        rows = [("background", (0, 0, 0)), *((one.name, one.color) for one in classes)]
        lines = [f"{_plain(name)}:{color[0]},{color[1]},{color[2]}::" for name, color in rows]
        write_text(self._path / "labelmap.txt", "\n".join(["# label:color_rgb:parts:actions", *lines]) + "\n")
        write_text(self._path / "ImageSets" / "Segmentation" / "default.txt", "".join(f"{n}\n" for n in self._names))


def open_target(path: Path, source: ExportSource, options: ExportOptions) -> ExportTarget:
    return VocTarget(path, source, options)


def _plain(name: str) -> str:
    """A class name without the characters that separate fields in labelmap.txt."""
    return name.replace(":", " ").replace("\n", " ")
