"""A folder of PNG label maps: grey or indexed, 8 or 16 bit, also grey saved as RGB; void is 0 or 255."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from rgbd_seg.errors import RecordingError
from rgbd_seg.labelling.annotations.annotations import DOUBTFUL_NAMES, Annotations, Labelled, check_classes, files_in
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.pictures.loading import read_labels
from rgbd_seg.recording.pictures.saving import write_indexed, write_text
from rgbd_seg.recording.pictures.sidecar import read_text

SUMMARY = "a folder of PNG label maps with labels.json or labels.txt"
_FOLDERS = ("label", "labels", "mask", "masks", "annotations", "SegmentationClass", "")
_ENDINGS = ("_mask", "_label", "_labels", "_seg", "_gt")
_VOID = 255
_IGNORED = "__ignore__"  # The id -1 in labelme's lists.
_MAX_LOOKED_AT = 200


def matches(path: Path) -> bool:
    """A folder with PNGs, in it or in one of the customary subfolders."""
    return path.is_dir() and bool(_files(path))


def _files(path: Path) -> list[Path]:
    for folder, below in [*((path / name, False) for name in _FOLDERS), (path, True)]:
        found = files_in(folder, ".png", below=below)
        if found:  # Beside maps with an ending of their own lie the pictures.
            return [file for file in found if file.stem.endswith(_ENDINGS)] or found
    return []


def read(path: Path) -> Annotations:
    """Opens the folder. Where no list of names lies beside the maps, classes are called by their numbers."""
    files = _files(path)
    if not files:
        raise RecordingError(
            f"{path} has no PNG label maps in {', '.join(f'{name}/' for name in _FOLDERS if name)} or itself"
        )
    told = _names(path)
    colors = [one.color for one in told.classes] if isinstance(told, LabelSet) else None
    names = list(told.names) if isinstance(told, LabelSet) else told
    ids: set[int] = set()
    for file in files[:: -(-len(files) // _MAX_LOOKED_AT)]:
        ids |= set(np.unique(read_labels(file, keep_255=True)).tolist())
    highest = max(ids - {_VOID}, default=0)
    zero_based = 0 in ids and _VOID in ids
    messages = []
    if names is None:
        names = [f"label {i}" for i in (range(highest + 1) if zero_based else range(1, highest + 1))]
    elif zero_based and highest == len(names):
        zero_based = False  # Both 0 and 255 are void: the names fit the ids from 1 on.
    elif not isinstance(told, LabelSet) and "".join(names[:1]).lower() in DOUBTFUL_NAMES and highest < len(names):
        zero_based = True
        messages.append(f"ids are counted from 0, because the list of names begins with {names[0]!r}")
    check_classes(names, str(path))
    shift = 1 if zero_based else 0
    if zero_based and not messages:
        messages.append("255 is taken as void, and 0 as the first class, because both occur: say otherwise with --map")

    def pictures() -> Iterator[Labelled]:
        for file in files:
            found = read_labels(file, keep_255=True).astype(np.int64)
            void = found == _VOID
            found = np.where(void, 0, found + shift)
            if int(found.max()) > len(names):
                raise RecordingError(
                    f"{file} holds id {int(found.max()) - shift}, but there are {len(names)} names for ids"
                )
            yield Labelled(_stem(file.stem), found.astype(np.uint8))

    return Annotations(names, colors, pictures, messages)


def _names(path: Path) -> list[str] | LabelSet | None:
    files = [folder / name for folder in (path, path.parent) for name in ("labels.txt", "classes.txt", "labels.json")]
    found = next((file for file in files if file.is_file()), None)
    if found is None:
        return None
    if found.suffix == ".json":
        return LabelSet.load(found)
    names = [line.strip() for line in read_text(found).splitlines() if line.strip()]
    return names[1:] if names[:1] == [_IGNORED] else names


def _stem(name: str) -> str:
    return next((name.removesuffix(ending) for ending in _ENDINGS if name.endswith(ending)), name)


def write(path: Path, pictures: Iterable[Labelled], label_set: LabelSet) -> None:
    """Writes `label/` as indexed PNGs in the set's colours, and `labels.json`."""
    for picture in pictures:
        write_indexed(path / "label" / f"{picture.name}.png", picture.labels, label_set.palette())
    write_text(path / "labels.json", label_set.to_json())
