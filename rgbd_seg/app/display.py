"""How frames are to be drawn: one frozen value that every view reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rgbd_seg.app.settings import Settings
    from rgbd_seg.labels import LabelSet, Rgb

PaletteName = Literal["standard", "colour-blind"]


@dataclass(frozen=True, slots=True)
class Display:
    """What the panels have chosen about drawing.

    Attributes:
        opacity: Of labels over colour, 0..1.
        edges: Whether borders between classes are darkened.
        depth_map: Name of the depth colour map.
        near_m: Near end of the depth colours; None for automatic.
        far_m: Far end.
        hidden: Class names that are not drawn.
        solo: The only class name that is drawn, None for all.
        lit: The class name that the pointer is on, None for none.
        palette: Which colours classes have.
        colors: Colours by class name that somebody chose by hand.
        names: Other names for classes, by the name that the model has for them.
        wipe: Where the first model's picture ends and the second's begins, 0..1 across.
    """

    opacity: float = 0.55
    edges: bool = True
    depth_map: str = "turbo"
    near_m: float | None = None
    far_m: float | None = None
    hidden: frozenset[str] = frozenset()
    solo: str | None = None
    lit: str | None = None
    palette: PaletteName = "standard"
    colors: Mapping[str, Rgb] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    wipe: float = 0.5

    def shows(self, name: str) -> bool:
        """Whether a class is drawn."""
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


def display_from(settings: Settings) -> Display:
    """What was chosen when the window was last closed."""
    return Display(
        opacity=settings.opacity,
        edges=settings.edges,
        depth_map=settings.depth_map,
        near_m=settings.near_m,
        far_m=settings.far_m,
        palette=settings.palette,  # type: ignore[arg-type]  # The settings accept only permitted words.
        colors={name: (rgb[0], rgb[1], rgb[2]) for name, rgb in settings.colors.items()},
    )


def color_blind_palette(label_set: LabelSet) -> np.ndarray:
    """Colours by id that differ in lightness and along blue-yellow, the axes that red-green blindness leaves.

    Points of a lightness and blue-yellow plane of OKLab (Ottosson 2020) with a small red-green part, in an order in
    which neighbours are far apart: classes next to each other in the set get the largest distances.

    Returns:
        (256, 3) uint8 RGB; row 0 and rows beyond the set are black.
    """
    count = len(label_set)
    steps = np.arange(count)
    lightness = 0.35 + 0.58 * np.modf(steps * 0.6180339887 + 0.15)[0]
    # Very light and very dark colours have little room for chroma.
    room = 0.16 * (1 - np.abs(lightness - 0.65) / 0.55)
    blue_yellow = room * (2 * np.modf(steps * 0.7548776662 + 0.3)[0] - 1)
    table = np.zeros((256, 3), np.uint8)
    table[1 : count + 1] = _oklab_to_rgb(lightness, np.where(steps % 2, 0.02, -0.02), blue_yellow)
    return table


def _oklab_to_rgb(lightness: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, 3) uint8 sRGB from OKLab, by the published matrices (https://bottosson.github.io/posts/oklab)."""
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = np.stack(
        [
            4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
            -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
            -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
        ],
        axis=-1,
    ).clip(0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(srgb * 255).astype(np.uint8)
