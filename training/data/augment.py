"""Augmentation: the published pipeline transform by transform, and a gentler one.

The only file that knows Albumentations.

Depth and labels travel as masks: every warp picks their nearest pixel, borders become hole and void, and no colour
transform touches them. Metric depth stays as it is when a picture is zoomed: a crop that is enlarged is what a camera
with a longer focal length would have seen, at the same distances.
"""

from __future__ import annotations

import os
import random
from functools import lru_cache
from typing import Any, Literal

# Albumentations asks a server for its newest version when it is imported, unless told not to.
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

from collections.abc import Callable

import albumentations as A
import cv2
import numpy as np

from training.data.live_camera import live_color, live_depth, random_view
from training.data.sample import Sample, Size, resize

Augmentation = Literal["none", "published", "gentle", "live"]
GENTLE_ZOOM = (0.75, 1.75)
_DEPTH_TARGET = {"depth": "mask"}
# OpenCV's INTER_NEAREST takes the pixel to the upper left, half a pixel away from where colour is taken. Warps by a map
# round to the nearest with either, and know this one alone.
_NEAREST = cv2.INTER_NEAREST_EXACT
_BORDERS: dict[str, Any] = {"border_mode": cv2.BORDER_CONSTANT, "fill": 0, "fill_mask": 0}


def augment(
    sample: Sample,
    kind: Augmentation,
    size: Size,
    seed: int,
    zoom: tuple[float, float] = GENTLE_ZOOM,
    crop: Size | None = None,
) -> Sample:
    """One augmented sample of the network's input size; equal for equal arguments.

    Args:
        sample: Any size.
        kind: "none" only resizes; "published" is the pipeline of the original training run; "gentle" is a random zoom
            and crop, a flip, a mild change of colour, and some faults of depth; "live" is what live cameras do to
            views, colour and depth (`training.data.live_camera`).
        size: (height, width) of the whole picture in the network, and of the result.
        seed: Which draw.
        zoom: Smallest and largest factor by which "gentle" and "live" enlarge.
        crop: (height, width) of the result of "live" where that is to be a part of the picture.
    """
    if kind == "none":
        return resize(sample, size)
    if kind == "published":
        return resize(_apply(published_transforms(*sample.label.shape), sample, seed), size)
    if kind == "live":
        rng = np.random.default_rng((seed, 2))
        view = random_view(sample, size, crop or size, zoom, rng)
        color, depth_m = live_color(view.color, rng), live_depth(view.depth_m, view.color, rng)
        if not color.any() and not depth_m.any():
            color = view.color  # Never both at once: there would be nothing to see.
        return Sample(color, depth_m, view.label, sample.name, sample.sensor)
    base = resize(sample, size)
    return _depth_faults(_apply(gentle_transforms(*size, zoom), base, seed), seed)


def _apply(pipeline: Any, sample: Sample, seed: int) -> Sample:
    # Not set_random_seed: that starts every transform at the same number, so that they come all together or not at all.
    rng = np.random.default_rng(seed)
    pipeline.set_random_state(rng, random.Random(int(rng.integers(1 << 62))))  # noqa: S311 (no secret)
    with np.errstate(all="ignore"):
        drawn = pipeline(image=sample.color, mask=sample.label, depth=sample.depth_m)
    return Sample(drawn["image"], drawn["depth"], drawn["mask"], sample.name, sample.sensor)


