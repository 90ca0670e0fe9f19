"""Export to point clouds: one binary PLY file a frame, in metres, with colour and label of each point."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import deproject
from rgbd_seg.errors import RecordingError
from rgbd_seg.frame import Prediction, Segmentation, Truth
from rgbd_seg.recording.exports.formats import ExportOptions, ExportSource, ExportTarget
from rgbd_seg.recording.reader import StoredFrame

_POINT = np.dtype(
    [
        ("x", "<f4"),
        ("y", "<f4"),
        ("z", "<f4"),
        ("red", "u1"),
        ("green", "u1"),
        ("blue", "u1"),
        ("label", "u1"),
    ]
)


class CloudTarget(ExportTarget):
    """A folder of clouds being written."""

    def __init__(self, path: Path, source: ExportSource, options: ExportOptions) -> None:
        super().__init__()
        del source
        self._path = path
        self._options = options
        path.mkdir(parents=True)

    def write(self, frame: StoredFrame, segmentation: Segmentation | None) -> None:
        labels = self.labels_of(frame, segmentation, one_set=False)
        points = deproject(frame.depth, frame.calibration)
        color = frame.color
        if labels is not None and self._options.cloud_colors == "labels":
            color = labels.label_set.palette()[labels.labels]
        step = self._options.cloud_step
        ids = labels.labels if labels is not None else None
        thin = (slice(None, None, step), slice(None, None, step))
        data = cloud_file(points[thin], color[thin], ids[thin] if ids is not None else None, _comments(labels))
        path = self._path / f"{self.name_of(frame)}.ply"
        if not frame.calibration.registered:
            self.warn("depth is not registered to colour: colours and labels of the points are those beside them")
        try:
            path.write_bytes(data)
        except OSError as error:
            raise RecordingError(f"cannot write {path}: {error.strerror or error}") from error

    def close(self) -> None:
        """Every file is complete already."""


open_target = CloudTarget


def cloud_file(
    points: NDArray[np.float32],
    color: NDArray[np.uint8],
    labels: NDArray[np.uint8] | None = None,
    comments: tuple[str, ...] = (),
) -> bytes:
    """A PLY file: the points that have a depth.

    Args:
        points: (..., 3) float32 metres, z = 0 where there is none: x right, y down, z forward, as OpenCV has them.
        color: (..., 3) uint8 RGB.
        labels: (...) uint8 ids, or None for no labels.
        comments: Lines for the header.

    Returns:
        The bytes of a binary little-endian file with x, y, z, red, green, blue, label.
    """
    seen = points[..., 2] > 0
    cloud = np.zeros(int(np.count_nonzero(seen)), _POINT)
    for axis, name in enumerate(("x", "y", "z")):
        cloud[name] = points[..., axis][seen]
    for channel, name in enumerate(("red", "green", "blue")):
        cloud[name] = color[..., channel][seen]
    if labels is not None:
        cloud["label"] = labels[seen]
    kinds = {"<f4": "float", "|u1": "uchar"}
    header = [
        "ply",
        "format binary_little_endian 1.0",
        "comment metres; x right, y down, z forward",
        *(f"comment {line}" for line in comments),
        f"element vertex {len(cloud)}",
        *(f"property {kinds[_POINT[name].str]} {name}" for name in _POINT.names or ()),
        "end_header\n",
    ]
    return "\n".join(header).encode("ascii", "replace") + cloud.tobytes()


def _comments(labels: Prediction | Truth | None) -> tuple[str, ...]:
    if labels is None:
        return ()
    present = np.flatnonzero(np.bincount(labels.labels.ravel(), minlength=256))
    lines = [f"label {label} {labels.label_set.name_of(int(label))}" for label in present]
    if isinstance(labels, Prediction):
        lines.append(f"labels predicted by {labels.model or 'a model'}")
    return tuple(line.replace("\n", " ") for line in lines)
