"""Export in the layout of the TUM RGB-D benchmark: pictures named by time, and lists of them.

Depth becomes counts of 1/5000 m, which the benchmark's tools expect. Millimetres turn into them exactly; what is
farther than 13.1 m does not fit and becomes a hole.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rgbd_seg.recording.exports.formats import ExportOptions, ExportSource, ExportTarget
from rgbd_seg.recording.layouts.tum import TUM_DEPTH_UNIT_M
from rgbd_seg.recording.pictures.depth_unit import change_unit
from rgbd_seg.recording.pictures.saving import write_color, write_gray, write_text
from rgbd_seg.recording.pictures.sidecar import SIDECAR, sidecar_of

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.calibration import Calibration
    from rgbd_seg.frame import Segmentation
    from rgbd_seg.recording.reader import StoredFrame


class TumTarget(ExportTarget):
    """A folder being written."""

    def __init__(self, path: Path, source: ExportSource, options: ExportOptions) -> None:
        super().__init__()
        self._path = path
        self._source = source
        self._suffix = options.color or "png"
        self._calibration: Calibration | None = None
        self._too_far = 0
        self._used: set[str] = set()
        path.mkdir(parents=True)
        self._lists = {kind: (path / f"{kind}.txt").open("w", encoding="utf-8") for kind in ("rgb", "depth")}
        for kind, file in self._lists.items():
            file.write(f"# {'color images' if kind == 'rgb' else 'depth maps'}\n# timestamp filename\n")

    def write(self, frame: StoredFrame, segmentation: Segmentation | None) -> None:
        """Appends a frame; see `ExportTarget.write`."""
        self._calibration = self._calibration or frame.calibration
        time_us = frame.time_us + (self._source.start_ns or 0) // 1000
        name = f"{time_us // 1_000_000}.{time_us % 1_000_000:06d}"
        if name in self._used:
            self.warnings.append(f"frame {frame.index} has the same time as the one before and is left out")
            return
        self._used = {name}  # Times never decrease: only the last one can come again.
        depth, lost = change_unit(frame.depth, frame.calibration.depth_unit_m, TUM_DEPTH_UNIT_M)
        self._too_far += lost
        write_color(self._path / "rgb" / f"{name}.{self._suffix}", frame.color)
        write_gray(self._path / "depth" / f"{name}.png", depth)
        self._lists["rgb"].write(f"{name} rgb/{name}.{self._suffix}\n")
        self._lists["depth"].write(f"{name} depth/{name}.png\n")
        labels = self.labels_of(frame, segmentation)
        if labels is not None:
            write_gray(self._path / "label" / f"{name}.png", labels.labels)

    def close(self) -> None:
        for file in self._lists.values():
            file.close()
        if self._too_far:
            self.warnings.append(f"{self._too_far} depth pixels farther than 13.1 m became holes")
        if self._calibration is not None:
            sidecar = replace(
                sidecar_of(self._calibration),
                depth_unit_m=TUM_DEPTH_UNIT_M,
                label_set=self.label_set,
                labels=self.counter.provenance,
                name=self._source.name,
                details=self._source.details,
            )
            write_text(self._path / SIDECAR, sidecar.to_json())


def open_target(path: Path, source: ExportSource, options: ExportOptions) -> ExportTarget:
    return TumTarget(path, source, options)