@lru_cache(maxsize=64)
def published_transforms(height: int, width: int) -> Any:
    """The published list for pictures of one size.

    Arguments that today's library ignores silently are given in their new names: ElasticTransform's affine part and
    ShiftScaleRotate are `Affine`, CoarseDropout has ranges, and OpticalDistortion lost its shift.
    ElasticTransform is the approximate one: it moves no pixel by more than two either way, in a third of the time.
    """
    colour = [
        A.RGBShift(r_shift_limit=20, g_shift_limit=20, b_shift_limit=20, p=0.95),
        A.OneOf([A.Blur(blur_limit=3, p=0.5), A.ColorJitter(p=0.8)], p=0.8),
        A.CLAHE(p=0.5),
        A.RandomBrightnessContrast(p=0.6),
        A.GaussianBlur(p=0.4),
        A.RandomGamma(p=0.6),
    ]
    # Elastic's affine part moves three corners of the centre square by up to 3.6 pixels: it turns, shears and shifts.
    corner = 3.6 / (min(height, width) / 3)
    elastic = A.Sequential(
        [
            A.Affine(
                translate_px={"x": (-3, 3), "y": (-3, 3)},
                rotate=(-np.degrees(corner), np.degrees(corner)),
                shear=(-np.degrees(corner), np.degrees(corner)),
                mask_interpolation=cv2.INTER_NEAREST,
                **_BORDERS,
                p=1,
            ),
            A.ElasticTransform(
                alpha=32, sigma=50, approximate=True, mask_interpolation=cv2.INTER_NEAREST, **_BORDERS, p=1
            ),
        ],
        p=0.6,
    )
    together = [
        A.RandomCrop(height=max(1, height // 2), width=max(1, width // 2), p=0.45),
        A.HorizontalFlip(p=0.5),
        A.VerticalFlip(p=0.2),
        A.RandomScale(scale_limit=0.2, mask_interpolation=_NEAREST, p=0.8),
        elastic,
        A.OpticalDistortion(mask_interpolation=cv2.INTER_NEAREST, **_BORDERS, p=0.3),
        A.GridDistortion(num_steps=2, distort_limit=0.2, mask_interpolation=cv2.INTER_NEAREST, **_BORDERS, p=0.4),
        A.Affine(
            translate_percent={"x": (-0.0625, 0.0625), "y": (-0.0625, 0.0625)},
            scale=(0.9, 1.1),
            rotate=(-45, 45),
            mask_interpolation=cv2.INTER_NEAREST,
            **_BORDERS,
            p=0.6,
        ),
        A.RandomRotate90(p=0.25),
        A.CoarseDropout(
            num_holes_range=(1, 8), hole_height_range=(1, 16), hole_width_range=(1, 16), fill=0, fill_mask=0, p=0.3
        ),
    ]
    return A.Compose([*colour, *together], additional_targets=_DEPTH_TARGET)


@lru_cache(maxsize=8)
def gentle_transforms(height: int, width: int, zoom: tuple[float, float] = GENTLE_ZOOM) -> Any:
    """Zoom and crop, flip, colour; for pictures that already have the network's size."""
    return A.Compose(
        [
            A.HorizontalFlip(p=0.5),
            A.RandomScale(scale_limit=(zoom[0] - 1, zoom[1] - 1), mask_interpolation=_NEAREST, p=0.75),
            A.PadIfNeeded(
                min_height=height,
                min_width=width,
                position="random",
                **_BORDERS,
            ),
            A.RandomCrop(height=height, width=width),
            A.ColorJitter(brightness=(0.7, 1.3), contrast=(0.7, 1.3), saturation=(0.6, 1.4), hue=(-0.05, 0.05), p=0.8),
            A.ToGray(p=0.05),
            A.GaussianBlur(blur_limit=(3, 5), p=0.15),
            A.GaussNoise(std_range=(0.01, 0.04), p=0.3),
        ],
        additional_targets=_DEPTH_TARGET,
    )


def _depth_faults(sample: Sample, seed: int) -> Sample:
    """The faults of live depth: a wrong scale, noise that grows with the distance squared, holes, nothing at all."""
    rng = np.random.default_rng((seed, 1))
    height, width = sample.label.shape
    depth_m = sample.depth_m.copy()
    measured = depth_m > 0
    if rng.random() < 0.5:
        depth_m *= np.float32(rng.uniform(0.95, 1.05))
    if rng.random() < 0.5:
        strength = np.float32(rng.uniform(0.0, 0.006))
        depth_m += rng.standard_normal(depth_m.shape, np.float32) * strength * depth_m * depth_m
    depth_m = np.where(measured, np.maximum(depth_m, np.float32(0.01)), np.float32(0))
    if rng.random() < 0.3:
        for _ in range(int(rng.integers(1, 6))):
            y, x = int(rng.integers(height)), int(rng.integers(width))
            depth_m[y : y + int(rng.integers(2, height // 3)), x : x + int(rng.integers(2, width // 3))] = 0
    if rng.random() < 0.04:
        depth_m[:] = 0
    return Sample(sample.color, depth_m, sample.label, sample.name, sample.sensor)


def transform_names(kind: Augmentation, size: Size) -> list[str]:
    """The transforms of a pipeline, in order, for people to read."""
    builders: dict[str, Callable[..., Any]] = {"published": published_transforms, "gentle": gentle_transforms}
    if kind not in builders:
        return []
    return [type(t).__name__ for t in builders[kind](*size).transforms]
