"""Export to plain pictures by equal names, which loses nothing and is a data set too; base of other folders' layouts.

`frames.csv` keeps index and clocks, `rgbd_seg.json` keeps unit and intrinsics, `labels.json` what the ids mean and who
made them, and `calibration/` the frames whose camera differs from the first.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.frame import Prediction, Segmentation, Truth
from rgbd_seg.recording.exports.formats import ExportOptions, ExportSource, ExportTarget
from rgbd_seg.recording.exports.own_notes import OwnNotes
from rgbd_seg.recording.layouts.labelled_folder import LABELS_FILE, label_file_text
from rgbd_seg.recording.pictures.saving import write_color, write_gray, write_text
from rgbd_seg.recording.pictures.sidecar import SIDECAR
from rgbd_seg.recording.reader import StoredFrame

#: Metres per count that SUN RGB-D, Open3D and ScanNet take for granted.
MILLIMETRE = 0.001


class FolderTarget(ExportTarget):
    """A folder of colour, depth and labels by equal names being written, with our notes beside them.

    Attributes:
        path: The folder.
        source: Where the frames come from.
        suffix: Of the colour pictures: "png" or "jpg".
        notes: What stands in our own files beside the pictures.
    """

    def __init__(
        self, path: Path, source: ExportSource, options: ExportOptions, suffix: str, unit_m: float | None = None
    ) -> None:
        """Begins a folder.

        Args:
            path: Where.
            source: Where the frames come from.
            options: What a user asked for.
            suffix: Of the colour pictures where nobody asked for one.
            unit_m: Metres per count of the depth pictures; None for each frame's own.
        """
        super().__init__()
        path.mkdir(parents=True)
        self.path, self.source, self.suffix = path, source, options.color or suffix
        self.notes = OwnNotes(path, source, unit_m)
        self._unit_m = unit_m

    def stored_depth(self, frame: StoredFrame) -> NDArray[np.uint16]:
        """(H, W) uint16, as it is written."""
        return frame.depth if self._unit_m is None else self.depth_in(frame, self._unit_m)

    def put(
        self,
        frame: StoredFrame,
        segmentation: Segmentation | None,
        colors: str,
        *,
        name: str = "",
        within: str = "",
        labelled: bool = True,
    ) -> Prediction | Truth | None:
        """Writes the pictures of a frame and notes it.

        Args:
            frame: The frame.
            segmentation: What the asked model saw in it.
            colors: Name of the folder of colour pictures.
            name: Of the files, without suffix; "" for the frame's number.
            within: Folder of this frame alone, below the whole; "" for none.
            labelled: Whether labels are written as they are: into `label/` and `label_instance/`.

        Returns:
            The labels to write, None for none.
        """
        name, folder = name or self.name_of(frame), self.path / within
        depth = self.stored_depth(frame)
        write_color(folder / colors / f"{name}.{self.suffix}", frame.color)
        write_gray(folder / "depth" / f"{name}.png", depth)
        labels = self.labels_of(frame, segmentation)
        if labels is not None and labelled:
            write_gray(folder / "label" / f"{name}.png", labels.labels)
            if labels.instances is not None:
                write_gray(folder / "label_instance" / f"{name}.png", labels.instances)
        self.notes.add(within or name, frame, self.mark)
        return labels

    def close(self) -> None:
        self.notes.close(self.label_set, self.counter.provenance)


class PictureTarget(FolderTarget):
    """`image/`, `depth/`, `label/` and `label_instance/`, and `labels.json` in place of a note on them."""

    colors = "image"

    def __init__(
        self, path: Path, source: ExportSource, options: ExportOptions, suffix: str = "png", unit_m: float | None = None
    ) -> None:
        super().__init__(path, source, options, suffix, unit_m)

    def write(self, frame: StoredFrame, segmentation: Segmentation | None) -> None:
        self.put(frame, segmentation, self.colors)

    def close(self) -> None:
        self.notes.close()
        if self.label_set is not None:
            write_text(self.path / LABELS_FILE, label_file_text(self.label_set, self.counter.provenance))


class NumberedTarget(PictureTarget):
    """`color/` and `depth/` in millimetres, numbered from 0 without gaps, as Open3D and ScanNet have them."""

    colors = "color"
    digits = 1

    def __init__(self, path: Path, source: ExportSource, options: ExportOptions) -> None:
        super().__init__(path, source, options, "jpg", MILLIMETRE)
        self._written = 0

    def name_of(self, frame: StoredFrame) -> str:
        """How many frames were before."""
        del frame
        self._written += 1
        return f"{self._written - 1:0{self.digits}d}"

    def write(self, frame: StoredFrame, segmentation: Segmentation | None) -> None:
        super().write(frame, segmentation)
        first = self.notes.calibration
        if first is not None and frame.calibration.color != first.color:
            self.warn("the cameras of later frames stand in calibration/ only: other programs take the first for all")
        self.warn_of_camera(frame.calibration, SIDECAR)


open_target = PictureTarget
