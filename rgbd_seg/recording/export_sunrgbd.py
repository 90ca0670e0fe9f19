"""Export as a tree like SUN RGB-D: `<camera>/<recording>/<frame>/` with image/, depth/, intrinsics.txt and label/.

Depth is stored as the data set stores it, millimetres rotated left by three bits. Only the raw depth is written: a
camera gives no other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rgbd_seg.recording.depth_unit import change_unit
from rgbd_seg.recording.export import ExportOptions, ExportSource, ExportTarget, labels_of
from rgbd_seg.recording.picture_files import write_color, write_gray, write_text
from rgbd_seg.recording.sidecar import SIDECAR, Sidecar
from rgbd_seg.recording.sunrgbd import encode_depth

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.frame import Segmentation
    from rgbd_seg.labels import LabelSet
    from rgbd_seg.recording.reader import StoredFrame

# Words in a sensor's name -> the data set's folder for that camera.
_CAMERAS = (
    ("realsense", "realsense"),
    ("xtion", "xtion"),
    ("primesense", "xtion"),
    ("kinect v2", "kv2"),
    ("kinect2", "kv2"),
    ("kinect", "kv1"),
)
_MILLIMETRE_M = 0.001


class SunrgbdTarget(ExportTarget):
    """A tree being written."""

    def __init__(self, path: Path, source: ExportSource, options: ExportOptions) -> None:
        super().__init__()
        self._root = path
        self._frames = path / _camera_folder(source.name) / _folder_name(source.name)
        self._suffix = options.color or "jpg"
        self._too_far = 0
        self._source = source
        self._label_set: LabelSet | None = None
        self._distorted = False
        path.mkdir(parents=True)

    def write(self, frame: StoredFrame, segmentation: Segmentation | None) -> None:
        """Appends a frame; see `ExportTarget.write`."""
        name = f"{frame.index:06d}"
        folder = self._frames / name
        depth, lost = change_unit(frame.depth, frame.calibration.depth_unit_m, _MILLIMETRE_M)
        self._too_far += lost
        write_color(folder / "image" / f"{name}.{self._suffix}", frame.color)
        write_gray(folder / "depth" / f"{name}.png", encode_depth(depth))
        k = frame.calibration.color
        self._distorted |= any(k.distortion)
        write_text(folder / "intrinsics.txt", f"{k.fx!r} 0 {k.cx!r}\n0 {k.fy!r} {k.cy!r}\n0 0 1\n")
        write_text(folder / "scene.txt", "unknown\n")
        truth = labels_of(frame, segmentation)
        if truth is not None:
            self._label_set = self._label_set or truth.label_set
            write_gray(folder / "label" / f"{name}.png", truth.labels)
            if truth.instances is not None:
                write_gray(folder / "label_instance" / f"{name}.png", truth.instances)

    def close(self) -> None:
        """Writes what the whole tree shares, and says what did not fit."""
        sidecar = Sidecar(label_set=self._label_set, name=self._source.name, details=self._source.details)
        write_text(self._root / SIDECAR, sidecar.to_json())
        if self._too_far:
            self.warnings.append(f"{self._too_far} depth pixels farther than 65.5 m became holes")
        if self._distorted:
            self.warnings.append("the lens distortion is not kept: intrinsics.txt has no place for it")


def open_target(path: Path, source: ExportSource, options: ExportOptions) -> ExportTarget:
    """Begins a tree."""
    return SunrgbdTarget(path, source, options)


def _camera_folder(name: str) -> str:
    return next((folder for word, folder in _CAMERAS if word in name.lower()), "other")


def _folder_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")[:60] or "recording"
