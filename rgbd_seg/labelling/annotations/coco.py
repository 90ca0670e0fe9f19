"""COCO: one JSON of images, categories and annotations, with polygons, run lengths (plain or packed) and crowds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import RecordingError
from rgbd_seg.labelling.annotations.annotations import (
    Annotations,
    Labelled,
    check_classes,
    check_size,
    files_in,
    mask_of_runs,
    picture_name,
    polygon_mask,
    run_lengths,
)
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.pictures.saving import write_text
from rgbd_seg.recording.pictures.sidecar import read_json

SUMMARY = "COCO's annotations as JSON"
_FOLDER, _FILE = "annotations", "instances_default.json"
_MAX_BYTES = 500_000_000
_MAX_PACKED = 10_000_000


def matches(path: Path) -> bool:
    """A JSON with annotations and categories, or a folder with such files in it or in `annotations/`."""
    return bool(_files(path))


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        folders = (path / _FOLDER, path)
        found = ([file for file in files_in(folder, ".json") if _looks_right(file)] for folder in folders)
        return next(filter(None, found), [])
    return [path] if path.suffix.lower() == ".json" and _looks_right(path) else []


def _looks_right(path: Path) -> bool:
    try:
        data = read_json(path, _MAX_BYTES)
    except RecordingError:
        return False
    return isinstance(data, dict) and isinstance(data.get("categories"), list) and "annotations" in data


def read(path: Path) -> Annotations:
    """Opens one JSON, or all of a folder's."""
    documents = [(file, read_json(file, _MAX_BYTES)) for file in (_files(path) if path.is_dir() else [path])]
    if not documents:
        raise RecordingError(f"{path} has no {_FOLDER}/*.json with images, categories and annotations")
    try:
        names = list(dict.fromkeys(str(c["name"]) for _, data in documents for c in data["categories"]))
    except (KeyError, TypeError) as error:
        raise RecordingError(f"{path}: a category needs id and name: {error!r}") from None
    check_classes(names, str(path))
    messages: list[str] = []

    def pictures() -> Iterator[Labelled]:
        for file, data in documents:
            try:
                yield from _pictures(data, names, str(file), messages)
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                raise RecordingError(f"{file} is not as COCO's files are: {error!r}") from None

    return Annotations(names, None, pictures, messages)


def _pictures(data: Any, names: list[str], origin: str, messages: list[str]) -> Iterator[Labelled]:
    label_of = {category["id"]: names.index(str(category["name"])) + 1 for category in data["categories"]}
    by_image: dict[Any, list[Any]] = {}
    for one in data["annotations"]:
        if "segments_info" in one:
            raise RecordingError(f"{origin} is of COCO's panoptic kind, which is not read: export instances")
        by_image.setdefault(one["image_id"], []).append(one)
    strays = by_image.keys() - {image["id"] for image in data["images"]}
    if strays:
        count = sum(len(by_image[image]) for image in strays)
        messages.append(f"{Path(origin).name}: {count} annotations are of pictures that it does not list")
    for image in data["images"]:
        size = check_size(image["width"], image["height"], origin)
        labels = np.zeros(size, np.uint8)
        # Crowds are the rough ones: what is known one by one lies over them.
        for one in sorted(by_image.get(image["id"], ()), key=lambda a: not a.get("iscrowd", 0)):
            if one["category_id"] not in label_of:
                raise RecordingError(
                    f"{origin}: annotation {one.get('id')} has category {one['category_id']}, which is none"
                )
            shape = one.get("segmentation")
            if not shape:
                messages.append(f"{image['file_name']}: an annotation without outline, a box alone, was left out")
                continue
            mask = _mask(shape, size, origin)
            if not mask.any():
                messages.append(f"{image['file_name']}: an annotation without area in the picture was left out")
            labels[mask] = label_of[one["category_id"]]
        yield Labelled(picture_name(str(image["file_name"])), labels)


def _mask(shape: Any, size: tuple[int, int], origin: str) -> NDArray[np.bool_]:
    if isinstance(shape, dict):
        height, width = shape["size"]
        if (height, width) != size:
            raise RecordingError(f"{origin}: a mask of {width}x{height} pixels in a picture of {size[1]}x{size[0]}")
        counts = _unpack(shape["counts"], origin) if isinstance(shape["counts"], str) else shape["counts"]
        return mask_of_runs(counts, (width, height), origin).T  # COCO goes down the columns.
    polygons = [shape] if isinstance(shape[0], int | float) else shape  # Some tools write a single one so.
    masks = [polygon_mask(polygon, size) for polygon in polygons]
    return np.asarray(np.logical_or.reduce(masks))


def _unpack(text: str, origin: str) -> list[int]:
    """COCO's packed run lengths: five bits a character, and from the third run on the difference from two before."""
    if len(text) > _MAX_PACKED:
        raise RecordingError(f"{origin}: the runs of a mask are too many")
    counts: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64 or shift > 30:
            raise RecordingError(f"{origin}: the packed runs of a mask are damaged")
        value |= (code & 0x1F) << shift
        shift += 5
        if not code & 0x20:
            if code & 0x10:
                value |= -1 << shift
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    return counts


def write(path: Path, pictures: Iterable[Labelled], label_set: LabelSet) -> None:
    """Writes `annotations/instances_default.json`, a mask of run lengths for each class of a picture."""
    images: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for picture in pictures:
        height, width = picture.labels.shape
        file_name = picture.picture.name if picture.picture else f"{picture.name}.png"
        images.append({"id": len(images) + 1, "file_name": file_name, "width": width, "height": height})
        for label in np.unique(picture.labels[picture.labels > 0]).tolist():
            mask = picture.labels == label
            y, x = np.nonzero(mask)
            left, top = int(x.min()), int(y.min())
            rows.append(
                {
                    "id": len(rows) + 1,
                    "image_id": len(images),
                    "category_id": label,
                    "iscrowd": 1,  # What run lengths are customary for.
                    "area": int(mask.sum()),
                    "bbox": [left, top, int(x.max()) - left + 1, int(y.max()) - top + 1],
                    "segmentation": {"size": [height, width], "counts": run_lengths(mask.T)},
                }
            )
    categories = [{"id": i, "name": name, "supercategory": ""} for i, name in enumerate(label_set.names, 1)]
    document = {"info": {}, "licenses": [], "images": images, "categories": categories, "annotations": rows}
    write_text(path / _FOLDER / _FILE, json.dumps(document))
