"""`show`: any sample before and after augmentation, as one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.errors import ConfigurationError
from training.data.augment import augment, transform_names
from training.drawing import labelled_grid, sample_row

if TYPE_CHECKING:
    from pathlib import Path

    from training.data.augment import Augmentation
    from training.data.data_module import RgbdData, Split
    from training.data.sample import Sample

_SUFFIXES = (".png", ".jpg", ".jpeg", ".pdf", ".svg")


def show(
    data: RgbdData,
    split: Split,
    index: int,
    output: Path,
    kind: Augmentation | None = None,
    draws: int = 3,
    seed: int = 0,
) -> str:
    """Draws colour, depth and truth of a sample: as stored, and as the network meets it.

    Args:
        data: The data module.
        split: Which split.
        index: Which sample of it.
        output: The picture to write.
        kind: Which augmentation; None for the data's own.
        draws: How many augmented versions.
        seed: Of the first version; the next has the next one.

    Returns:
        What was drawn, in sentences.

    Raises:
        ConfigurationError: There is no such sample, or no such kind of picture.
    """
    if output.suffix.lower() not in _SUFFIXES:
        raise ConfigurationError(f"the picture {output} must end in one of {', '.join(_SUFFIXES)}")
    kind = kind or data.augmentation
    sample = read_sample(data, split, index)
    palette = data.label_set.palette()
    pictures = data.pictures(split)
    seeds = range(seed, seed + draws)
    versions = [augment(pictures.draw(index, one), kind, data.size, one, data.zoom) for one in seeds]
    rows = [sample_row(s.color, s.depth_m, s.label, None, palette) for s in (sample, *versions)]
    # Stored pictures may have another aspect than the network's input.
    width = max(row.shape[1] for row in rows)
    rows = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    height, wide = sample.label.shape
    titles = [f"{sample.name}, {sample.sensor}, {wide}x{height}, as stored: colour, depth, {data.predicted or 'truth'}"]
    titles += [f"{kind} augmentation, seed {seed + i}, {data.size[1]}x{data.size[0]}" for i in range(draws)]
    labelled_grid(rows, titles, data.label_set.names, palette).savefig(output, dpi=100)
    holes = float((sample.depth_m == 0).mean())
    void = float((sample.label == 0).mean())
    present = [data.label_set.name_of(int(i)) for i in np.unique(sample.label) if i]
    lines = [f"{output}: {sample.name} ({split} {index} of {len(pictures)})"]
    lines.append(f"depth holes {holes:.1%}, void {void:.1%}, classes: {', '.join(present)}")
    if names := transform_names(kind, (height, wide)):
        lines.append(f"{kind}: {', '.join(names)}")
    return "\n".join(lines)


def read_sample(data: RgbdData, split: Split, index: int) -> Sample:
    """One sample of a split.

    Raises:
        ConfigurationError: There is no such index.
    """
    pictures = data.pictures(split)
    if not 0 <= index < len(pictures):
        raise ConfigurationError(f"the split {split} has the samples 0..{len(pictures) - 1}, not {index}")
    return pictures.read(index)
