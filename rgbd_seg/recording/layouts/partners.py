"""Which files in a folder are colour, depth and labels, and which of them belong together.

By folder (`rgb/` and `depth/`, `rtabmap_rgb/`, `lowres_wide/`, `depth_left/`), or side by side (`0001.color.png`,
`0001_depth.png`, `depth000001.png`, NYU's `r-...ppm` and `d-...pgm`). Partners have the same name but for the word that
tells them apart; else the same number; else they are nearest in time, where the numbers in their names are times.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rgbd_seg.recording.messages.pairing import nearest_pairs
from rgbd_seg.recording.pictures.loading import COLOR_SUFFIXES, DEPTH_SUFFIXES, LABEL_SUFFIXES

Files = dict[str, dict[str, "Path"]]  # Role -> key of the frame -> file.

#: Names of the folders, the usual ones first.
_FOLDERS = {
    "color": ("color", "colour", "rgb", "image", "images", "img"),
    "depth": ("depth", "depths"),
    "labels": ("label", "labels"),
    "instances": ("label_instance", "instance", "instances"),
}
_WORDS = {
    "color": frozenset({"color", "colour", "rgb", "image", "images", "img", "wide"}),
    "depth": frozenset({"depth", "depths"}),
}
# Folders whose names hold such a word, but no pictures of that kind.
_OTHERS = frozenset(
    {"confidence", "conf", "intrinsics", "intrinsic", "calib", "calibration", "label", "labels", "instance", "seg"}
    | {"instances", "vis", "preview", "normal", "normals", "pose", "poses", "mask", "masks", "raw", "segmentation"}
)
_SUFFIXES = {"color": COLOR_SUFFIXES, "depth": DEPTH_SUFFIXES, "labels": LABEL_SUFFIXES, "instances": LABEL_SUFFIXES}
_ROLE = re.compile(r"(?:^|(?<=[._-]))(colou?r|rgb|image|depth|labels?|instances?)(?=[._-]|\d|$)", re.IGNORECASE)
_ROLE_OF = {"c": "color", "r": "color", "d": "depth", "l": "labels"}
# Whole names that say it in another way: Replica's, NYU's raw dumps, Matterport's.
_SPECIAL = (
    (re.compile(r"frame(\d+)$", re.IGNORECASE), "color"),
    (re.compile(r"r-(\d+(?:\.\d+)?-\d+)$"), "color"),
    (re.compile(r"d-(\d+(?:\.\d+)?-\d+)$"), "depth"),
    (re.compile(r"([0-9a-f]{8,}_)i(\d+_\d+)$"), "color"),
    (re.compile(r"([0-9a-f]{8,}_)d(\d+_\d+)$"), "depth"),
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
# From here on a number in a name is a time, with this many to the second.
_CLOCKS = ((1e8, 1.0), (1e11, 1e3), (1e14, 1e6), (1e17, 1e9))
_LAST_S = 9e9  # A time beyond is none: nanoseconds have 64 bits.
_MOST_NUMBERS = 8


class Partners(NamedTuple):
    """The files, keyed so that partners have the same key.

    Attributes:
        files: By role and key.
        times_us: By key, where the names hold times; microseconds of any clock.
        notes: How they were brought together, if not by equal names.
    """

    files: Files
    times_us: dict[str, int]
    notes: tuple[str, ...] = ()


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts names as people do: frame2 before frame10; equal numbers by their text, so that the order is total."""
    parts = re.split(r"(\d+)", text)
    return tuple((1, int(part), part) if part.isdecimal() else (0, 0, part) for part in parts)


def key_of(stem: str) -> str:
    """What a frame's pictures have in common: the name without the word that tells them apart."""
    for pattern, _ in _SPECIAL:
        match = pattern.match(stem)
        if match:
            return "".join(match.groups())
    return _ROLE.sub("", stem).strip("._- ") or stem


