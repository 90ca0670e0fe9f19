"""Folders of numbered pictures as other programs read them: what the layouts of Open3D and ScanNet have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rgbd_seg.recording.exports.formats import ExportOptions, ExportTarget
from rgbd_seg.recording.layouts.labelled_folder import LABELS_FILE, label_file_text
from rgbd_seg.recording.pictures.depth_unit import change_unit
from rgbd_seg.recording.pictures.saving import write_color, write_gray, write_text

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.calibration import Calibration
    from rgbd_seg.frame import Segmentation
    from rgbd_seg.recording.reader import StoredFrame

#: Metres per count that both take for granted.
UNIT_M = 0.001


class NumberedTarget(ExportTarget):
    """`color/`, `depth/` in millimetres and `label/`, numbered from 0 without gaps; a layout adds its calibration."""

    def __init__(self, path: Path, options: ExportOptions, digits: int) -> None:
        super().__init__()
        self._path = path
        self._suffix = options.color or "jpg"
        self._digits = digits
        self._frames = 0
        self._lost = 0
        self.calibration: Calibration | None = None
        path.mkdir(parents=True)

    def write(self, frame: StoredFrame, segmentation: Segmentation | None) -> None:
        """Appends a frame; see `ExportTarget.write`."""
        first = self.calibration = self.calibration or frame.calibration
        if frame.calibration.color != first.color:
            self._warn("frames of another camera than the first are written, but its calibration is not")
        if not frame.calibration.registered:
            self._warn("depth is not registered to colour, which this layout takes for granted")
        name = f"{self._frames:0{self._digits}d}"
        self._frames += 1
        depth, lost = change_unit(frame.depth, frame.calibration.depth_unit_m, UNIT_M)
        self._lost += lost
        if frame.calibration.depth_unit_m < UNIT_M:
            self._warn("depth is rounded to millimetres")
        write_color(self._path / "color" / f"{name}.{self._suffix}", frame.color)
        write_gray(self._path / "depth" / f"{name}.png", depth)
        labels = self.labels_of(frame, segmentation)
        if labels is not None:
            write_gray(self._path / "label" / f"{name}.png", labels.labels)

    def close(self) -> None:
        """Says what the labels mean and who made them, and what was lost."""
        if self.label_set is not None:
            write_text(self._path / LABELS_FILE, label_file_text(self.label_set, self.counter.provenance))
        if self._lost:
            self.warnings.append(f"{self._lost} depth pixels farther than 65.5 m became holes")
        if self.calibration is not None and self.calibration.color.distortion:
            self.warnings.append("the lens distortion is not kept: this layout has no place for it")

    def _warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)
