"""What is in a labelled data set: class shares, void, holes and bad files, to be looked at before a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from rgbd_seg.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from training.data.sample import LabelledPictures

_NAMED_AT_MOST = 10
_PRESENT = 0.001  # Share of a picture from which on a class counts as shown in it: less is a slip of the pen.
_HIGHEST_WEIGHT = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What was found.

    Attributes:
        names: The class names, in order.
        pixels: (pictures, classes + 1) int64 pixels by label id, of the pictures that could be read; 0 is void.
        holes: Share of the pixels that have no depth.
        depth_m: Mean and standard deviation of the depth that there is, in metres; NaN if there is none.
        sizes: Sizes of pictures (height, width) and how many have them.
        bad: What is wrong with those that could not be read, each with its file.
    """

    names: Sequence[str]
    pixels: NDArray[np.int64]
    holes: float
    depth_m: tuple[float, float]
    sizes: dict[tuple[int, int], int]
    bad: Sequence[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        total = self.pixels.sum(0)
        labelled = max(1, int(total[1:].sum()))
        weights, shown = median_frequency_weights(self.pixels), _shown(self.pixels).sum(0)
        return {
            "pictures": len(self.pixels),
            "sizes": {f"{width}x{height}": count for (height, width), count in self.sizes.items()},
            "void": float(total[0] / max(1, total.sum())),
            "holes": self.holes,
            "depth_mean_m": self.depth_m[0],
            "depth_std_m": self.depth_m[1],
            "classes": {
                name: {
                    "share": float(total[place + 1] / labelled),
                    "pictures": int(shown[place]),
                    "auto_weight": float(weights[place]),
                }
                for place, name in enumerate(self.names)
            },
            "bad": list(self.bad),
        }

    def __str__(self) -> str:
        found = self.to_dict()
        width = max(map(len, self.names))
        sizes = ", ".join(f"{count} of {size}" for size, count in found["sizes"].items())
        lines = [f"{found['pictures']} pictures ({sizes})", f"void {found['void']:.1%} of the pixels"]
        lines.append(
            f"without depth {self.holes:.1%}, the others {self.depth_m[0]:.2f} m, deviation {self.depth_m[1]:.2f} m"
        )
        lines.append(f"{'class':{width}}   share  pictures  class_weights: auto")
        for name, one in found["classes"].items():
            lines.append(f"{name:{width}}  {one['share']:6.2%}  {one['pictures']:8}  {one['auto_weight']:.2f}")
        absent = [name for name, one in found["classes"].items() if not one["share"]]
        if absent:
            lines.append(f"nowhere: {', '.join(absent)}")
        if self.bad:
            rest = f" and {len(self.bad) - _NAMED_AT_MOST} more" if len(self.bad) > _NAMED_AT_MOST else ""
            lines.append(f"{len(self.bad)} cannot be used: {'; '.join(self.bad[:_NAMED_AT_MOST])}{rest}")
        return "\n".join(lines)


def survey(pictures: LabelledPictures, limit: int | None = None, *, progress: bool = True) -> Survey:
    """Reads pictures and counts.

    Args:
        pictures: The set.
        limit: Only so many pictures, spread over the set; None for all.
        progress: Whether to show how far it is.

    Raises:
        ConfigurationError: No picture can be read.
    """
    counts: list[NDArray[np.int64]] = []
    bad: list[str] = []
    sizes: dict[tuple[int, int], int] = {}
    measured = total = first = second = 0.0
    for index in tqdm(_spread(len(pictures), limit), desc="looking", unit="picture", disable=not progress):
        try:
            sample = pictures.read(index)
        except (ConfigurationError, OSError) as error:
            bad.append(str(error))
            continue
        counts.append(_count(sample.label, len(pictures.label_set)))
        size = (sample.label.shape[0], sample.label.shape[1])
        sizes[size] = sizes.get(size, 0) + 1
        depth = sample.depth_m[sample.depth_m > 0].astype(np.float64)
        measured, total = measured + depth.size, total + sample.depth_m.size
        first, second = first + depth.sum(), second + (depth**2).sum()
    if not counts:
        raise ConfigurationError(f"no picture can be read: {'; '.join(bad[:_NAMED_AT_MOST])}")
    mean = first / measured if measured else float("nan")
    deviation = float(np.sqrt(max(0.0, second / measured - mean**2))) if measured else float("nan")
    return Survey(pictures.label_set.names, np.stack(counts), 1 - measured / total, (mean, deviation), sizes, bad)


def class_pixels(pictures: LabelledPictures, limit: int | None = None) -> NDArray[np.int64]:
    """Pixels by label id of pictures, of which only the labels are decoded where the set can.

    Args:
        pictures: The set.
        limit: Only so many pictures, spread over the set; None for all.

    Returns:
        (pictures, classes + 1) int64; column 0 is void.
    """
    indices = _spread(len(pictures), limit)
    return np.stack([_count(pictures.read_label(index), len(pictures.label_set)) for index in indices])


def median_frequency_weights(pixels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weights of classes in a loss: the median of all classes' frequencies over the class's own, none above 5.

    A class's frequency is its share of the labelled pixels of the pictures that show it (Eigen and Fergus, "Predicting
    Depth, Surface Normals and Semantic Labels", 2015). A class that nothing shows has weight 1.

    Args:
        pixels: As `class_pixels` gives them.

    Returns:
        (classes,) float64.
    """
    by_class = pixels[:, 1:]
    labelled = by_class.sum(1, keepdims=True)
    shows = by_class > 0
    around = (shows * labelled).sum(0)
    frequency = np.divide(by_class.sum(0), around, out=np.full(by_class.shape[1], np.nan), where=around > 0)
    if not np.isfinite(frequency).any():
        return np.ones(by_class.shape[1])
    weights: NDArray[np.float64] = np.minimum(np.nanmedian(frequency) / frequency, _HIGHEST_WEIGHT)
    return np.where(np.isnan(weights), 1.0, weights)


def repeat_factors(pixels: NDArray[np.int64]) -> NDArray[np.float64]:
    """How often each picture is to come in the time that a common one comes once, 1 to 5.

    That of its rarest class: the square root of the median over the class's share of pictures, as in "repeat factor
    sampling" (Gupta et al., "LVIS", 2019), whose threshold is fixed.

    Args:
        pixels: As `class_pixels` gives them, of every picture.

    Returns:
        (pictures,) float64.
    """
    shown = _shown(pixels)
    share = shown.mean(0)
    occurs = share > 0
    if not occurs.any():
        return np.ones(len(pixels))
    wanted = np.ones(len(share))
    wanted[occurs] = np.clip(np.sqrt(np.median(share[occurs]) / share[occurs]), 1, _HIGHEST_WEIGHT)
    factors: NDArray[np.float64] = np.where(shown, wanted, 1.0).max(1)
    return factors


def _shown(pixels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(pictures, classes) which classes a picture shows."""
    shown: NDArray[np.bool_] = pixels[:, 1:] >= np.maximum(1, _PRESENT * pixels.sum(1, keepdims=True))
    return shown


def _count(label: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    return np.bincount(label.ravel(), minlength=classes + 1)[: classes + 1].astype(np.int64)


def _spread(count: int, limit: int | None) -> list[int]:
    return [int(index) for index in np.unique(np.linspace(0, count - 1, min(count, limit or count)).astype(int))]
