"""What surfaces are made of: pattern, colours, gloss, and how much infrared comes back to a depth camera."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, replace

import numpy as np

Rgb = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Material:
    """A surface.

    Attributes:
        pattern: A layer of `patterns.LAYERS`.
        base: Colour (sRGB 0..1) where the pattern's first channel is 0.
        second: Colour where it is 1.
        accent: Colour where the pattern's third channel is 1 (joints, prints).
        repeats_per_m: How often the pattern repeats on a metre.
        gloss: 0 = matt, 1 = polished.
        infrared: Share of infrared that returns to the camera: 1 = white paint, 0 = glass or a mirror.
        glow: Light it gives by itself.
        direct: The pattern is a finished picture; colours are not used.
    """

    pattern: str = "plain"
    base: Rgb = (0.8, 0.8, 0.8)
    second: Rgb = (0.7, 0.7, 0.7)
    accent: Rgb = (0.5, 0.5, 0.5)
    repeats_per_m: float = 1.0
    gloss: float = 0.1
    infrared: float = 0.8
    glow: float = 0.0
    direct: bool = False


def hsv(hue: float, saturation: float, value: float) -> Rgb:
    """An sRGB colour from hue, saturation and value, each 0..1 (hue wraps)."""
    return colorsys.hsv_to_rgb(hue % 1.0, min(max(saturation, 0.0), 1.0), min(max(value, 0.0), 1.0))


def shade(color: Rgb, factor: float) -> Rgb:
    return tuple(min(1.0, max(0.0, c * factor)) for c in color)  # type: ignore[return-value]


def plain(color: Rgb, gloss: float = 0.15, infrared: float | None = None) -> Material:
    """Paint or plastic in one colour; dark colours return less infrared."""
    returned = 0.25 + 0.65 * max(color) if infrared is None else infrared
    return Material("plain", color, shade(color, 0.92), shade(color, 0.7), gloss=gloss, infrared=returned)


def picture(layer: str, glow: float = 0.0, gloss: float = 0.2, infrared: float = 0.7) -> Material:
    """A finished picture: print, screen, view from a window."""
    return Material(layer, gloss=gloss, infrared=infrared, glow=glow, direct=True)


def metal(rng: np.random.Generator) -> Material:
    """Chrome, brushed steel or painted metal."""
    value = rng.uniform(0.5, 0.85)
    color = hsv(rng.uniform(0, 1), 0.04, value)
    return Material("metal", color, shade(color, 0.8), gloss=0.8, infrared=0.45, repeats_per_m=2)


def wood(rng: np.random.Generator, lightness: float | None = None) -> Material:
    """Wood from beech to wenge, sometimes painted white."""
    light = rng.uniform(0.3, 0.85) if lightness is None else lightness
    color = hsv(rng.uniform(0.055, 0.105), rng.uniform(0.35, 0.65) * (1.25 - 0.6 * light), light)
    return Material(
        "wood",
        color,
        shade(color, rng.uniform(0.62, 0.82)),
        shade(color, 0.5),
        repeats_per_m=rng.uniform(0.8, 1.6),
        gloss=rng.uniform(0.1, 0.5),
        infrared=0.45 + 0.45 * light,
    )


def fabric(rng: np.random.Generator, *, patterned: float = 0.35, dark: float = 0.25) -> Material:
    """Cloth: mostly calm, sometimes striped, checked, dotted or flowery."""
    value = rng.uniform(0.15, 0.4) if rng.random() < dark else rng.uniform(0.4, 0.95)
    color = hsv(rng.random(), rng.uniform(0.03, 0.75) if rng.random() < 0.7 else 0.05, value)
    if rng.random() < patterned:
        pattern = str(rng.choice(["stripes", "checks", "dots", "floral", "damask"]))
        second = hsv(rng.random(), rng.uniform(0, 0.6), rng.uniform(0.2, 0.95))
        repeats = rng.uniform(2, 6)
    else:
        pattern, second, repeats = str(rng.choice(["weave", "knit"])), shade(color, 0.75), rng.uniform(4, 8)
    return Material(pattern, color, second, shade(second, 0.8), repeats, gloss=0.02, infrared=0.35 + 0.55 * value)


def leather(rng: np.random.Generator) -> Material:
    """Leather: black, brown, cream or red."""
    color = [(0.1, 0.1, 0.11), (0.33, 0.19, 0.11), (0.85, 0.79, 0.68), (0.45, 0.1, 0.1)][int(rng.integers(4))]
    return Material("leather", color, shade(color, 0.7), repeats_per_m=3, gloss=0.5, infrared=0.3 + 0.5 * max(color))


def lacquer(rng: np.random.Generator) -> Material:
    """Painted fronts of furniture: white, cream, grey or a colour."""
    pick = rng.random()
    if pick < 0.45:
        color = hsv(rng.uniform(0.08, 0.16), rng.uniform(0, 0.15), rng.uniform(0.8, 0.97))
    elif pick < 0.7:
        color = hsv(rng.random(), 0.06, rng.uniform(0.3, 0.75))
    else:
        color = hsv(rng.random(), rng.uniform(0.3, 0.75), rng.uniform(0.4, 0.85))
    return replace(plain(color), gloss=rng.uniform(0.2, 0.8))


def front(rng: np.random.Generator) -> Material:
    """The fronts of cabinets and dressers: wood or lacquer."""
    return wood(rng) if rng.random() < 0.6 else lacquer(rng)


CERAMIC = Material("plain", (0.95, 0.95, 0.94), (0.9, 0.9, 0.9), gloss=0.9, infrared=0.75)
GLASS = Material("plain", (0.75, 0.82, 0.84), gloss=1.0, infrared=0.0)
BLACK = Material("plain", (0.06, 0.06, 0.065), (0.05, 0.05, 0.05), gloss=0.5, infrared=0.2)
WHITE = Material("plain", (0.93, 0.93, 0.92), (0.88, 0.88, 0.88), gloss=0.2, infrared=0.9)
