"""What a colour camera makes of a clean picture: softness, motion blur, tone, noise."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.scenes.lighting import Lighting
from rgbd_seg.scenes.noise_field import cut

_SIDE = 1024
_FIELD_DEVIATION = 40.0  # Of the stored field, in counts.


@lru_cache(maxsize=1)
def _color_field() -> NDArray[np.uint8]:
    """Noise around 128 that is partly shared by the channels, as after demosaicing: (_SIDE, _SIDE, 3) uint8."""
    rng = np.random.default_rng(7004)
    white = rng.standard_normal((_SIDE, _SIDE, 3), dtype=np.float32)
    shared = rng.standard_normal((_SIDE, _SIDE, 1), dtype=np.float32)
    grain = cv2.GaussianBlur(white + shared, (0, 0), 0.6)
    field = np.asarray(np.clip(128.5 + grain / grain.std() * _FIELD_DEVIATION, 0, 255).astype(np.uint8))
    field.flags.writeable = False
    return field


def taken_color(clean: NDArray[np.uint8], lighting: Lighting, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The colour picture that a camera would deliver.

    Args:
        clean: (H, W, 3) uint8 RGB.
        lighting: How it is taken.
        rng: Random numbers of this frame.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    height, width = clean.shape[:2]
    scale = width / 640
    picture: Any = clean  # OpenCV's stubs know no dtypes.
    dx, dy = (v * scale for v in lighting.motion_px)
    if np.hypot(dx, dy) > 1.0:
        picture = cv2.filter2D(picture, -1, _motion_kernel(dx, dy))
    if lighting.softness_px * scale > 0.2:
        picture = cv2.GaussianBlur(picture, (0, 0), lighting.softness_px * max(scale, 0.6))
    if lighting.contrast != 1.0 or lighting.saturation != 1.0:
        picture = cv2.transform(picture, _tone_matrix(lighting.contrast, lighting.saturation))
    if lighting.noise <= 0:
        return np.asarray(picture, np.uint8)
    # The field is centred on 128: the same share of 128 that comes in with it is taken away again.
    strength = min(lighting.noise / _FIELD_DEVIATION, 2.0)
    grain = np.ascontiguousarray(cut(_color_field(), rng, height, width))
    return np.asarray(cv2.addWeighted(picture, 1.0, grain, strength, -128.0 * strength), np.uint8)


def _motion_kernel(dx: float, dy: float) -> NDArray[np.float32]:
    """A line of the length of the motion with weights that sum to 1."""
    reach = int(np.ceil(max(abs(dx), abs(dy)) / 2)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    steps = max(2, int(np.hypot(dx, dy) * 2))
    for t in np.linspace(-0.5, 0.5, steps):
        kernel[round(reach + t * dy), round(reach + t * dx)] += 1
    return np.asarray(kernel / kernel.sum(), np.float32)


def _tone_matrix(contrast: float, saturation: float) -> NDArray[np.float32]:
    """(3, 4) affine map of RGB: towards grey by saturation, around the middle by contrast."""
    grey = np.tile([0.299, 0.587, 0.114], (3, 1))
    linear = contrast * (saturation * np.eye(3) + (1 - saturation) * grey)
    return np.hstack([linear, np.full((3, 1), 128 * (1 - contrast))]).astype(np.float32)
