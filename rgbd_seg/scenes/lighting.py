"""How a picture is lit and taken: exposure, white balance, light levels, softness, noise, motion blur."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.scenes.materials import hsv
from rgbd_seg.scenes.room import Room


@dataclass(frozen=True, slots=True)
class Lighting:
    """One way to take a picture.

    Attributes:
        exposure: Factor on the light; 1 is well exposed.
        balance: Factors on red, green, blue.
        ambient: Strength of the light from everywhere.
        ambient_tint: Its colour.
        lamp: Strength of the ceiling lamp.
        daylight: Strength of the window.
        key_shear: Slant of the lamp's shadows: metres sideways per metre of height.
        softness_px: Blur of lens and demosaicing, standard deviation in pixels of a 640-pixel-wide picture.
        noise: Standard deviation of the colour noise in counts of 255.
        motion_px: Motion blur (x, y) in pixels of a 640-pixel-wide picture.
        contrast: Steepness of the tone curve around the middle; 1 is neutral.
        saturation: 0 = grey, 1 = as it is.
    """

    exposure: float = 1.0
    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    ambient: float = 0.5
    ambient_tint: tuple[float, float, float] = (1.0, 0.98, 0.95)
    lamp: float = 1.0
    daylight: float = 1.0
    key_shear: tuple[float, float] = (0.2, 0.15)
    softness_px: float = 0.5
    noise: float = 3.0
    motion_px: tuple[float, float] = (0.0, 0.0)
    contrast: float = 1.0
    saturation: float = 1.0

    @property
    def light(self) -> NDArray[np.float32]:
        """Exposure and white balance as one factor."""
        return (np.asarray(self.balance) * self.exposure).astype(np.float32)


def calm_lighting(room: Room) -> Lighting:
    """The lighting of a live room, always the same: exposed as a camera's automatic exposure would, natural colours."""
    rng = np.random.default_rng([7005, room.seed])
    ambient, lamp, daylight = 0.5, rng.uniform(0.6, 0.9), rng.uniform(0.5, 1.0)
    # What falls on an average surface; the factors are the means of the shader's angles and distances over rooms.
    light = ambient + 0.6 * lamp * float(np.mean(room.lamp_color)) + 0.7 * daylight * float(np.mean(room.sun_color))
    return Lighting(
        exposure=float(np.clip(1.05 / light, 0.5, 1.5)),
        balance=_balance(rng, 0.04),
        ambient=ambient,
        lamp=lamp,
        daylight=daylight,
        key_shear=tuple(rng.uniform(-0.35, 0.35, 2)),
        noise=rng.uniform(1.5, 3.5),
    )


def wild_lighting(rng: np.random.Generator) -> Lighting:
    """Lighting for training: the widest range in which a person would still recognise the room."""
    blur = rng.random() < 0.25
    return Lighting(
        exposure=float(np.exp(rng.normal(0.05, 0.33))),
        balance=_balance(rng, 0.12),
        ambient=rng.uniform(0.3, 0.75),
        ambient_tint=hsv(rng.random(), rng.uniform(0, 0.15), 1.0),
        lamp=rng.uniform(0.1, 1.3),
        daylight=rng.uniform(0.0, 2.0),
        key_shear=tuple(rng.uniform(-0.5, 0.5, 2)),
        softness_px=rng.uniform(0.3, 1.3),
        noise=float(rng.gamma(2.0, 1.5)),
        motion_px=tuple(rng.normal(0, 4, 2)) if blur else (0.0, 0.0),
        contrast=rng.uniform(0.8, 1.35),
        saturation=rng.uniform(0.3, 1.3),
    )


def _balance(rng: np.random.Generator, spread: float) -> tuple[float, float, float]:
    warm, green = rng.normal(0, spread), rng.normal(0, spread / 3)
    return float(np.exp(warm)), float(np.exp(green)), float(np.exp(-warm))
