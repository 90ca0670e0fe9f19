"""Export as a tree like SUN RGB-D: `<camera>/<recording>/<frame>/` with image/, depth/, intrinsics.txt and label/.

Depth is stored as the data set stores it, millimetres rotated left by three bits. Only the raw depth is written: a
camera gives no other. Where every frame has truth of the 37 classes, `index.json` makes the tree one that our training
reads like a prepared SUN RGB-D, with all frames in the training split.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.frame import Segmentation
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.exports.folder import MILLIMETRE, FolderTarget
from rgbd_seg.recording.exports.formats import ExportOptions, ExportSource
from rgbd_seg.recording.layouts.sunrgbd import encode_depth
from rgbd_seg.recording.layouts.sunrgbd_names import LABEL_SET
from rgbd_seg.recording.pictures.saving import write_text
from rgbd_seg.recording.pictures.sidecar import SIDECAR
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


class SunrgbdTarget(FolderTarget):
    """A tree being written."""

    def __init__(self, path: Path, source: ExportSource, options: ExportOptions) -> None:
        super().__init__(path, source, options, "jpg", MILLIMETRE)
        self._collection = f"{_camera_folder(source.name)}/{_folder_name(source.name)}"
        self._index: list[dict[str, str | int]] = []
        self._unlabelled = 0

    def write(self, frame: StoredFrame, segmentation: Segmentation | None) -> None:
        name = self.name_of(frame)
        within = f"{self._collection}/{name}"
        folder, k = self.path / within, frame.calibration.color
        labels = self.put(frame, segmentation, "image", name=name, within=within)
        self._unlabelled += labels is None
        self.warn_of_camera(frame.calibration, SIDECAR)
        write_text(folder / "intrinsics.txt", f"{k.fx!r} 0 {k.cx!r}\n0 {k.fy!r} {k.cy!r}\n0 0 1\n")
        write_text(folder / "scene.txt", "unknown\n")
        self._index.append(self._index_entry(within, name, frame))

    def close(self) -> None:
        """Writes what the whole tree shares."""
        provenance = self.counter.provenance
        names = self.label_set.names if self.label_set else ()
        # Training takes such a tree for a prepared SUN RGB-D, whose labels people have drawn.
        if not self._unlabelled and not provenance.made_by and names == LabelSet.load(LABEL_SET).names:
            write_text(self.path / "index.json", json.dumps({"format": 1, "frames": self._index}, indent=0) + "\n")
        super().close()

    def stored_depth(self, frame: StoredFrame) -> NDArray[np.uint16]:
        return encode_depth(super().stored_depth(frame))

    def _index_entry(self, within: str, name: str, frame: StoredFrame) -> dict[str, str | int]:
        """What training wants to know of a frame before it reads one."""
        sensor, collection, _ = within.split("/")
        return {
            "name": within,
            "sensor": sensor,
            "collection": collection,
            "split": "train",
            "scene": "",
            "height": frame.depth.shape[0],
            "width": frame.depth.shape[1],
            "color": f"{within}/image/{name}.{self.suffix}",
            "depth_raw": f"{within}/depth/{name}.png",
            "depth_refined": "",
            "label": f"{within}/label/{name}.png",
        }


open_target = SunrgbdTarget


def _camera_folder(name: str) -> str:
    return next((folder for word, folder in _CAMERAS if word in name.lower()), "other")


def _folder_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")[:60] or "recording"
