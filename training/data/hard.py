"""Labelled pictures as a worse camera would have given them, to score a network where it is hard."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.live_camera import smooth_patches, structured_light
from training.data.sample import LabelledPictures, Sample

Condition = Literal["holes", "no-depth", "black"]
_DARK, _BRIGHT = 35, 240  # Below the first and above the second a surface may give nothing back, of 255.
_FAR_M = 7.0
_BORDER_SHARE = 0.015  # Of the width: what registration to the colour camera leaves empty.


class HardPictures(LabelledPictures):
    """The same pictures under a condition; the same ones every time.

    Args:
        pictures: As they are.
        condition: "holes" in depth like a Kinect's, "no-depth" at all, or a "black" picture.
    """

    def __init__(self, pictures: LabelledPictures, condition: Condition) -> None:
        self._pictures, self._condition = pictures, condition
        self.label_set = pictures.label_set

    def __len__(self) -> int:
        return len(self._pictures)

    def read(self, index: int) -> Sample:
        """Decodes a picture and spoils it."""
        sample = self._pictures.read(index)
        if self._condition == "no-depth":
            return replace(sample, depth_m=np.zeros_like(sample.depth_m))
        if self._condition == "black":
            return replace(sample, color=np.zeros_like(sample.color))
        return replace(sample, depth_m=kinect_depth(sample.depth_m, sample.color, index))


def kinect_depth(depth_m: NDArray[np.float32], color: NDArray[np.uint8], seed: int) -> NDArray[np.float32]:
    """Filled depth as a Kinect v1 gives it: steps, the projector's shadow, and nothing where nothing comes back.

    All of its faults at once and none of chance's other choices (`live_camera.live_depth` draws which there are): the
    border, patches of what is dark or shines, what is far away, and a few blobs anywhere. On NYU Depth V2 about a fifth
    of the pixels go.

    Args:
        depth_m: (H, W) float32 metres, 0 = hole.
        color: (H, W, 3) uint8.
        seed: Where the patches lie.
    """
    height, width = depth_m.shape
    rng = np.random.default_rng((seed, 7))
    told = structured_light(depth_m, rng)
    patches, blobs = smooth_patches(height, width, rng), smooth_patches(height, width, rng)
    lost = (color.max(axis=2) < _DARK) & (patches > 0.5)
    lost |= (color.min(axis=2) > _BRIGHT) & (patches < -0.5)
    lost |= (depth_m > _FAR_M) | (blobs > np.quantile(blobs, 0.96))
    border = max(1, round(width * _BORDER_SHARE))
    lost[:border] = lost[-border:] = lost[:, :border] = lost[:, -border:] = True
    frayed = cv2.dilate(lost.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    lost |= frayed & (rng.random((height, width), np.float32) < np.float32(0.3))
    told[lost] = 0
    return told
