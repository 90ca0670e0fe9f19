"""Labels as other tools see them: their own class names, and a label map for each picture that they name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import MAX_SIDE
from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.labels import MAX_CLASSES, LabelClass, LabelSet, distinct_colors

#: Names that mean "nobody has said what this is" in one set, and are a class of their own in another.
DOUBTFUL_NAMES = frozenset(
    {"background", "bg", "unlabeled", "unlabelled", "void", "ignore", "_background_", "__ignore__"}
)
_MAX_PIXELS = 50_000_000
_MAX_POINTS = 100_000

Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """One picture with its labels.

    Attributes:
        name: The picture's name without folder and suffix.
        labels: (H, W) uint8 ids, 0 = void.
        picture: The picture's file, None where it is elsewhere.
    """

    name: str
    labels: NDArray[np.uint8]
    picture: Path | None = None


@dataclass(frozen=True, slots=True)
class Annotations:
    """Opened labels.

    Attributes:
        classes: Names of the ids 1..n, as the other tool calls them.
        colors: Their colours, None where the tool has none.
        pictures: Makes the pictures, decoding each when it is asked for.
        messages: What was left out, in whole sentences; filled while pictures are made.
    """

    classes: Sequence[str]
    colors: Sequence[Rgb] | None
    pictures: Callable[[], Iterator[Labelled]]
    messages: list[str] = field(default_factory=list)


def mapped_classes(
    found: Annotations, wanted: Mapping[str, str], background: str | None, known: LabelSet | None
) -> tuple[LabelSet, NDArray[np.uint8]]:
    """Which class each foreign class becomes.

    Args:
        found: The foreign labels.
        wanted: Our name by foreign name; "" makes void of it. Names that are not in it keep theirs.
        background: "void" or "class": what a class called "background" or the like is; None has not been decided.
        known: Our classes so far, which keep their ids; None begins with those that come.

    Returns:
        The classes, and (256,) uint8 our id by foreign id.

    Raises:
        ConfigurationError: A name in `wanted` is none of theirs, there are too many classes, or `background` must be
            decided first.
    """
    unknown = sorted(wanted.keys() - set(found.classes))
    if unknown:
        raise ConfigurationError(f"there is no class {unknown[0]!r} in these labels, but {', '.join(found.classes)}")
    doubtful = [name for name in found.classes if name.lower() in DOUBTFUL_NAMES and name not in wanted]
    if doubtful and background is None:
        raise ConfigurationError(
            f"these labels have a class {doubtful[0]!r}. Say whether it means that nothing is known there "
            "(--background void) or is a class to be learned like the others (--background class)"
        )
    classes = list(known.classes) if known else []
    table = np.zeros(256, np.uint8)
    fresh = distinct_colors(len(classes) + len(found.classes))
    for foreign, name in enumerate(found.classes, start=1):
        ours = wanted.get(name, "" if name in doubtful and background == "void" else name)
        if not ours:
            continue
        names = [one.name for one in classes]
        if ours not in names:
            color = found.colors[foreign - 1] if found.colors else fresh[len(classes)]
            classes.append(LabelClass(ours, color))
            names.append(ours)
        if len(classes) > MAX_CLASSES:
            raise ConfigurationError(f"there would be more than {MAX_CLASSES} classes: map some onto others with --map")
        table[foreign] = names.index(ours) + 1
    if not classes:
        raise ConfigurationError("no class is left: all of them would become void")
    return LabelSet(known.name if known else "labels", tuple(classes)), table


def picture_name(path: str) -> str:
    """The name of a picture without its folders, of either kind of system, and without suffix."""
    return PurePosixPath(path.replace("\\", "/")).stem


def files_in(folder: Path, suffix: str, *, below: bool = False) -> list[Path]:
    """The files of a folder, or of all folders below it, by their suffix in small or capital letters; in order."""
    found = folder.rglob("*") if below else folder.glob("*")
    return sorted(file for file in found if file.suffix.lower() == suffix and not file.name.startswith("."))


def check_size(width: object, height: object, origin: str) -> tuple[int, int]:
    """Height and width that a file claims, if a picture can have them.

    Raises:
        RecordingError: It cannot.
    """
    for side in (width, height):
        if isinstance(side, bool) or not isinstance(side, int) or not 1 <= side <= MAX_SIDE:
            raise RecordingError(f"{origin}: the picture's size must be 1 to {MAX_SIDE} pixels, not {side!r:.40}")
    columns, rows = int(str(width)), int(str(height))
    if columns * rows > _MAX_PIXELS:
        raise RecordingError(f"{origin}: {columns}x{rows} pixels are too many for a camera's picture")
    return rows, columns


def check_classes(names: Sequence[str], origin: str) -> None:
    """Refuses more classes than ids.

    Raises:
        RecordingError: There are.
    """
    if not 1 <= len(names) <= MAX_CLASSES:
        raise RecordingError(f"{origin} has {len(names)} classes; 1 to {MAX_CLASSES} are possible")


def polygon_mask(points: Sequence[Sequence[float]] | NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels whose centre lies within a polygon of pixel corners: (H, W) bool.

    Args:
        points: Columns and rows; 0 is the left or upper edge of the first pixel.
        size: (height, width).

    Raises:
        RecordingError: They are no points.
    """
    try:
        corners = np.asarray(points, np.float64).reshape(-1, 2)
    except (TypeError, ValueError) as error:
        raise RecordingError(f"an outline must be pairs of numbers: {error}") from None
    height, width = size
    if len(corners) > _MAX_POINTS or not np.isfinite(corners).all():
        raise RecordingError(f"an outline has {len(corners)} points or coordinates that are no numbers")
    if len(corners) < 3:
        return np.zeros(size, bool)
    # In a picture of twice the size corners of pixels are even and centres odd: edges never run through a centre of
    # an outline that follows the pixels.
    doubled = np.clip(corners * 2, -4 * MAX_SIDE, 4 * MAX_SIDE)
    canvas = np.zeros((2 * height + 1, 2 * width + 1), np.uint8)
    cv2.fillPoly(canvas, [np.round(doubled * 16).astype(np.int32)], 1, shift=4)
    return np.asarray(canvas[1::2, 1::2] > 0)


def run_lengths(mask: NDArray[np.bool_]) -> list[int]:
    """Lengths of the runs of a mask, row by row, background first (0 where it begins with foreground)."""
    flat = mask.ravel()
    bounds = [0, *(np.flatnonzero(flat[1:] != flat[:-1]) + 1).tolist(), flat.size]
    runs = np.diff(bounds).tolist()
    return [0, *runs] if flat[:1].any() else runs


def mask_of_runs(runs: Sequence[int], shape: tuple[int, int], origin: str) -> NDArray[np.bool_]:
    """The mask of `run_lengths`.

    Raises:
        RecordingError: The runs do not cover the shape.
    """
    try:
        lengths = np.asarray(runs, np.int64)
    except (TypeError, ValueError, OverflowError):
        lengths = np.zeros(0, np.int64)
    if lengths.ndim != 1 or (lengths < 0).any() or (lengths > _MAX_PIXELS).any() or lengths.sum() > shape[0] * shape[1]:
        raise RecordingError(f"{origin}: the runs of a mask do not fit its {shape[1]}x{shape[0]} pixels")
    values = np.arange(len(lengths)) % 2 == 1
    flat = np.zeros(shape[0] * shape[1], bool)
    filled = np.repeat(values, lengths)
    flat[: len(filled)] = filled
    return flat.reshape(shape)
