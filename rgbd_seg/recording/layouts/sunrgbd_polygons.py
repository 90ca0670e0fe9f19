"""SUN RGB-D's `annotation2Dfinal/index.json`: outlines drawn by people, turned into a label map.

The files come from a web tool and are not all sound: points outside the picture, objects that are null, text that does
not parse. What can be used is used; the rest stays void.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.layouts.sunrgbd_names import class_id
from rgbd_seg.recording.pictures.sidecar import read_json

_MAX_BYTES = 20_000_000
_MAX_POINTS = 100_000
# Beyond this a coordinate is an error of the tool; fillPoly works in 32-bit fixed point.
_FAR = 20_000.0

Outline = tuple[str, "NDArray[np.int32]"]


def read_polygons(path: Path) -> list[Outline]:
    """The outlines of one picture in drawing order (later ones lie on top).

    Returns:
        Pairs of the annotator's name and (N, 2) int32 columns and rows, which may lie outside the picture.

    Raises:
        RecordingError: The file cannot be read or is not such an annotation.
    """
    data = read_json(path, _MAX_BYTES)
    try:
        objects = [entry.get("name") if isinstance(entry, dict) else None for entry in data["objects"]]
        polygons = data["frames"][0]["polygon"]
        return list(_outlines(objects, polygons))
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise RecordingError(f"{path} is not an annotation of SUN RGB-D: {error!r}") from None


def draw_labels(outlines: Iterable[Outline], height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Fills outlines with the ids of their classes.

    Returns:
        Label map (H, W) uint8 with ids 1..37 and 0 for void, and instance map (H, W) uint16, 0 where nothing is drawn.
    """
    labels = np.zeros((height, width), np.uint8)
    instances = np.zeros((height, width), np.uint16)
    for number, (name, points) in enumerate(outlines, 1):
        label = class_id(name)
        cv2.fillPoly(labels, [points], label)
        cv2.fillPoly(instances, [points], min(number, 65535) if label else 0)
    return labels, instances


def _outlines(objects: list[Any], polygons: Any) -> Iterable[Outline]:
    for polygon in polygons:
        if not isinstance(polygon, dict):
            continue
        number, xs, ys = polygon.get("object"), polygon.get("x"), polygon.get("y")
        if not (isinstance(number, int) and 0 <= number < len(objects) and isinstance(objects[number], str)):
            continue
        if not (isinstance(xs, list) and isinstance(ys, list) and 3 <= len(xs) == len(ys) <= _MAX_POINTS):
            continue
        try:
            points = np.array([xs, ys], np.float64).T
        except (TypeError, ValueError, OverflowError):
            continue
        if points.ndim == 2 and np.isfinite(points).all():
            yield objects[number], np.clip(np.round(points), -_FAR, _FAR).astype(np.int32)
