"""How frames are to be drawn: one frozen value that every view reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Literal

import numpy as np

from rgbd_seg.labels import LabelSet, Rgb

PaletteName = Literal["standard", "colour-blind"]


_STEPS = 12  # Of each channel, among which the colours are looked for.
_DARKEST, _LIGHTEST = 0.35, 0.95  # Lightness in OKLab.
_FIRST = (0.8, 0.0, 0.0)  # In OKLab.
#: What linear sRGB looks like without the red and without the green cones (Machado, Oliveira, Fernandes 2009).
_DICHROMATS = (
    np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
)
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


@dataclass(frozen=True, slots=True)
class Style:
    """What is chosen about drawing and comes back next time.

    Attributes:
        opacity: Of labels over colour, 0..1.
        edges: Whether borders between classes are darkened.
        depth_map: Name of the depth colour map.
        near_m: Near end of the depth colours; None for automatic.
        far_m: Far end.
        palette: Which colours classes have.
        colors: Colours by class name that somebody chose by hand.
    """

    opacity: float = 0.55
    edges: bool = True
    depth_map: str = "turbo"
    near_m: float | None = None
    far_m: float | None = None
    palette: PaletteName = "standard"
    colors: Mapping[str, Rgb] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Display(Style):
    """What the panels have chosen about drawing: the style, and what belongs to what is on screen.

    Attributes:
        hidden: Class names that are not drawn.
        solo: The only class name that is drawn, None for all.
        lit: The class name that the pointer is on, None for none.
        names: Other names for classes, by the name that the model has for them.
        wipe: Where the first model's picture ends and the second's begins, 0..1 across.
    """

    hidden: frozenset[str] = frozenset()
    solo: str | None = None
    lit: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    wipe: float = 0.5

    @classmethod
    def of(cls, style: Style) -> Display:
        """Everything drawn in that style."""
        return cls(**{one.name: getattr(style, one.name) for one in fields(Style)})

    @property
    def style(self) -> Style:
        """What of it comes back next time."""
        return Style(**{one.name: getattr(self, one.name) for one in fields(Style)})

    def shows(self, name: str) -> bool:
        return name == self.solo if self.solo is not None else name not in self.hidden

    def class_colors(self, label_set: LabelSet) -> np.ndarray:
        """(256, 3) uint8 RGB by id: the chosen palette, then what was chosen by hand."""
        table = color_blind_palette(label_set) if self.palette == "colour-blind" else label_set.palette()
        for position, one in enumerate(label_set.classes, start=1):
            if one.name in self.colors:
                table[position] = self.colors[one.name]
        return table

    def named_colors(self, label_set: LabelSet) -> dict[str, Rgb]:
        """The same by class name."""
        table = self.class_colors(label_set).tolist()
        return {name: (*table[label],) for label, name in enumerate(label_set.names, start=1)}

    def chosen_name(self, name: str) -> str:
        """A class's name in files: renamed where the user renamed it."""
        return self.names.get(name, name)

    def shown_name(self, name: str) -> str:
        """A class's name as the user reads it: renamed where they renamed it, without underscores."""
        return self.chosen_name(name).replace("_", " ")

    def visible(self, label_set: LabelSet) -> np.ndarray:
        """(256,) bool by id: whether the class is drawn; False for id 0 and for ids outside the set."""
        table = np.zeros(256, bool)
        table[1 : len(label_set) + 1] = [self.shows(name) for name in label_set.names]
        return table


def color_blind_palette(label_set: LabelSet) -> np.ndarray:
    """Colours by id that eyes without the red or without the green cones tell apart.

    Begins with a light grey for the first class, mostly the wall, and goes on with the colour that is farthest from all
    before it as such eyes see it, so that a set of few classes gets the largest distances.

    Returns:
        (256, 3) uint8 RGB; row 0 and rows beyond the set are black.
    """
    return _color_blind_table(len(label_set)).copy()


@lru_cache
def _color_blind_table(count: int) -> np.ndarray:
    steps = np.linspace(0, 1, _STEPS)
    rgb = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    lab = _oklab(_linear(rgb))
    usable = (lab[:, 0] >= _DARKEST) & (lab[:, 0] <= _LIGHTEST)  # Black is no depth, white the marks over a picture.
    rgb, lab = rgb[usable], lab[usable]
    seen = [_oklab((_linear(rgb) @ matrix.T).clip(0, 1)) for matrix in _DICHROMATS]
    newest = int(np.argmin(np.linalg.norm(lab - _FIRST, axis=1)))
    distance = np.full(len(rgb), np.inf)
    table = np.zeros((256, 3), np.uint8)
    for position in range(1, count + 1):
        table[position] = np.round(rgb[newest] * 255)
        for place in seen:
            distance = np.minimum(distance, np.linalg.norm(place - place[newest], axis=1))
        newest = int(np.argmax(distance))
    return table


def _linear(srgb: np.ndarray) -> np.ndarray:
    """(N, 3) linear light from sRGB, both 0..1."""
    return np.asarray(np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4))


def _oklab(linear: np.ndarray) -> np.ndarray:
    """(N, 3) OKLab from linear sRGB, by the published matrices (https://bottosson.github.io/posts/oklab)."""
    cones = np.cbrt(linear @ _TO_CONES.T)
    return np.asarray(cones @ _TO_OKLAB.T)
