"""Labels of other tools, both ways: one file a format, read and written by the same names of functions.

A format has `NAME`, `SUMMARY`, `matches(path)`, `read(path) -> Annotations` and `write(path, pictures, label_set)`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from rgbd_seg.errors import ConfigurationError, RecordingError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rgbd_seg.labelling.annotations.annotations import Annotations, Labelled
    from rgbd_seg.labels import LabelSet

# Tried in this order: a folder of single PNGs is what is left.
FORMATS = ("cvat", "coco", "labelme", "voc", "png")


class Format(Protocol):
    """What a module of this package offers for the files of one labelling tool."""

    SUMMARY: str

    def matches(self, path: Path) -> bool:
        """Whether a file or folder looks like it."""

    def read(self, path: Path) -> Annotations:
        """Opens it.

        Raises:
            RecordingError: It is damaged, or not what it looks like.
        """

    def write(self, path: Path, pictures: Iterable[Labelled], label_set: LabelSet) -> None:
        """Writes label maps so that reading them back gives every pixel.

        Raises:
            RecordingError: It cannot be written.
        """


def get_format(name: str) -> Format:
    """A format by its name.

    Raises:
        ConfigurationError: There is none of that name.
    """
    if name not in FORMATS:
        raise ConfigurationError(f"there is no format {name!r} for labels; there are {', '.join(FORMATS)}")
    return cast("Format", import_module(f"rgbd_seg.labelling.annotations.{name}"))


def read_annotations(path: Path, name: str | None = None) -> Annotations:
    """Opens labels of any tool.

    Args:
        path: A file or folder.
        name: The format, None to find it out.

    Raises:
        RecordingError: There is nothing there, or nothing that is known; the message says what was looked for.
    """
    if not path.exists():
        raise RecordingError(f"there is no file or folder {path}")
    for one in [name] if name else FORMATS:
        form = get_format(one)
        if name or form.matches(path):
            return form.read(path)
    if path.suffix.lower() in (".zip", ".7z", ".gz", ".tar"):
        raise RecordingError(f"{path} is an archive: unpack it first")
    raise RecordingError(
        f"{path} holds no labels that are known: looked for CVAT's annotations.xml, COCO's JSON, labelme's JSON files, "
        "labelmap.txt with SegmentationClass/, and a folder of PNG label maps"
    )
