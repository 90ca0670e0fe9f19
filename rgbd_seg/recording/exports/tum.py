"""Export in the layout of the TUM RGB-D benchmark: pictures named by time, and lists of them.

Depth becomes counts of 1/5000 m, which the benchmark's tools expect. Millimetres turn into them exactly; what is
farther than 13.1 m does not fit and becomes a hole.
"""

from __future__ import annotations

from pathlib import Path

from rgbd_seg.frame import Segmentation
from rgbd_seg.recording.exports.folder import FolderTarget
from rgbd_seg.recording.exports.formats import ExportOptions, ExportSource
from rgbd_seg.recording.layouts.tum import TUM_DEPTH_UNIT_M
from rgbd_seg.recording.pictures.frame_list import FRAMES_FILE
from rgbd_seg.recording.pictures.sidecar import SIDECAR
from rgbd_seg.recording.reader import StoredFrame


class TumTarget(FolderTarget):
    """A folder being written."""

    def __init__(self, path: Path, source: ExportSource, options: ExportOptions) -> None:
        super().__init__(path, source, options, "png", TUM_DEPTH_UNIT_M)
        self._last_us = -1
        self._lists = {kind: (path / f"{kind}.txt").open("w", encoding="utf-8") for kind in ("rgb", "depth")}
        for kind, file in self._lists.items():
            file.write(f"# {'color images' if kind == 'rgb' else 'depth maps'}\n# timestamp filename\n")

    def write(self, frame: StoredFrame, segmentation: Segmentation | None) -> None:
        time_us = frame.time_us + (self.source.start_ns or 0) // 1000
        if time_us <= self._last_us:
            self.warn(f"frames of one and the same time are a microsecond apart; {FRAMES_FILE} has their own")
            time_us = self._last_us + 1
        self._last_us = time_us
        name = f"{time_us // 1_000_000}.{time_us % 1_000_000:06d}"
        self.put(frame, segmentation, "rgb", name=name)
        self._lists["rgb"].write(f"{name} rgb/{name}.{self.suffix}\n")
        self._lists["depth"].write(f"{name} depth/{name}.png\n")
        self.warn_of_camera(frame.calibration, SIDECAR)

    def close(self) -> None:
        for file in self._lists.values():
            file.close()
        super().close()


open_target = TumTarget
