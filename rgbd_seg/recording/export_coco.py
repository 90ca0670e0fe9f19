"""Export for annotation tools as COCO polygons: `images/` and `annotations/instances_default.json`.

Every connected region of a label becomes one polygon, the largest first: drawn in that order, small regions lie over
the holes of large ones, which COCO's polygons cannot have.
"""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any

import cv2
import numpy as np

from rgbd_seg.recording.export import ExportOptions, ExportSource, ExportTarget, labels_of
from rgbd_seg.recording.picture_files import write_color, write_gray

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from rgbd_seg.frame import Segmentation, Truth
    from rgbd_seg.labels import LabelSet
    from rgbd_seg.recording.reader import StoredFrame


class CocoTarget(ExportTarget):
    """A folder being written; annotations go to the disk at once, so that long recordings need no memory."""

    def __init__(self, path: Path, options: ExportOptions) -> None:
        super().__init__()
        self._path = path
        self._suffix = options.color or "jpg"
        self._min_region_px = options.min_region_px
        self._images: list[dict[str, Any]] = []
        self._label_set: LabelSet | None = None
        self._annotations = 0
        (path / "annotations").mkdir(parents=True)
        self._file: IO[str] = (path / "annotations" / "instances_default.json").open("w", encoding="utf-8")
        self._file.write('{"annotations": [')

    def write(self, frame: StoredFrame, segmentation: Segmentation | None) -> None:
        """Appends a frame; see `ExportTarget.write`."""
        name = f"{frame.index:06d}"
        write_color(self._path / "images" / f"{name}.{self._suffix}", frame.color)
        write_gray(self._path / "depth" / f"{name}.png", frame.depth)
        height, width = frame.depth.shape
        image = {"id": len(self._images) + 1, "file_name": f"{name}.{self._suffix}", "width": width, "height": height}
        self._images.append(image)
        truth = labels_of(frame, segmentation)
        if truth is None:
            return
        self._label_set = self._label_set or truth.label_set
        for label, polygon, area in polygons_of(truth, self._min_region_px):
            self._write_annotation(len(self._images), label, polygon, area)

    def close(self) -> None:
        """Writes the pictures and categories behind the annotations."""
        names = self._label_set.names if self._label_set else ()
        categories = [{"id": i, "name": name, "supercategory": ""} for i, name in enumerate(names, 1)]
        self._file.write("],\n")
        self._file.write(f'"images": {json.dumps(self._images)},\n"categories": {json.dumps(categories)},\n')
        self._file.write('"info": {"description": "exported by rgbd-seg"}, "licenses": []}\n')
        self._file.close()

    def _write_annotation(self, image: int, label: int, polygon: NDArray[np.int32], area: int) -> None:
        left, top, width, height = cv2.boundingRect(polygon)
        self._annotations += 1
        row = {
            "id": self._annotations,
            "image_id": image,
            "category_id": label,
            "segmentation": [polygon.ravel().tolist()],
            "area": area,
            "bbox": [left, top, width, height],
            "iscrowd": 0,
        }
        self._file.write((",\n" if self._annotations > 1 else "\n") + json.dumps(row))


def open_target(path: Path, source: ExportSource, options: ExportOptions) -> ExportTarget:
    """Begins a folder."""
    del source
    return CocoTarget(path, options)


def polygons_of(truth: Truth, min_region_px: int) -> Iterator[tuple[int, NDArray[np.int32], int]]:
    """The outlines of all regions of a label map, the largest first.

    Args:
        truth: Labels, and instances where there are any: two touching chairs then stay two.
        min_region_px: Smaller regions are left out.

    Yields:
        Label id, (N, 2) int32 columns and rows with N >= 3, and the region's pixels.
    """
    regions: list[tuple[int, int, NDArray[np.int32]]] = []
    for label in np.unique(truth.labels[truth.labels > 0]):
        mask = truth.labels == label
        parts = [mask]
        if truth.instances is not None:
            parts = [mask & (truth.instances == number) for number in np.unique(truth.instances[mask])]
        for part in parts:
            regions += [(int(label), area, outline) for outline, area in _outlines(part, min_region_px)]
    for label, area, outline in sorted(regions, key=lambda region: -region[1]):
        yield label, outline, area


def _outlines(mask: NDArray[np.bool_], min_region_px: int) -> Iterator[tuple[NDArray[np.int32], int]]:
    count, numbered, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    for number in range(1, count):
        area = int(stats[number, cv2.CC_STAT_AREA])
        if area < min_region_px:
            continue
        left, top, width, height = (int(v) for v in stats[number, :4])
        window = (numbered[top : top + height, left : left + width] == number).astype(np.uint8)
        contours, _ = cv2.findContours(window, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE, offset=(left, top))
        outline = np.asarray(contours[0], np.int32).reshape(-1, 2)
        if len(outline) >= 3:  # One pixel wide lines have no area.
            yield outline, area
