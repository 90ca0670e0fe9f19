"""CVAT's "CVAT for images 1.1": annotations.xml with polygons, boxes, ellipses and masks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import RecordingError
from rgbd_seg.labelling.annotations.annotations import (
    Annotations,
    Labelled,
    Rgb,
    check_classes,
    check_size,
    mask_of_runs,
    picture_name,
    polygon_mask,
    run_lengths,
)
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.pictures.saving import write_text
from rgbd_seg.recording.pictures.sidecar import read_text

SUMMARY = "CVAT for images 1.1, as XML"
_FILE = "annotations.xml"
_MAX_BYTES = 500_000_000


def matches(path: Path) -> bool:
    """`annotations.xml`, alone or in a folder."""
    return _file(path).is_file() and _file(path).suffix.lower() == ".xml"


def _file(path: Path) -> Path:
    return path / _FILE if path.is_dir() else path


def read(path: Path) -> Annotations:
    file = _file(path)
    text = read_text(file, _MAX_BYTES)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:  # None that CVAT writes has one, and they can grow without end.
        raise RecordingError(f"{file} defines entities of its own, which are not read from strangers' files")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 (what makes it dangerous was refused above)
    except (ElementTree.ParseError, RecursionError) as error:
        raise RecordingError(f"{file} is not XML: {error}") from None
    if root.find("track") is not None:
        raise RecordingError(f"{file} has the tracks of a video: export the task as “CVAT for images 1.1”")
    listed = {label.findtext("name", "").strip(): _color(label.findtext("color", "")) for label in root.iter("label")}
    listed.pop("", None)
    used = [shape.get("label", "") for image in root.iter("image") for shape in image]
    names = list(dict.fromkeys([*listed, *filter(None, used)]))
    check_classes(names, str(file))
    colors = [listed.get(name) for name in names]
    messages: list[str] = []

    def pictures() -> Iterator[Labelled]:
        for image in root.iter("image"):
            yield _picture(image, names, str(file), messages)

    return Annotations(names, colors if all(colors) else None, pictures, messages)  # type: ignore[arg-type]


def _picture(image: ElementTree.Element, names: list[str], origin: str, messages: list[str]) -> Labelled:
    name = image.get("name", "")
    try:
        size = check_size(int(image.get("width", "")), int(image.get("height", "")), f"{origin}: {name}")
        labels = np.zeros(size, np.uint8)
        for shape in sorted(image, key=lambda one: int(one.get("z_order", "0") or 0)):
            mask = _mask(shape, size, f"{origin}: {name}")
            if mask is None or not mask.any():
                messages.append(
                    f"{name}: a {shape.tag} of {shape.get('label', '?')} has no area in the picture and was left out"
                )
            else:
                labels[mask] = names.index(shape.get("label", "")) + 1
    except ValueError as error:
        raise RecordingError(f"{origin}: the annotations of {name!r} are damaged: {error}") from None
    return Labelled(picture_name(name), labels)


def _mask(shape: ElementTree.Element, size: tuple[int, int], origin: str) -> NDArray[np.bool_] | None:
    def number(key: str) -> float:
        return float(shape.get(key, "nan"))

    if shape.tag == "polygon":
        pairs = [pair.split(",") for pair in shape.get("points", "").split(";") if pair]
        return polygon_mask([[float(x), float(y)] for x, y in pairs], size)
    if shape.tag == "box":
        left, top, right, bottom = (number(key) for key in ("xtl", "ytl", "xbr", "ybr"))
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        return polygon_mask(_turned(corners, (left + right) / 2, (top + bottom) / 2, shape), size)
    if shape.tag == "ellipse":
        middle, axes = (number("cx"), number("cy")), (number("rx"), number("ry"))
        around = np.deg2rad(np.arange(0, 360, 3))
        rim = np.stack([middle[0] + axes[0] * np.cos(around), middle[1] + axes[1] * np.sin(around)], 1)
        return polygon_mask(_turned(rim, *middle, shape), size)
    if shape.tag == "mask":
        left, top = int(shape.get("left", "")), int(shape.get("top", ""))
        height, width = check_size(int(shape.get("width", "")), int(shape.get("height", "")), origin)
        runs = [int(run) for run in shape.get("rle", "").split(",")]
        part = mask_of_runs(runs, (height, width), origin)
        if left < 0 or top < 0 or left + width > size[1] or top + height > size[0]:
            raise RecordingError(f"{origin}: a mask reaches beyond the picture")
        mask = np.zeros(size, bool)
        mask[top : top + height, left : left + width] = part
        return mask
    return None


def _turned(points: NDArray[np.float64], x: float, y: float, shape: ElementTree.Element) -> NDArray[np.float64]:
    """Points turned about a middle by the shape's `rotation`, degrees clockwise as one sees it."""
    angle = np.deg2rad(float(shape.get("rotation", "0") or 0))
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray((points - (x, y)) @ np.array([[cos, sin], [-sin, cos]]) + (x, y))


def _color(text: str) -> Rgb | None:
    try:
        value = int(text.strip().removeprefix("#"), 16)
    except ValueError:
        return None
    return (value >> 16 & 255, value >> 8 & 255, value & 255)


def write(path: Path, pictures: Iterable[Labelled], label_set: LabelSet) -> None:
    """Writes `annotations.xml`, a mask for each class of a picture."""
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    listed = ElementTree.SubElement(ElementTree.SubElement(ElementTree.SubElement(root, "meta"), "task"), "labels")
    for one in label_set.classes:
        label = ElementTree.SubElement(listed, "label")
        ElementTree.SubElement(label, "name").text = one.name
        ElementTree.SubElement(label, "color").text = "#{:02x}{:02x}{:02x}".format(*one.color)
        ElementTree.SubElement(label, "type").text = "mask"
    for number, picture in enumerate(pictures):
        height, width = picture.labels.shape
        name = picture.picture.name if picture.picture else f"{picture.name}.png"
        size = {"width": str(width), "height": str(height)}
        image = ElementTree.SubElement(root, "image", {"id": str(number), "name": name, **size})
        for label_id in np.unique(picture.labels[picture.labels > 0]).tolist():
            mask = (picture.labels == label_id).astype(np.uint8)
            left, top, w, h = cv2.boundingRect(mask)
            runs = run_lengths(mask[top : top + h, left : left + w] > 0)
            box = {"left": str(left), "top": str(top), "width": str(w), "height": str(h)}
            shape = {"label": label_set.name_of(label_id), "source": "manual", "occluded": "0", "z_order": "0"}
            ElementTree.SubElement(image, "mask", {**shape, "rle": ", ".join(map(str, runs)), **box})
    text = ElementTree.tostring(root, encoding="unicode")
    write_text(path / _FILE, f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n')
