"""What a layout of other programs has no place for, in files beside it that they do not look at."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from rgbd_seg.calibration import Calibration
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.exports.formats import ExportSource
from rgbd_seg.recording.label_provenance import LabelProvenance
from rgbd_seg.recording.pictures.frame_list import CALIBRATION_FOLDER, FrameListWriter
from rgbd_seg.recording.pictures.saving import write_text
from rgbd_seg.recording.pictures.sidecar import SIDECAR, sidecar_of
from rgbd_seg.recording.reader import StoredFrame


class OwnNotes:
    """`frames.csv`, `calibration/` and `rgbd_seg.json` being written beside pictures.

    Attributes:
        calibration: Of the first frame, in the unit that is written; None before it.
    """

    def __init__(self, path: Path, source: ExportSource, unit_m: float | None = None) -> None:
        """Begins the list of frames in a folder that exists.

        Args:
            path: The folder.
            source: Where the frames come from.
            unit_m: Metres per count of the depth pictures; None for each frame's own.
        """
        self._path = path
        self._source = source
        self._unit_m = unit_m
        self._frames = FrameListWriter(path)
        self._start_ns = source.start_ns
        self.calibration: Calibration | None = None

    def add(self, name: str, frame: StoredFrame, labels: str) -> None:
        """Notes a frame: its number and clocks, who made its labels, and its camera where that is not the first's."""
        self._frames.add(name, frame, labels)
        own = frame.calibration
        if self._unit_m is not None:
            own = replace(own, depth_unit_m=self._unit_m)
        if self.calibration is None:
            self.calibration = own
            if self._start_ns is not None:  # A part of a recording begins later than the whole.
                self._start_ns += frame.time_us * 1000
        elif own != self.calibration:
            write_text(self._path / CALIBRATION_FOLDER / f"{name}.json", json.dumps(own.to_dict(), indent=2) + "\n")

    def close(self, label_set: LabelSet | None = None, labels: LabelProvenance | None = None) -> None:
        """Writes the sidecar; the label set and who made the labels where the layout has no file for them."""
        self._frames.close()
        if self.calibration is None:
            return
        sidecar = replace(
            sidecar_of(self.calibration),
            fps=self._source.fps,
            start_ns=self._start_ns,
            name=self._source.name,
            details=self._source.details,
            label_set=label_set,
        )
        write_text(self._path / SIDECAR, (replace(sidecar, labels=labels) if labels else sidecar).to_json())
