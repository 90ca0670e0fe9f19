"""Pascal VOC's layout, CVAT's "segmentation mask": pictures of colours or palettes, named by labelmap.txt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from rgbd_seg.errors import RecordingError
from rgbd_seg.labelling.annotations.annotations import Annotations, Labelled, Rgb, check_classes, files_in
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.pictures.loading import read_color
from rgbd_seg.recording.pictures.saving import write_indexed, write_text
from rgbd_seg.recording.pictures.sidecar import read_text

SUMMARY = "Pascal VOC and CVAT's segmentation masks, named by labelmap.txt"
_MAP, _MASKS = "labelmap.txt", "SegmentationClass"
_BLACK = (0, 0, 0)
# Outlines in VOC's own masks, which are void.
_BORDER = (224, 224, 192)


def matches(path: Path) -> bool:
    """A folder with both."""
    return (path / _MAP).is_file() and (path / _MASKS).is_dir()


def read(path: Path) -> Annotations:
    """Opens the folder. Black is void, whatever the map calls it: that is what the layout means by it."""
    names: list[str] = []
    colors: list[Rgb] = []
    for line in read_text(path / _MAP).splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split(":")
        try:
            r, g, b = (int(number) for number in fields[1].split(","))
        except (IndexError, ValueError):
            raise RecordingError(f"{path / _MAP}: a line must be NAME:R,G,B:: and not {line!r:.80}") from None
        if (r, g, b) not in (_BLACK, _BORDER):
            names.append(fields[0])
            colors.append((r, g, b))
    check_classes(names, str(path / _MAP))
    if len(set(colors)) < len(colors):
        raise RecordingError(f"{path / _MAP} has two classes of one colour, which cannot be told apart")
    codes = np.array([(r << 16) | (g << 8) | b for r, g, b in (_BLACK, _BORDER, *colors)])
    ids = np.array([0, 0, *range(1, len(names) + 1)], np.uint8)
    order = np.argsort(codes)
    files = files_in(path / _MASKS, ".png")

    def pictures() -> Iterator[Labelled]:
        for file in files:
            pixels = read_color(file).astype(np.int64)
            found = (pixels[..., 0] << 16) | (pixels[..., 1] << 8) | pixels[..., 2]
            place = np.minimum(np.searchsorted(codes[order], found), len(codes) - 1)
            if not np.array_equal(codes[order][place], found):
                strange = pixels[codes[order][place] != found][0]
                raise RecordingError(f"{file} has the colour {tuple(strange.tolist())}, which {_MAP} does not name")
            yield Labelled(file.stem, ids[order][place])

    return Annotations(names, colors, pictures)


def write(path: Path, pictures: Iterable[Labelled], label_set: LabelSet) -> None:
    """Writes indexed PNGs in the set's colours, and the map."""
    colors = [one.color for one in label_set.classes]
    if len(set(colors)) < len(colors) or _BLACK in colors or _BORDER in colors:
        raise RecordingError("two classes have one colour, or one is black as void is: recolour them first")
    names = []
    for picture in pictures:
        write_indexed(path / _MASKS / f"{picture.name}.png", picture.labels, label_set.palette())
        names.append(picture.name)
    rows = [("background", _BLACK), *((one.name, one.color) for one in label_set.classes)]
    lines = [f"{name.replace(':', ' ')}:{r},{g},{b}::" for name, (r, g, b) in rows]
    write_text(path / _MAP, "\n".join(["# label:color_rgb:parts:actions", *lines]) + "\n")
    write_text(path / "ImageSets" / "Segmentation" / "default.txt", "".join(f"{name}\n" for name in names))
