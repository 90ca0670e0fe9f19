"""Export to plain pictures: `image/`, `depth/`, `label/` by equal names, which loses nothing and is a data set too.

`frames.csv` keeps index and clocks, `rgbd_seg.json` keeps unit and intrinsics, `labels.json` what the ids mean and who
made them, and `calibration/` the frames whose camera differs from the first.
"""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from rgbd_seg.recording.exports.formats import ExportOptions, ExportSource, ExportTarget
from rgbd_seg.recording.layouts.folder import CALIBRATION_FOLDER, FRAMES_FILE
from rgbd_seg.recording.layouts.labelled_folder import LABELS_FILE, label_file_text
from rgbd_seg.recording.pictures.saving import write_color, write_gray, write_text
from rgbd_seg.recording.pictures.sidecar import SIDECAR, sidecar_of

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.calibration import Calibration
    from rgbd_seg.frame import Segmentation
    from rgbd_seg.recording.reader import StoredFrame


class FolderTarget(ExportTarget):
    """A folder being written."""

    def __init__(self, path: Path, source: ExportSource, options: ExportOptions) -> None:
        super().__init__()
        self._path = path
        self._source = source
        self._suffix = options.color or "png"
        self._calibration: Calibration | None = None
        path.mkdir(parents=True)
        self._file = (path / FRAMES_FILE).open("w", newline="", encoding="utf-8")
        self._frames = csv.writer(self._file, lineterminator="\n")
        self._frames.writerow(("name", "index", "time_us", "device_us", "labels"))

    def write(self, frame: StoredFrame, segmentation: Segmentation | None) -> None:
        """Appends a frame; see `ExportTarget.write`."""
        name = f"{frame.index:06d}"
        if self._calibration is None:
            self._calibration = frame.calibration
            self._write_sidecar(frame.calibration)
        elif frame.calibration != self._calibration:
            text = json.dumps(frame.calibration.to_dict(), indent=2) + "\n"
            write_text(self._path / CALIBRATION_FOLDER / f"{name}.json", text)
        write_color(self._path / "image" / f"{name}.{self._suffix}", frame.color)
        write_gray(self._path / "depth" / f"{name}.png", frame.depth)
        labels = self.labels_of(frame, segmentation)
        if labels is not None:
            write_gray(self._path / "label" / f"{name}.png", labels.labels)
            if labels.instances is not None:
                write_gray(self._path / "label_instance" / f"{name}.png", labels.instances)
        device_us = "" if frame.device_us is None else frame.device_us
        self._frames.writerow((name, frame.index, frame.time_us, device_us, self.mark))

    def close(self) -> None:
        """Finishes the list of frames, and says what the labels mean and who made them."""
        self._file.close()
        if self.label_set is not None:
            write_text(self._path / LABELS_FILE, label_file_text(self.label_set, self.counter.provenance))

    def _write_sidecar(self, calibration: Calibration) -> None:
        sidecar = replace(
            sidecar_of(calibration),
            invalid_depth=0,
            fps=self._source.fps,
            name=self._source.name,
            details=self._source.details,
        )
        write_text(self._path / SIDECAR, sidecar.to_json())


def open_target(path: Path, source: ExportSource, options: ExportOptions) -> ExportTarget:
    return FolderTarget(path, source, options)
