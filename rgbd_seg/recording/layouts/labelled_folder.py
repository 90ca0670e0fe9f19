"""A folder to train a network on: `image/`, `depth/` and `label/` with files of equal names, and `labels.json`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.label_provenance import LabelProvenance
from rgbd_seg.recording.layouts.frame_states import STATES_FILE, FrameStates, read_states
from rgbd_seg.recording.layouts.partners import natural_key
from rgbd_seg.recording.pictures.loading import COLOR_SUFFIXES, DEPTH_SUFFIXES, LABEL_SUFFIXES
from rgbd_seg.recording.pictures.sidecar import read_json

LABELS_FILE = "labels.json"


def labels_of(root: Path) -> LabelSet:
    """What the label ids in the folder mean.

    Raises:
        ConfigurationError: It does not say so, or not in a way that can be read.
    """
    path = root / LABELS_FILE
    if not path.is_file():
        raise ConfigurationError(
            f"{root} has no {LABELS_FILE}, so nobody knows what its labels mean: "
            'write one ({"name": ..., "classes": ["floor", "table", ...]})'
        )
    return LabelSet.load(path)


def provenance_of(root: Path) -> LabelProvenance:
    """Who made the labels in the folder, as far as its `labels.json` says.

    Raises:
        ConfigurationError: It cannot be read.
    """
    try:
        return LabelProvenance.from_dict(read_json(root / LABELS_FILE))
    except RecordingError as error:
        raise ConfigurationError(str(error)) from None


def label_file_text(label_set: LabelSet, provenance: LabelProvenance) -> str:
    """The text of `labels.json`: what the ids mean, and who made the labels."""
    classes = label_set.to_json()
    more = "".join(f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in provenance.to_dict().items())
    return classes.replace("{\n", "{\n" + more, 1)


def list_pictures(root: Path) -> list[tuple[Path, Path, Path]]:
    """The colour, depth and label file of each picture to train on, by name (2 before 10).

    Where `frames.json` says how far the labelling is, pictures without labels and those that count
    nothing are left out.

    Raises:
        ConfigurationError: The folder or a part of it is missing or empty, or files have no partner.
    """
    if not root.is_dir():
        raise ConfigurationError(f"there is no folder {root}")
    for part in ("image", "depth", "label"):
        if not (root / part).is_dir():
            raise ConfigurationError(
                f"{root} has no folder {part}/; training needs image/, depth/, label/ and {LABELS_FILE}, which a "
                "recording with labels has when it is exported as a folder"
            )
    found = {
        part: {path.stem: path for path in sorted((root / part).iterdir()) if _is_picture(path, suffixes)}
        for part, suffixes in (("image", COLOR_SUFFIXES), ("depth", DEPTH_SUFFIXES), ("label", LABEL_SUFFIXES))
    }
    colors = sorted(found["image"].values(), key=lambda path: natural_key(path.name))
    states = _states(root)
    if states is not None:
        colors = [path for path in colors if path.stem in found["label"] and states.weight(path.stem) > 0]
    alone = [path.name for path in colors if not (path.stem in found["depth"] and path.stem in found["label"])]
    if alone:
        raise ConfigurationError(
            f"{len(alone)} of {len(colors)} pictures have no depth or label picture of the same name in {root}; the "
            f"first is {alone[0]}"
        )
    if not colors and states is not None:
        raise ConfigurationError(f"no frame in {root} is done yet: {STATES_FILE} names none that counts in training")
    if not colors:
        raise ConfigurationError(f"there is no picture in {root / 'image'} ({', '.join(sorted(COLOR_SUFFIXES))})")
    return [(path, found["depth"][path.stem], found["label"][path.stem]) for path in colors]


def _is_picture(path: Path, suffixes: frozenset[str]) -> bool:
    return path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file()


def weights_of(root: Path, pictures: Iterable[Path]) -> list[float]:
    """How much each picture counts in training: what `frames.json` says, else 1.

    Raises:
        ConfigurationError: `frames.json` cannot be read.
    """
    states = _states(root)
    return [1.0 if states is None else states.weight(path.stem) for path in pictures]


def _states(root: Path) -> FrameStates | None:
    try:
        return read_states(root)
    except RecordingError as error:
        raise ConfigurationError(str(error)) from None
