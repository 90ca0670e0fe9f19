"""Recordings in the layout of the TUM RGB-D benchmark: `rgb.txt` and `depth.txt` list `timestamp file` by line.

Colour and depth were taken at slightly different times; each depth picture goes with the colour picture nearest in
time, within 20 ms, as in the benchmark's own `associate.py`. Depth is 16-bit PNG with 5000 counts a metre.
"""

from __future__ import annotations

import math
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.calibration import Intrinsics
from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.pictures.pair_reader import PictureOptions, PicturePair, PictureReader, times_of
from rgbd_seg.recording.pictures.sidecar import Geometry, Sidecar, find_matrix, read_sidecar, read_text
from rgbd_seg.recording.reader import RecordingInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Metres per count that the benchmark uses.
TUM_DEPTH_UNIT_M = 1 / 5000
#: Longest time between the two pictures of a pair.
MAX_DIFFERENCE_S = 0.02

_LISTS = ("rgb.txt", "depth.txt")
_MAX_LIST_BYTES = 100_000_000
# The benchmark's own recommendation for all its sequences.
_USUAL = Intrinsics(640, 480, 525.0, 525.0, 319.5, 239.5)


def matches(path: Path) -> bool:
    """Whether a path is a folder with both lists."""
    return all((path / name).is_file() for name in _LISTS)


def open_reader(path: Path, **options: str) -> PictureReader:
    """Opens a TUM folder.

    Args:
        path: The folder with `rgb.txt` and `depth.txt`.
        options: `depth_unit_m`, `invalid_depth`, `label_set`, `registered`.

    Raises:
        RecordingError: A list cannot be read, names files outside the folder, or nothing pairs up in time.
        ConfigurationError: An option is unknown or out of its range.
    """
    given = PictureOptions.parse(options)
    sidecar = read_sidecar(path) or Sidecar()
    (color_s, colors), (depth_s, depths) = (_read_list(path, name) for name in _LISTS)
    matches_ = associate(color_s, depth_s, MAX_DIFFERENCE_S)
    if not matches_:
        raise RecordingError(
            f"{path}: none of {len(colors)} colour and {len(depths)} depth pictures are within "
            f"{MAX_DIFFERENCE_S * 1000:g} ms of each other: rgb.txt and depth.txt are not of the same recording"
        )
    warnings = []
    alone = len(colors) - len(matches_)
    if alone:
        warnings.append(f"{alone} colour picture{'s' if alone > 1 else ''} without depth in time left out")
    pairs = _make_pairs(path, color_s, colors, depths, matches_)
    geometry = Geometry(
        depth_unit_m=given.depth_unit_m or sidecar.depth_unit_m or TUM_DEPTH_UNIT_M,
        registered=next(v for v in (given.registered, sidecar.registered, True) if v is not None),
        intrinsics=sidecar.intrinsics,
        matrix=find_matrix(path),
        usual=_USUAL,
        origins=given.origins(sidecar),
    )
    labelled = any(pair.labels for pair in pairs)
    info = RecordingInfo(
        path=path,
        layout="tum",
        name=sidecar.name or path.resolve().name,
        label_set=given.label_set or sidecar.label_set,
        truth_origin=sidecar.labels.origin if labelled else None,
        predictions=tuple(map(str, sidecar.labels.made_by)) if labelled else (),
        details=sidecar.details,
        warnings=tuple(warnings),
    )
    invalid = given.invalid_depth or sidecar.invalid_depth or 0
    return PictureReader(info, pairs, times_of(pairs), geometry, invalid, sidecar.labels)


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
        try:
            seconds = float(text[0])
        except ValueError:
            seconds = math.nan
        if len(text) != 2 or not abs(seconds) < 1e12:  # True for NaN too.
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


def _make_pairs(
    folder: Path,
    color_s: NDArray[np.float64],
    colors: list[Path],
    depths: list[Path],
    matched: list[tuple[int, int]],
) -> list[PicturePair]:
    labels = folder / "label"
    start_us = round(float(color_s[matched[0][0]]) * 1e6)
    pairs = []
    for i, j in matched:
        device_us = round(float(color_s[i]) * 1e6)
        label = labels / f"{colors[i].stem}.png"
        pairs.append(
            PicturePair(
                color=colors[i],
                depth=depths[j],
                index=i,
                time_us=device_us - start_us,
                device_us=device_us,
                labels=label if label.is_file() else None,
            )
        )
    return pairs
