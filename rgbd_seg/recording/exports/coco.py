"""Export for annotation tools as COCO polygons: `images/` and `annotations/instances_default.json`.

Every connected region of a label becomes one polygon along the edges of its pixels, the largest first: drawn in that
order, small regions lie over the holes of large ones, which COCO's polygons cannot have.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.frame import Prediction, Segmentation, Truth
from rgbd_seg.recording.exports.folder import FolderTarget
from rgbd_seg.recording.exports.formats import ExportOptions, ExportSource
from rgbd_seg.recording.reader import StoredFrame


class CocoTarget(FolderTarget):
    """A folder being written; annotations go to the disk at once, so that long recordings need no memory."""

    def __init__(self, path: Path, source: ExportSource, options: ExportOptions) -> None:
        super().__init__(path, source, options, "jpg")
        self._min_region_px = options.min_region_px
        self._images: list[dict[str, Any]] = []
        self._annotations = 0
        (path / "annotations").mkdir()
        self._file: IO[str] = (path / "annotations" / "instances_default.json").open("w", encoding="utf-8")
        self._file.write('{"annotations": [')

    def write(self, frame: StoredFrame, segmentation: Segmentation | None) -> None:
        name = self.name_of(frame)
        height, width = frame.depth.shape
        image = {"id": len(self._images) + 1, "file_name": f"{name}.{self.suffix}", "width": width, "height": height}
        self._images.append(image)
        labels = self.put(frame, segmentation, "images", name=name, labelled=False)
        if labels is None:
            return
        for label, polygon, area in polygons_of(labels, self._min_region_px):
            self._write_annotation(len(self._images), label, polygon, area)

    def close(self) -> None:
        """Writes the pictures and categories behind the annotations."""
        super().close()
        names = self.label_set.names if self.label_set else ()
        categories = [{"id": i, "name": name, "supercategory": ""} for i, name in enumerate(names, 1)]
        self._file.write("],\n")
        self._file.write(f'"images": {json.dumps(self._images)},\n"categories": {json.dumps(categories)},\n')
        info = {"description": f"exported by rgbd-seg. {self.counter.note}".strip()}
        self._file.write(f'"info": {json.dumps(info)}, "licenses": []}}\n')
        self._file.close()

    def _write_annotation(self, image: int, label: int, polygon: NDArray[np.int32], area: int) -> None:
        left, top = (int(v) for v in polygon.min(axis=0))
        right, bottom = (int(v) for v in polygon.max(axis=0))
        self._annotations += 1
        row = {
            "id": self._annotations,
            "image_id": image,
            "category_id": label,
            "segmentation": [polygon.ravel().tolist()],
            "area": area,
            "bbox": [left, top, right - left, bottom - top],
            "iscrowd": 0,
        }
        self._file.write((",\n" if self._annotations > 1 else "\n") + json.dumps(row))


open_target = CocoTarget


def polygons_of(labels: Prediction | Truth, min_region_px: int) -> Iterator[tuple[int, NDArray[np.int32], int]]:
    """The outlines of all regions of a label map, the largest first.

    Args:
        labels: Labels, and instances where there are any: two touching chairs then stay two.
        min_region_px: Smaller regions are left out.

    Yields:
        Label id, (N, 2) int32 columns and rows of pixel corners with N >= 4, and the pixels inside, holes included.
    """
    regions: list[tuple[int, int, NDArray[np.int32]]] = []
    for label in np.unique(labels.labels[labels.labels > 0]):
        mask = labels.labels == label
        parts = [mask]
        if labels.instances is not None:
            parts = [mask & (labels.instances == number) for number in np.unique(labels.instances[mask])]
        for part in parts:
            regions += [(int(label), area, outline) for outline, area in _outlines(part, min_region_px)]
    # By what they enclose: a thin ring comes before what lies in it, though it has fewer pixels.
    for label, area, outline in sorted(regions, key=lambda region: -region[1]):
        yield label, outline, area


def _outlines(mask: NDArray[np.bool_], min_region_px: int) -> Iterator[tuple[NDArray[np.int32], int]]:
    count, numbered, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    for number in range(1, count):
        if stats[number, cv2.CC_STAT_AREA] < min_region_px:
            continue
        left, top, width, height = (int(v) for v in stats[number, :4])
        window = numbered[top : top + height, left : left + width] == number
        outline = _edges(window) + np.array([left, top], np.int32)
        yield outline, round(cv2.contourArea(outline))


def _edges(region: NDArray[np.bool_]) -> NDArray[np.int32]:
    """The outline of one region along the edges of its pixels.

    OpenCV's contours go through the centres of pixels. In a picture of twice the size every pixel has four centres,
    each next to one of its corners: even ones belong to the corner before, odd ones to the corner behind.
    """
    doubled = region.astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1)
    contours, _ = cv2.findContours(doubled, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    corners = (np.asarray(contours[0], np.int32).reshape(-1, 2) + 1) // 2
    return corners[np.any(corners != np.roll(corners, 1, axis=0), axis=1)]
