"""What exports to folders of pictures have in common: colour, depth and labels by equal names, and our notes."""

from __future__ import annotations

from pathlib import Path

from rgbd_seg.frame import Segmentation
from rgbd_seg.recording.exports.formats import ExportOptions, ExportSource, ExportTarget
from rgbd_seg.recording.exports.own_notes import OwnNotes
from rgbd_seg.recording.layouts.labelled_folder import LABELS_FILE, label_file_text
from rgbd_seg.recording.pictures.saving import write_color, write_gray, write_text
from rgbd_seg.recording.pictures.sidecar import SIDECAR
from rgbd_seg.recording.reader import StoredFrame

#: Metres per count that Open3D and ScanNet take for granted.
MILLIMETRE = 0.001


class PictureTarget(ExportTarget):
    """A folder of `<colours>/`, `depth/`, `label/` and `label_instance/` being written.

    Attributes:
        path: The folder.
        source: Where the frames come from.
        notes: What stands in our own files beside the pictures.
    """

    def __init__(self, path: Path, source: ExportSource, colors: str, suffix: str, unit_m: float | None = None) -> None:
        """Begins a folder.

        Args:
            path: Where.
            source: Where the frames come from.
            colors: Name of the folder of colour pictures.
            suffix: Of the colour pictures: "png" or "jpg".
            unit_m: Metres per count of the depth pictures; None for each frame's own.
        """
        super().__init__()
        path.mkdir(parents=True)
        self.path = path
        self.source = source
        self.notes = OwnNotes(path, source, unit_m)
        self._colors = colors
        self._suffix = suffix
        self._unit_m = unit_m

    def write(self, frame: StoredFrame, segmentation: Segmentation | None) -> None:
        """Appends a frame; see `ExportTarget.write`."""
        name = self.name_of(frame)
        depth = frame.depth if self._unit_m is None else self.depth_in(frame, self._unit_m)
        write_color(self.path / self._colors / f"{name}.{self._suffix}", frame.color)
        write_gray(self.path / "depth" / f"{name}.png", depth)
        labels = self.labels_of(frame, segmentation)
        if labels is not None:
            write_gray(self.path / "label" / f"{name}.png", labels.labels)
            if labels.instances is not None:
                write_gray(self.path / "label_instance" / f"{name}.png", labels.instances)
        self.notes.add(name, frame, self.mark)

    def close(self) -> None:
        """Finishes our notes, and says what the labels mean and who made them."""
        self.notes.close()
        if self.label_set is not None:
            write_text(self.path / LABELS_FILE, label_file_text(self.label_set, self.counter.provenance))


class NumberedTarget(PictureTarget):
    """`color/` and `depth/` in millimetres, numbered from 0 without gaps, as Open3D and ScanNet have them."""

    def __init__(self, path: Path, source: ExportSource, options: ExportOptions, digits: int) -> None:
        super().__init__(path, source, "color", options.color or "jpg", MILLIMETRE)
        self._digits = digits
        self._written = 0

    def name_of(self, frame: StoredFrame) -> str:
        """How many frames were before."""
        del frame
        self._written += 1
        return f"{self._written - 1:0{self._digits}d}"

    def write(self, frame: StoredFrame, segmentation: Segmentation | None) -> None:
        """Appends a frame; see `ExportTarget.write`."""
        super().write(frame, segmentation)
        first = self.notes.calibration
        if first is not None and frame.calibration.color != first.color:
            self.warn("the cameras of later frames stand in calibration/ only: other programs take the first for all")
        self.warn_of_camera(frame.calibration, SIDECAR)
