"""labelme: one JSON beside each picture, with polygons, rectangles, circles and masks."""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rgbd_seg.errors import RecordingError
from rgbd_seg.labelling.annotations.annotations import (
    Annotations,
    Labelled,
    check_classes,
    check_size,
    files_in,
    picture_name,
    polygon_mask,
)
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.pictures.saving import write_text
from rgbd_seg.recording.pictures.sidecar import read_json

SUMMARY = "labelme's JSON files"
_MAX_BYTES = 100_000_000  # They may hold the picture itself.
_OURS = ("labels.json", "frames.json", "rgbd_seg.json")
_FOLDERS = ("", "image", "images", "labelme", "annotations")


def matches(path: Path) -> bool:
    """A JSON with shapes, or a folder with such files."""
    return bool(_files(path))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix.lower() == ".json" and _shapes(path) is not None else []
    for folder, below in [*((path / name, False) for name in _FOLDERS), (path, True)]:
        found = [file for file in files_in(folder, ".json", below=below) if file.name not in _OURS]
        if any(_shapes(file) is not None for file in found):
            return found
    return []


def _shapes(path: Path) -> list[Any] | None:
    try:
        data = read_json(path, _MAX_BYTES)
    except RecordingError:
        return None
    shapes = data.get("shapes") if isinstance(data, dict) else None
    return shapes if isinstance(shapes, list) else None


def read(path: Path) -> Annotations:
    files = _files(path)
    if not files:
        raise RecordingError(f"{path} has no labelme JSON with shapes")
    names: dict[str, None] = {}
    messages: list[str] = []
    for file in list(files):
        shapes = _shapes(file)
        if shapes is None:
            files.remove(file)
            messages.append(f"{file.name} is damaged or no file of labelme's and was left out")
        for shape in shapes or ():
            if isinstance(shape, dict) and isinstance(shape.get("label"), str):
                names[shape["label"]] = None
    check_classes(list(names), str(path))

    def pictures() -> Iterator[Labelled]:
        for file in files:
            yield _picture(file, list(names), messages)

    return Annotations(list(names), None, pictures, messages)


def _picture(file: Path, names: list[str], messages: list[str]) -> Labelled:
    data = read_json(file, _MAX_BYTES)
    try:
        size = check_size(data["imageWidth"], data["imageHeight"], str(file))
        labels = np.zeros(size, np.uint8)
        for shape in data["shapes"]:
            mask = _mask(shape, size, str(file))
            if mask is None or not mask.any():
                kind = shape.get("shape_type", "polygon")
                messages.append(
                    f"{file.name}: a {kind} of {shape['label']} has no area in the picture and was left out"
                )
            else:
                labels[mask] = names.index(shape["label"]) + 1
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise RecordingError(f"{file} is not as labelme's files are: {error!r}") from None
    # The picture that is meant, unless the file was renamed with it.
    return Labelled(picture_name(str(data.get("imagePath") or file.name)), labels)


def _mask(shape: Any, size: tuple[int, int], origin: str) -> NDArray[np.bool_] | None:
    kind, points = shape.get("shape_type", "polygon"), np.asarray(shape["points"], np.float64).reshape(-1, 2)
    if kind == "polygon":
        return polygon_mask(points, size)
    if kind == "rectangle":
        (left, top), (right, bottom) = points.min(0), points.max(0)
        return polygon_mask([[left, top], [right, top], [right, bottom], [left, bottom]], size)
    if kind == "circle":
        radius = float(np.hypot(*(points[1] - points[0])))
        turned = np.deg2rad(np.arange(0, 360, 3))
        return polygon_mask(points[0] + radius * np.stack([np.cos(turned), np.sin(turned)], 1), size)
    if kind == "mask":
        (left, top), (right, bottom) = np.round(points).astype(int)
        part = _decode(shape["mask"], origin)
        if part.shape != (bottom - top + 1, right - left + 1) or left < 0 or top < 0:
            raise RecordingError(f"{origin}: a mask has another size than its box")
        mask = np.zeros(size, bool)
        mask[top : bottom + 1, left : right + 1] = part
        return mask
    return None


def _decode(text: str, origin: str) -> NDArray[np.bool_]:
    try:
        data = base64.b64decode(text, validate=True)
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            check_size(*picture.size, origin)
            return np.array(picture.convert("L")) > 0
    except (OSError, ValueError, SyntaxError, binascii.Error, Image.DecompressionBombError) as error:
        raise RecordingError(f"{origin}: a mask cannot be read: {error}") from None


def write(path: Path, pictures: Iterable[Labelled], label_set: LabelSet) -> None:
    """Writes a JSON for each picture, a mask for each class."""
    for picture in pictures:
        height, width = picture.labels.shape
        shapes: list[dict[str, Any]] = []
        for label in np.unique(picture.labels[picture.labels > 0]).tolist():
            mask = (picture.labels == label).astype(np.uint8)
            left, top, w, h = cv2.boundingRect(mask)
            buffer = io.BytesIO()
            Image.fromarray(mask[top : top + h, left : left + w] > 0).save(buffer, "PNG")
            shapes.append(
                {
                    "label": label_set.name_of(label),
                    "points": [[left, top], [left + w - 1, top + h - 1]],
                    "group_id": None,
                    "shape_type": "mask",
                    "flags": {},
                    "mask": base64.b64encode(buffer.getvalue()).decode(),
                }
            )
        document = {
            "version": "5.4.0",
            "flags": {},
            "shapes": shapes,
            "imagePath": picture.picture.name if picture.picture else f"{picture.name}.png",
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
        }
        write_text(path / f"{picture.name}.json", json.dumps(document))
