"""Recordings in the layout of the TUM RGB-D benchmark: `rgb.txt` and `depth.txt` list `timestamp file` by line.

Colour and depth were taken at slightly different times; each depth picture goes with the colour picture nearest in
time, within 20 ms, as in the benchmark's own `associate.py`. Depth is 16-bit PNG with 5000 counts a metre. Where there
is only the list that `associate.py` writes (`associations.txt`), it is believed. Times may be in s, ms, us or ns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import Intrinsics
from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.layouts.known_sets import Usual, geometry_of
from rgbd_seg.recording.pictures.camera_files import find_cameras
from rgbd_seg.recording.pictures.frame_list import CALIBRATION_FOLDER, Stamp, gaps_of, read_stamps
from rgbd_seg.recording.pictures.pair_reader import PictureOptions, PicturePair, PictureReader, number_option, times_of
from rgbd_seg.recording.pictures.sidecar import Sidecar, read_sidecar, read_text
from rgbd_seg.recording.reader import RecordingInfo

#: Metres per count that the benchmark uses.
TUM_DEPTH_UNIT_M = 1 / 5000
#: Longest time between the two pictures of a pair.
MAX_DIFFERENCE_S = 0.02

_LISTS = ("rgb.txt", "depth.txt")
_MAX_LIST_BYTES = 100_000_000
# The benchmark's own recommendation for all its sequences.
_USUAL = Intrinsics(640, 480, 525.0, 525.0, 319.5, 239.5)
# Of the rendered rooms that are given with numbers in place of times.
_ICL_NUIM = Intrinsics(640, 480, 481.2, 480.0, 319.5, 239.5)
_NUMBERED_FPS = 30.0
# Times before this are not of a clock that knows the date (2001).
_FIRST_DATE_S = 1e9


def matches(path: Path) -> bool:
    """Whether a path is a folder with both lists, or with the list of pairs."""
    if not path.is_dir():
        return False
    return all((path / name).is_file() for name in _LISTS) or _associations(path) is not None


def open_reader(path: Path, **options: str) -> PictureReader:
    """Opens a TUM folder.

    Args:
        path: The folder with `rgb.txt` and `depth.txt`, or with `associations.txt`.
        options: `depth_unit_m`, `invalid_depth`, `label_set`, `registered`, and `max_difference` in seconds.

    Raises:
        RecordingError: A list cannot be read, names files outside the folder, or nothing pairs up in time.
        ConfigurationError: An option is unknown or out of its range.
    """
    most_s = number_option(options, "max_difference", 1e-4, 10.0) or MAX_DIFFERENCE_S
    given = PictureOptions.parse({key: value for key, value in options.items() if key != "max_difference"})
    sidecar = read_sidecar(path) or Sidecar()
    listed = all((path / name).is_file() for name in _LISTS)
    listing = _from_lists(path, most_s) if listed else _from_associations(path)
    stamps, warnings = read_stamps(path, [color.stem for _, color, _ in listing.rows])
    pairs = _make_pairs(path, listing, stamps)
    cameras = find_cameras(path)
    usual = Usual("", TUM_DEPTH_UNIT_M, camera=_ICL_NUIM if listing.are_numbers else _USUAL)
    geometry = geometry_of(given, sidecar, cameras, usual)
    notes = [*listing.notes, *cameras.notes]
    if geometry.origins[1] == "assumed":
        notes.append("Depth is taken to have 5000 counts a metre, as the benchmark has it (?depth_unit_m= sets it).")
    labelled = any(pair.labels for pair in pairs)
    info = RecordingInfo(
        path=path,
        layout="tum",
        name=sidecar.name or path.resolve().name,
        label_set=given.label_set or sidecar.label_set,
        truth_origin=sidecar.labels.origin if labelled else None,
        predictions=tuple(map(str, sidecar.labels.made_by)) if labelled else (),
        details=dict(sidecar.details)
        | ({"calibration": ", ".join(cameras.sources)} if cameras.sources and not sidecar.intrinsics else {}),
        warnings=(*listing.warnings, *warnings),
        notes=tuple(notes),
        gaps=gaps_of(pairs) if stamps else (),
        is_counted=bool(stamps),
    )
    invalid = given.invalid_depth or sidecar.invalid_depth or 0
    first_s = float(listing.color_s[listing.rows[0][0]])
    start_ns = round(first_s * 1e6) * 1000 if first_s > _FIRST_DATE_S else None
    started = start_ns if sidecar.start_ns is None else sidecar.start_ns
    return PictureReader(info, pairs, times_of(pairs), geometry, invalid, sidecar.labels, start_ns=started)


class _Listing(NamedTuple):
    """Pairs in the order of time.

    Attributes:
        color_s: (N,) seconds of the colour pictures.
        rows: Of each pair its place in the list of colour, its colour and its depth picture.
        are_numbers: Whether the times are only numbers of frames.
        warnings: What was left out.
        notes: What was found out.
    """

    color_s: NDArray[np.float64]
    rows: list[tuple[int, Path, Path]]
    are_numbers: bool
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


def _from_lists(path: Path, most_s: float) -> _Listing:
    (color_s, colors), (depth_s, depths) = (_read_list(path, name) for name in _LISTS)
    unit_s, notes = _clock(color_s)
    color_s, depth_s = color_s * unit_s, depth_s * unit_s
    matched = associate(color_s, depth_s, most_s)
    if not matched:
        after = np.clip(np.searchsorted(depth_s, color_s), 0, len(depth_s) - 1)
        apart = np.minimum(np.abs(color_s - depth_s[after]), np.abs(color_s - depth_s[np.maximum(after - 1, 0)]))
        enough = float(np.ceil(np.percentile(apart, 90) * 1000 + 1) / 1000)
        hint = f"?max_difference={enough:g} would pair most of them" if enough <= 1 else "are they of one recording?"
        raise RecordingError(
            f"{path}: none of {len(colors)} colour and {len(depths)} depth pictures are within {most_s * 1000:g} ms of "
            f"each other; {hint}"
        )
    alone = len(colors) - len(matched)
    warnings = [f"{alone} colour picture{'s' if alone > 1 else ''} without depth in time left out"] if alone else []
    if alone > len(matched):
        warnings.append(f"Most colour pictures have no depth within {most_s * 1000:g} ms: ?max_difference= sets more.")
    rows = [(i, colors[i], depths[j]) for i, j in matched]
    return _Listing(color_s, rows, False, tuple(warnings), notes)


def _from_associations(path: Path) -> _Listing:
    """The pairs as `associate.py` wrote them: `time file time file`, in either order."""
    file = _associations(path)
    if file is None:
        raise RecordingError(f"{path} has no list of pictures any more")
    found = []
    for number, line in enumerate(read_text(file, _MAX_LIST_BYTES).splitlines(), 1):
        words = line.split("#", 1)[0].replace(",", " ").split()
        if not words:
            continue
        origin = f"{file}, line {number}"
        times = [_seconds(words[i]) if len(words) > i else math.nan for i in (0, 2)]
        if len(words) < 4 or not all(abs(value) < 1e20 for value in times):
            raise RecordingError(f"{origin}: expected 'timestamp file timestamp file', found {line!r:.100}")
        first, second = (_inside(path, words[i], origin) for i in (1, 3))
        is_depth_first = "depth" in str(words[1]).lower() and "depth" not in str(words[3]).lower()
        found.append((times[1], second, first) if is_depth_first else (times[0], first, second))
    if not found:
        raise RecordingError(f"{file} lists no pictures")
    found.sort(key=lambda row: row[0])
    times_s = np.array([row[0] for row in found])
    rows = [(i, color, depth) for i, (_, color, depth) in enumerate(found)]
    if len(found) > 1 and np.all(times_s == np.round(times_s)) and np.median(np.diff(times_s)) == 1:
        note = f"The times in {file.name} are numbers of frames: 30 a second are assumed, and ICL-NUIM's camera."
        return _Listing(times_s / _NUMBERED_FPS, rows, True, (), (note,))
    unit_s, notes = _clock(times_s)
    return _Listing(times_s * unit_s, rows, False, (), notes)


def _associations(path: Path) -> Path | None:
    """The list of pairs in a folder, None where there is none."""
    for name in ("associations.txt", "association.txt", "associate.txt", "associated.txt", "assoc.txt"):
        if (path / name).is_file():
            return path / name
    return None


def _clock(times: NDArray[np.float64]) -> tuple[float, tuple[str, ...]]:
    """Seconds of the number 1 by the usual interval (a camera takes 0.2 to 200 pictures a second), and a note."""
    intervals = np.diff(np.unique(times))
    usual = float(np.median(intervals)) if len(intervals) else 0.0
    for least, unit_s, name in ((5e6, 1e-9, "nanoseconds"), (5e3, 1e-6, "microseconds"), (5.0, 1e-3, "milliseconds")):
        if usual >= least:
            return unit_s, (f"Times are taken for {name}, by their intervals.",)
    return 1.0, ()


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def associate(
    first_s: NDArray[np.float64], second_s: NDArray[np.float64], max_difference_s: float
) -> list[tuple[int, int]]:
    """Pairs two series of times one to one, nearest first, as the benchmark's `associate.py` does.

    Args:
        first_s: (N,) seconds, increasing.
        second_s: (M,) seconds, increasing.
        max_difference_s: Longest difference within a pair.

    Returns:
        Positions (in the first, in the second), in the order of the first.
    """
    candidates = []
    starts = np.searchsorted(second_s, first_s - max_difference_s, side="left")
    ends = np.searchsorted(second_s, first_s + max_difference_s, side="right")
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        # A few neighbours are enough; a list with the same time over and over must not cost N * M.
        nearest = int(np.clip(np.searchsorted(second_s, first_s[i]), start, max(start, end - 1)))
        for j in range(max(int(start), nearest - 4), min(int(end), nearest + 5)):
            candidates.append((abs(float(first_s[i] - second_s[j])), i, j))
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, j in sorted(candidates):
        if i not in pairs and j not in taken:
            pairs[i] = j
            taken.add(j)
    return sorted(pairs.items())


def _read_list(folder: Path, name: str) -> tuple[NDArray[np.float64], list[Path]]:
    """The times in seconds and the files of one list, sorted by time."""
    rows = []
    for number, line in enumerate(read_text(folder / name, _MAX_LIST_BYTES).splitlines(), 1):
        text = line.split("#", 1)[0].replace(",", " ").split(maxsplit=1)
        if not text:
            continue
        seconds = _seconds(text[0])
        if len(text) != 2 or not abs(seconds) < 1e20:  # True for NaN too.
            raise RecordingError(f"{folder / name}, line {number}: expected 'timestamp file', found {line!r:.100}")
        rows.append((seconds, _inside(folder, text[1].strip(), f"{folder / name}, line {number}")))
    if not rows:
        raise RecordingError(f"{folder / name} lists no pictures")
    rows.sort(key=lambda row: row[0])
    return np.array([row[0] for row in rows]), [row[1] for row in rows]


def _inside(folder: Path, name: str, origin: str) -> Path:
    """A listed file, which must lie in the recording's own folder."""
    listed = PurePosixPath(name.replace("\\", "/"))
    if listed.is_absolute() or ".." in listed.parts or PureWindowsPath(name).drive or "\0" in name:
        raise RecordingError(f"{origin}: {name!r:.100} is outside the recording's folder and is not read")
    return folder / listed


def _make_pairs(folder: Path, listing: _Listing, stamps: Mapping[str, Stamp]) -> list[PicturePair]:
    """The frames; with our own list of them their numbers, clocks and who made their labels come from there."""
    start_us: int | None = None
    pairs = []
    for i, color, depth in listing.rows:
        listed_us = round(float(listing.color_s[i]) * 1e6)
        stamp = stamps.get(color.stem) or Stamp(i, listed_us, listed_us, "")
        start_us = stamp.time_us if start_us is None else start_us
        label, instances = (folder / kind / f"{color.stem}.png" for kind in ("label", "label_instance"))
        own = folder / CALIBRATION_FOLDER / f"{color.stem}.json"
        pairs.append(
            PicturePair(
                color=color,
                depth=depth,
                index=stamp.index,
                time_us=stamp.time_us - start_us,
                device_us=stamp.device_us,
                labels=label if label.is_file() else None,
                instances=instances if instances.is_file() else None,
                calibration=own if stamps and own.is_file() else None,
                made_by=stamp.labels,
            )
        )
    return pairs
