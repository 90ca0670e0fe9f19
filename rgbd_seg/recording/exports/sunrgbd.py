"""Export as a tree like SUN RGB-D: `<camera>/<recording>/<frame>/` with image/, depth/, intrinsics.txt and label/.

Depth is stored as the data set stores it, millimetres rotated left by three bits. Only the raw depth is written: a
camera gives no other. Where every frame has truth of the 37 classes, `index.json` makes the tree one that our training
reads like a prepared SUN RGB-D, with all frames in the training split.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from rgbd_seg.frame import Segmentation
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.exports.formats import ExportOptions, ExportSource, ExportTarget
from rgbd_seg.recording.exports.own_notes import OwnNotes
from rgbd_seg.recording.layouts.sunrgbd import encode_depth
from rgbd_seg.recording.layouts.sunrgbd_names import LABEL_SET
from rgbd_seg.recording.pictures.saving import write_color, write_gray, write_text
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
_MILLIMETRE_M = 0.001


class SunrgbdTarget(ExportTarget):
    """A tree being written."""

    def __init__(self, path: Path, source: ExportSource, options: ExportOptions) -> None:
        super().__init__()
        self._root = path
        self._frames = path / _camera_folder(source.name) / _folder_name(source.name)
        self._suffix = options.color or "jpg"
        self._source = source
        self._index: list[dict[str, str | int]] = []
        self._unlabelled = 0
        path.mkdir(parents=True)
        self._notes = OwnNotes(path, source, _MILLIMETRE_M)

    def write(self, frame: StoredFrame, segmentation: Segmentation | None) -> None:
        """Appends a frame; see `ExportTarget.write`."""
        name = self.name_of(frame)
        folder = self._frames / name
        depth = self.depth_in(frame, _MILLIMETRE_M)
        write_color(folder / "image" / f"{name}.{self._suffix}", frame.color)
        write_gray(folder / "depth" / f"{name}.png", encode_depth(depth))
        k = frame.calibration.color
        self.warn_of_camera(frame.calibration, SIDECAR)
        write_text(folder / "intrinsics.txt", f"{k.fx!r} 0 {k.cx!r}\n0 {k.fy!r} {k.cy!r}\n0 0 1\n")
        write_text(folder / "scene.txt", "unknown\n")
        labels = self.labels_of(frame, segmentation)
        if labels is None:
            self._unlabelled += 1
        else:
            write_gray(folder / "label" / f"{name}.png", labels.labels)
            if labels.instances is not None:
                write_gray(folder / "label_instance" / f"{name}.png", labels.instances)
        self._index.append(self._index_entry(folder, name, frame))
        self._notes.add(folder.relative_to(self._root).as_posix(), frame, self.mark)

    def close(self) -> None:
        """Writes what the whole tree shares."""
        provenance = self.counter.provenance
        names = self.label_set.names if self.label_set else ()
        # Training takes such a tree for a prepared SUN RGB-D, whose labels people have drawn.
        if not self._unlabelled and not provenance.made_by and names == LabelSet.load(LABEL_SET).names:
            write_text(self._root / "index.json", json.dumps({"format": 1, "frames": self._index}, indent=0) + "\n")
        self._notes.close(self.label_set, provenance)

    def _index_entry(self, folder: Path, name: str, frame: StoredFrame) -> dict[str, str | int]:
        """What training wants to know of a frame before it reads one."""
        relative = folder.relative_to(self._root)
        return {
            "name": relative.as_posix(),
            "sensor": relative.parts[0],
            "collection": relative.parts[1],
            "split": "train",
            "scene": "",
            "height": frame.depth.shape[0],
            "width": frame.depth.shape[1],
            "color": (relative / "image" / f"{name}.{self._suffix}").as_posix(),
            "depth_raw": (relative / "depth" / f"{name}.png").as_posix(),
            "depth_refined": "",
            "label": (relative / "label" / f"{name}.png").as_posix(),
        }


def open_target(path: Path, source: ExportSource, options: ExportOptions) -> ExportTarget:
    return SunrgbdTarget(path, source, options)


def _camera_folder(name: str) -> str:
    return next((folder for word, folder in _CAMERAS if word in name.lower()), "other")


def _folder_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")[:60] or "recording"
