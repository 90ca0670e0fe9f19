"""Folders of colour and depth pictures: side by side (7-Scenes), or in two subfolders (`rgb/` and `depth/`).

    frame-000000.color.jpg  frame-000000.depth.png      or any names that differ in the word color/rgb/depth only
    image/0001.jpg          depth/0001.png              also color/, colour/, rgb/, img/, with label/ beside them

Which files belong together: see partners.py. What the pixels mean comes from the options, then from `rgbd_seg.json`,
then from the calibration files of other programs (camera_files.py), then from what a known data set has
(known_sets.py), and at last from what is usual: millimetres, a Kinect-class camera.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from rgbd_seg.errors import RecordingError
from rgbd_seg.labels import LabelClass, LabelSet, distinct_colors
from rgbd_seg.recording.label_provenance import LabelProvenance
from rgbd_seg.recording.layouts.frame_states import read_states
from rgbd_seg.recording.layouts.known_sets import RawKinectReader, geometry_of, usual_of
from rgbd_seg.recording.layouts.partners import Files, bring_together, find_files, key_of, natural_key
from rgbd_seg.recording.pictures.camera_files import find_cameras
from rgbd_seg.recording.pictures.frame_list import CALIBRATION_FOLDER, Stamp, gaps_of, read_stamps
from rgbd_seg.recording.pictures.loading import SATURATED
from rgbd_seg.recording.pictures.pair_reader import (
    PictureOptions,
    PicturePair,
    PictureReader,
    regular_times_us,
    times_of,
)
from rgbd_seg.recording.pictures.sidecar import Sidecar, read_json, read_sidecar, read_text
from rgbd_seg.recording.reader import RecordingInfo

_DEFAULT_FPS = 30.0
_BACKGROUND = frozenset({"background", "void", "unlabeled", "unlabelled", "unlabel", "none", "ignore", "nothing"})


def matches(path: Path) -> bool:
    """Whether a path is a folder that holds colour or depth pictures by their names (only both can be opened)."""
    if not path.is_dir():
        return False
    files = find_files(path)
    return bool(files["color"]) or bool(files["depth"])


def open_reader(path: Path, **options: str) -> PictureReader:
    """Opens a folder of picture pairs.

    Args:
        path: The folder.
        options: `depth_unit_m`, `invalid_depth`, `fps`, `label_set` (a built-in name or a file), `registered`.

    Raises:
        RecordingError: No picture has a partner, depth is not metric, or the sidecar cannot be read.
        ConfigurationError: An option is unknown or out of its range.
    """
    given = PictureOptions.parse(options)
    sidecar = read_sidecar(path) or Sidecar()
    files = find_files(path)
    states = read_states(path)
    if states is not None:  # What travelled, or what a model guessed, is nothing to score against.
        files["labels"] = {k: f for k, f in files["labels"].items() if states.frames.get(f.stem, "done") == "done"}
    partners = bring_together(files)
    files = partners.files
    keys, left_out = _pair_up(files, path)
    usual = usual_of(path, files)
    cameras = find_cameras(path)
    geometry = geometry_of(given, sidecar, cameras, usual)
    stamps, warnings = read_stamps(path, keys, key_of)
    is_counted = bool(stamps)
    if not stamps and not (given.fps or sidecar.fps):
        stamps = _stamps_in_names(partners.times_us, files)
    provenance = _provenance(path, sidecar)
    fps = given.fps or sidecar.fps or usual.fps or _DEFAULT_FPS
    pairs = _make_pairs(path, files, keys, stamps, fps)
    label_set = given.label_set or sidecar.label_set or _label_set(path, files)
    info = RecordingInfo(
        path=path,
        layout="folder",
        name=sidecar.name or path.resolve().name,
        label_set=label_set,
        truth_origin=provenance.origin if files["labels"] else None,
        predictions=tuple(map(str, provenance.made_by)) if files["labels"] else (),
        details=dict(sidecar.details)
        | ({"calibration": ", ".join(cameras.sources)} if cameras.sources and not sidecar.intrinsics else {}),
        warnings=tuple(left_out + warnings),
        notes=(*partners.notes, *usual.notes, *cameras.notes, *_label_notes(path, files, keys, label_set)),
        gaps=gaps_of(pairs),
        is_counted=is_counted,
        is_timed=bool(stamps or given.fps or sidecar.fps),
    )
    invalid = _first(given.invalid_depth, sidecar.invalid_depth, SATURATED)
    reader = RawKinectReader if usual.is_raw_kinect else PictureReader
    return reader(info, pairs, times_of(pairs), geometry, invalid, provenance, start_ns=sidecar.start_ns)


def _first(*values: int | bool | None) -> int:
    return next(value for value in values if value is not None)


def _pair_up(files: Files, path: Path) -> tuple[list[str], list[str]]:
    """The frames that have both pictures, in natural order, and a sentence for each kind that was left out."""
    color, depth = files["color"], files["depth"]
    keys = sorted(color.keys() & depth.keys(), key=natural_key)
    if not color or not depth:
        there, missing = ("colour", "depth") if color else ("depth", "colour")
        raise RecordingError(
            f"{path} has {len(color or depth)} {there} pictures but no {missing} pictures: put them beside each other "
            "(such as 0001.color.png and 0001.depth.png) or into rgb/ and depth/ with the same names"
        )
    if not keys:
        raise RecordingError(
            f"{path} has {len(color)} colour and {len(depth)} depth pictures, but none belong together by their "
            f"names (such as {_sample(color)} and {_sample(depth)}): partners need the same name"
        )
    left_out = []
    for kind, other, alone in (("colour", "depth", color.keys() - depth), ("depth", "colour", depth.keys() - color)):
        if alone:
            name = files["color" if kind == "colour" else "depth"][min(alone, key=natural_key)].name
            many = f"{len(alone)} {kind} picture{'s' if len(alone) > 1 else ''}"
            left_out.append(f"{many} without {other} (the first is {name}) left out")
    return keys, left_out


def _sample(files: Mapping[str, Path]) -> str:
    return min(file.name for file in files.values()) if files else "none"


def _label_set(path: Path, files: Files) -> LabelSet | None:
    """The names that lie beside label maps (`labels.json`, `labels.txt`), or numbers where there are none."""
    if not files["labels"]:
        return None
    if (path / "labels.json").is_file():
        return LabelSet.from_json(read_text(path / "labels.json"), str(path / "labels.json"))
    if (path / "labels.txt").is_file():
        names = [line.strip() for line in read_text(path / "labels.txt").splitlines() if line.strip()]
        return LabelSet.from_dict({"name": path.resolve().name[:100], "classes": names}, str(path / "labels.txt"))
    colors = distinct_colors(254)
    return LabelSet("numbers", tuple(LabelClass(f"label {i + 1}", color) for i, color in enumerate(colors)))


def _provenance(path: Path, sidecar: Sidecar) -> LabelProvenance:
    """Who made the labels: by `labels.json`, or else by the sidecar."""
    file = path / "labels.json"
    return LabelProvenance.from_dict(read_json(file)) if file.is_file() else sidecar.labels


def _label_notes(path: Path, files: Files, keys: list[str], label_set: LabelSet | None) -> tuple[str, ...]:
    """What is odd about the label pictures: a list that begins with the background, names that fit no frame."""
    if not files["labels"]:
        blurred = sorted((path / "label").glob("*.jp*g")) if (path / "label").is_dir() else []
        if not blurred:
            return ()
        return (f"The pictures in label/ ({blurred[0].name}, ...) are JPEG, which blurs ids: they are no labels.",)
    notes = background_note(label_set)
    strange = files["labels"].keys() - keys
    if strange:
        name = files["labels"][min(strange, key=natural_key)].name
        notes += (f"{len(strange)} label pictures belong to no frame by their names (the first is {name}).",)
    return notes


def background_note(label_set: LabelSet | None) -> tuple[str, ...]:
    """A sentence where a list of classes begins with the background, as other tools write it: ids are one off then."""
    if label_set is None or label_set.names[0].lower().strip("_ ") not in _BACKGROUND:
        return ()
    return (
        f"The class {label_set.names[0]!r} comes first and so has id 1, while 0 means unlabelled: if 0 was meant, take "
        "it out of the list of classes.",
    )


def _make_pairs(
    path: Path, files: Files, keys: Iterable[str], stamps: Mapping[str, Stamp], fps: float
) -> list[PicturePair]:
    own = {key_of(file.stem): file for file in sorted((path / CALIBRATION_FOLDER).glob("*.json"))}
    # Frames that lack a partner keep their place in the count, so that gaps stay visible.
    places = {key: i for i, key in enumerate(sorted(files["color"].keys() | files["depth"].keys(), key=natural_key))}
    times_us = regular_times_us(len(places), fps)
    pairs: list[PicturePair] = []
    start_us: int | None = None
    for key in keys:
        stamp = stamps.get(key) or Stamp(places[key], int(times_us[places[key]]), None, "")
        start_us = stamp.time_us if start_us is None else start_us
        pairs.append(
            PicturePair(
                color=files["color"][key],
                depth=files["depth"][key],
                index=stamp.index,
                time_us=stamp.time_us - start_us,
                device_us=stamp.device_us,
                labels=files["labels"].get(key),
                instances=files["instances"].get(key),
                calibration=own.get(key),
                made_by=stamp.labels,
            )
        )
    return pairs


def _stamps_in_names(times_us: Mapping[str, int], files: Files) -> dict[str, Stamp]:
    """Stamps of frames whose names hold their times, if those are in the order of the names."""
    keys = sorted(files["color"].keys() | files["depth"].keys(), key=natural_key)
    times = [times_us[key] for key in keys if key in times_us]
    if not times or times != sorted(times):
        return {}
    places = {key: i for i, key in enumerate(keys)}
    return {key: Stamp(places[key], time_us, time_us, "") for key, time_us in times_us.items()}