def find_files(folder: Path) -> Files:
    """The pictures of a folder by role: in subfolders where those exist, otherwise side by side."""
    entries = sorted(folder.iterdir())
    subfolders = {e.name.lower(): e for e in entries if e.is_dir() and not e.name.startswith(".")}
    files: Files = {role: {} for role in _FOLDERS}
    for role, names in _FOLDERS.items():
        for name in names:
            if name in subfolders and not files[role]:
                files[role] = _pictures(subfolders[name], role)
    if not (files["color"] and files["depth"]):
        for role, one in zip(("color", "depth"), _folders_by_words(subfolders), strict=True):
            files[role] = files[role] or (_pictures(one, role) if one else {})
    if files["color"] and files["depth"]:
        return files
    flat = _side_by_side(entries)
    return flat if flat["color"] or flat["depth"] else files


def bring_together(files: Files) -> Partners:
    """Keys colour and depth anew where their names have little in common: by a number, or by time."""
    color, depth = files["color"], files["depth"]
    fewest = min(len(color), len(depth))
    times = _times_of(color)
    if not fewest or 2 * len(color.keys() & depth.keys()) >= fewest:
        return Partners(files, times)
    one, other = next(iter(color.values())), next(iter(depth.values()))
    if len(color) == len(depth) == 1 and one.parent == other.parent:
        return Partners(files | {"depth": {next(iter(color)): other}}, times)
    by_number = _by_number(color, depth)
    if by_number is not None:
        renamed = files | {"color": by_number[0], "depth": by_number[1]}
        times = {key: times[old] for key, old in _renames(by_number[0], color).items() if old in times}
        return Partners(renamed, times, ("Partners are found by the number in their names.",))
    by_time = _by_time(color, depth)
    if by_time is not None:
        keyed, farthest_ms = by_time
        note = f"Partners are found by the time in their names: at most {farthest_ms:.1f} ms apart."
        return Partners(files | {"depth": keyed}, times, (note,))
    return Partners(files, times)


def _pictures(folder: Path, role: str) -> dict[str, Path]:
    """Those that a person sees: macOS leaves a hidden `._0001.png` beside every file on foreign disks."""
    seen = (f for f in sorted(folder.iterdir()) if not f.name.startswith("."))
    return {key_of(f.stem): f for f in seen if f.suffix.lower() in _SUFFIXES[role] and f.is_file()}


def _words(name: str) -> frozenset[str]:
    return frozenset(re.split(r"[^a-z]+", name.lower()))


def _folders_by_words(subfolders: Mapping[str, Path]) -> tuple[Path | None, Path | None]:
    """The folders of colour and depth by words in their names; of several those whose other words agree most."""
    found: dict[str, list[str]] = {
        role: [name for name in subfolders if _words(name) & words and not _words(name) & _OTHERS]
        for role, words in _WORDS.items()
    }
    found["color"] = [name for name in found["color"] if name not in found["depth"]]

    def likeness(color: str, depth: str) -> tuple[int, int, str, str]:
        a, b = _words(color) - _WORDS["color"], _words(depth) - _WORDS["depth"]
        return -len(a ^ b), -len(color), color, depth

    pairs = [(color, depth) for color in found["color"] for depth in found["depth"]]
    if not pairs:
        return tuple(subfolders[found[role][0]] if found[role] else None for role in ("color", "depth"))  # type: ignore[return-value]
    color, depth = max(pairs, key=lambda pair: likeness(*pair))
    return subfolders[color], subfolders[depth]


def _side_by_side(entries: Iterable[Path]) -> Files:
    flat: Files = {role: {} for role in _FOLDERS}
    unnamed: dict[str, Path] = {}
    for file in entries:
        if file.name.startswith(".") or not file.is_file():
            continue
        special = next((role for pattern, role in _SPECIAL if pattern.match(file.stem)), "")
        words = list(_ROLE.finditer(file.stem))
        if words:
            word = words[-1].group(1).lower()
            role = "instances" if word.startswith("ins") else "color" if word == "image" else _ROLE_OF[word[0]]
        else:
            role = special
        if role and file.suffix.lower() in _SUFFIXES[role]:
            flat[role].setdefault(key_of(file.stem), file)
        elif not role and file.suffix.lower() in COLOR_SUFFIXES:
            unnamed[key_of(file.stem)] = file
    if flat["depth"] and not flat["color"]:  # 0001.png beside 0001_depth.png.
        flat["color"] = {key: file for key, file in unnamed.items() if key in flat["depth"]}
    return flat


def _numbers(keys: Iterable[str]) -> list[list[str]]:
    return [_NUMBER.findall(key)[:_MOST_NUMBERS] for key in keys]


def _by_number(color: Mapping[str, Path], depth: Mapping[str, Path]) -> tuple[dict[str, Path], dict[str, Path]] | None:
    """Both keyed by the number in their names that most of them share."""
    best: tuple[int, dict[str, Path], dict[str, Path]] | None = None
    for of_color in _columns(color):
        for of_depth in _columns(depth):
            shared = len(of_color.keys() & of_depth.keys())
            if best is None or shared > best[0]:
                best = (shared, of_color, of_depth)
    if best is None or 2 * best[0] < min(len(color), len(depth)):
        return None
    return best[1], best[2]


def _columns(files: Mapping[str, Path]) -> list[dict[str, Path]]:
    """For each place of a number in the names the files by that number, where it tells them apart."""
    rows = _numbers(files)
    width = min(map(len, rows), default=0)
    found = []
    for column in range(width):
        keyed = {str(int(float(row[column]))): f for row, f in zip(rows, files.values(), strict=True)}
        if len(keyed) == len(files):
            found.append(keyed)
    return found


def _renames(new: Mapping[str, Path], old: Mapping[str, Path]) -> dict[str, str]:
    """From new keys to those that the same files had before."""
    before = {file: key for key, file in old.items()}
    return {key: before[file] for key, file in new.items()}


def _times_of(files: Mapping[str, Path]) -> dict[str, int]:
    """The times that all names hold as their last number, in microseconds; nothing where they hold none."""
    rows = _numbers(files)
    if not rows or not all(rows):
        return {}
    last = [row[-1] for row in rows]
    values = np.array([float(text) for text in last])
    if all("." in text for text in last) and values.max() < _CLOCKS[0][0]:
        per_second = 1.0  # Seconds since something, as ARKit has them.
    else:
        scales = [scale for least, scale in _CLOCKS if values.min() >= least]
        if not scales:
            return {}
        per_second = scales[-1]
    if values.max() / per_second > _LAST_S:
        return {}
    times = {key: round(float(value) * (1e6 / per_second)) for key, value in zip(files, values, strict=True)}
    return times if len(set(times.values())) == len(times) else {}


def _by_time(color: Mapping[str, Path], depth: Mapping[str, Path]) -> tuple[dict[str, Path], float] | None:
    """Depth by the key of the colour picture nearest in time, and how far apart they are at most in milliseconds."""
    color_us, depth_us = _times_of(color), _times_of(depth)
    if not color_us or not depth_us:
        return None
    color_keys, depth_keys = sorted(color_us, key=color_us.__getitem__), sorted(depth_us, key=depth_us.__getitem__)
    first = np.array([color_us[key] for key in color_keys], np.int64) * 1000
    second = np.array([depth_us[key] for key in depth_keys], np.int64) * 1000
    rows, others = nearest_pairs(first, second)
    if not len(rows):
        return None
    keyed: dict[str, tuple[int, Path]] = {}
    for row, other in zip(rows.tolist(), others.tolist(), strict=True):
        apart = abs(int(first[row] - second[other]))
        if color_keys[row] not in keyed or apart < keyed[color_keys[row]][0]:
            keyed[color_keys[row]] = (apart, depth[depth_keys[other]])
    farthest = max(apart for apart, _ in keyed.values()) / 1e6
    return {key: file for key, (_, file) in keyed.items()}, farthest
