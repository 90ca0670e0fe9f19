"""What a live camera does to a picture that a data set shows tidied up: other views, and the faults of its depth.

Depth in data sets is often filled; a camera's has holes in the shadow of its projector, on dark and shining surfaces,
far away and along the border of the registration, steps of its disparity, edges smeared by time of flight, a scale that
is off by a percent or two, and now and then nothing at all.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.inference.resize import resize_color, resize_nearest
from training.data.sample import Sample, Size

# Structured light: 0.075 m between projector and camera, focal length 0.9 of the width (Kinect v1: 525 to 585 of 640).
_BASELINE_M = 0.075
_FOCAL_PER_WIDTH = 0.9


def random_view(sample: Sample, size: Size, crop: Size, zoom: tuple[float, float], rng: np.random.Generator) -> Sample:
    """A window of a picture as a camera with another lens, held otherwise, would have seen it.

    Cut out of the picture as it is and resized once, by the rules of the deployed graph.

    Args:
        sample: Any size.
        size: Height and width that the whole picture has at a zoom of 1.
        crop: Height and width of the result.
        zoom: Smallest and largest enlargement; below 1 there may be void around the picture.
        rng: Draws.
    """
    height, width = sample.label.shape
    factor = float(np.exp(rng.uniform(np.log(zoom[0]), np.log(zoom[1]))))
    stretch = float(np.exp(rng.uniform(-0.08, 0.08)))
    rows = max(8, round(crop[0] / (size[0] / height * factor * stretch)))
    columns = max(8, round(crop[1] / (size[1] / width * factor / stretch)))
    top, left = (_offset(whole, part, rng) for whole, part in ((height, rows), (width, columns)))
    color, depth_m, label = (
        _window(picture, top, left, rows, columns) for picture in (sample.color, sample.depth_m, sample.label)
    )
    color, depth_m, label = resize_color(color, crop), resize_nearest(depth_m, crop), resize_nearest(label, crop)
    if rng.random() < 0.5:
        color, depth_m, label = (np.ascontiguousarray(picture[:, ::-1]) for picture in (color, depth_m, label))
    return Sample(color, depth_m, label, sample.name, sample.sensor)


def _offset(whole: int, part: int, rng: np.random.Generator) -> int:
    """Where a window begins: anywhere inside, or, if it is larger than the picture, anywhere around it."""
    low, high = sorted((0, whole - part))
    return int(rng.integers(low, high + 1))


def _window(picture: NDArray[Any], top: int, left: int, rows: int, columns: int) -> NDArray[Any]:
    """A part of a picture; what lies outside is 0: black, hole, void."""
    height, width = picture.shape[:2]
    inside = picture[max(0, top) : top + rows, max(0, left) : left + columns]
    above, before = max(0, -top), max(0, -left)
    below, behind = max(0, top + rows - height), max(0, left + columns - width)
    if not (above or before or below or behind):
        return inside
    border = ((above, below), (before, behind)) + ((0, 0),) * (picture.ndim - 2)
    return np.pad(inside, border)


def live_depth(depth_m: NDArray[np.float32], color: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    """Depth as a live camera might have given it.

    Args:
        depth_m: (H, W) float32 metres, 0 = hole.
        color: (H, W, 3) uint8, which tells where it is dark or shining.
        rng: Draws which faults there are.

    Returns:
        (H, W) float32 metres, 0 = hole.
    """
    if rng.random() < 0.06:
        return np.zeros_like(depth_m)
    depth_m = depth_m.copy()
    if rng.random() < 0.25:  # A data set's own depth, only a little off.
        return _rescaled(depth_m, rng)
    if rng.random() < 0.7:
        depth_m = structured_light(depth_m, rng)
    else:
        depth_m = _time_of_flight(depth_m, rng)
    depth_m = _misregistered(_rescaled(depth_m, rng), rng)
    depth_m[_unseen(depth_m, color, rng)] = 0
    return depth_m


def _rescaled(depth_m: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    return depth_m * np.float32(rng.uniform(0.98, 1.02))


def structured_light(depth_m: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Steps of the disparity, noise of it, and the shadow of the projector, which stands beside the camera."""
    width = depth_m.shape[1]
    scale = np.float32(_BASELINE_M * _FOCAL_PER_WIDTH * width)
    seen = depth_m > 0
    disparity = np.where(seen, scale / np.maximum(depth_m, np.float32(0.1)), np.float32(0))
    # A surface is lit where no nearer one lies in the way of its ray: from left to right, or mirrored.
    side = 1 if rng.random() < 0.5 else -1
    along = disparity[:, ::side]
    reach = np.arange(width, dtype=np.float32) + np.where(seen[:, ::side], along, np.float32(0))
    lit = (reach >= np.maximum.accumulate(reach, axis=1) - np.float32(0.75))[:, ::side]
    # The Kinect v1 tells eighths of a pixel at 640 columns.
    step = np.float32(width / 640 / 8)
    noisy = disparity + rng.standard_normal(depth_m.shape, np.float32) * step * np.float32(rng.uniform(0, 0.8))
    told = np.round(noisy / step) * step
    return np.where(seen & lit & (told > 0), scale / np.maximum(told, step), np.float32(0)).astype(np.float32)


def _time_of_flight(depth_m: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Noise that grows with the distance, and pixels on an edge that lie between its two sides, or are missing."""
    seen = depth_m > 0
    noise = rng.standard_normal(depth_m.shape, np.float32) * np.float32(rng.uniform(0.001, 0.006))
    result = depth_m * (1 + noise)
    near, far = cv2.erode(depth_m, np.ones((3, 3), np.uint8)), cv2.dilate(depth_m, np.ones((3, 3), np.uint8))
    edge = seen & (near > 0) & (far > near * np.float32(1.06))
    mixed = near + (far - near) * rng.random(depth_m.shape, np.float32)
    flying = edge & (rng.random(depth_m.shape, np.float32) < np.float32(rng.uniform(0.1, 0.6)))
    result = np.where(flying, mixed, result)
    missing = edge & (rng.random(depth_m.shape, np.float32) < np.float32(rng.uniform(0, 0.5)))
    return np.where(seen & ~missing, result, np.float32(0)).astype(np.float32)


def _misregistered(depth_m: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Shifted against the colour by up to a hundredth of the width, as a calibration that is a little off does."""
    if rng.random() < 0.6:
        return depth_m
    most = max(1, depth_m.shape[1] // 100)
    down, right = (int(n) for n in rng.integers(-most, most + 1, 2))
    height, width = depth_m.shape
    return _window(depth_m, -down, -right, height, width)


def _unseen(depth_m: NDArray[np.float32], color: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Where nothing comes back: far, near, dark, shining, at the border, and in patches."""
    height, width = depth_m.shape
    holes = np.zeros((height, width), bool)
    light = color.max(axis=2)
    patches = smooth_patches(height, width, rng)
    if rng.random() < 0.5:
        holes |= depth_m > np.float32(rng.uniform(3.5, 8))
    if rng.random() < 0.5:
        holes |= depth_m < np.float32(rng.uniform(0.3, 0.7))
    if rng.random() < 0.5:
        holes |= (light < rng.integers(15, 70)) & (patches > np.float32(rng.uniform(-0.5, 0.8)))
    if rng.random() < 0.5:
        holes |= (color.min(axis=2) > rng.integers(200, 250)) & (patches < np.float32(rng.uniform(-0.8, 0.5)))
    if rng.random() < 0.4:
        holes |= patches > np.float32(rng.uniform(0.9, 2))
    if rng.random() < 0.3:  # Registration to the colour camera leaves a strip on one side, or all around.
        strip = max(1, round(width * rng.uniform(0.01, 0.1)))
        for turns in range(4):
            if rng.random() < 0.4:
                np.rot90(holes, turns)[:strip] = True
    if rng.random() < 0.2:
        y, x = int(rng.integers(height)), int(rng.integers(width))
        axes = (int(rng.integers(4, width // 2)), int(rng.integers(4, height // 2)))
        region = np.zeros((height, width), np.uint8)
        cv2.ellipse(region, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, 1, cv2.FILLED)
        holes |= region > 0
    # The border of a hole frays.
    if rng.random() < 0.5:
        wide = cv2.dilate(holes.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        holes |= wide & (rng.random((height, width), np.float32) < 0.4)
    return holes


def smooth_patches(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth noise with blobs of a random size, of about deviation 1."""
    cells = int(rng.integers(4, 24))
    rows = max(2, cells * height // width)
    noise = cv2.resize(rng.standard_normal((rows, cells), np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return (noise * np.float32(1.4)).astype(np.float32)


def live_color(color: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Colour as a live camera might have given it: white balance, exposure, blur, noise, JPEG, seldom black."""
    if rng.random() < 0.03:
        return np.zeros_like(color)
    result: NDArray[Any] = color.astype(np.float32)
    if rng.random() < 0.8:
        gains = np.exp(rng.uniform(-0.12, 0.12, 3)).astype(np.float32)
        gain, gamma = np.exp(rng.uniform(-0.35, 0.35)), np.exp(rng.uniform(-0.25, 0.25))
        result = 255 * np.clip(result / 255 * gains, 0, 1) ** np.float32(gamma) * np.float32(gain)
        grey = result.mean(axis=2, keepdims=True)
        result = grey + (result - grey) * np.float32(rng.uniform(0.5, 1.5))
    if rng.random() < 0.05:
        result = np.repeat(result.mean(axis=2, keepdims=True), 3, axis=2)
    if rng.random() < 0.25:
        result = cv2.GaussianBlur(result, (0, 0), float(rng.uniform(0.4, 1.4)))
    elif rng.random() < 0.15:  # The camera moves.
        length = int(rng.integers(2, 7))
        kernel = np.zeros((length, length), np.float32)
        cv2.line(kernel, (0, int(rng.integers(length))), (length - 1, int(rng.integers(length))), 1.0)
        result = cv2.filter2D(result, -1, kernel / kernel.sum())
    if rng.random() < 0.5:
        result = result + rng.standard_normal(color.shape, np.float32) * np.float32(rng.uniform(1, 10))
    picture: NDArray[np.uint8] = np.clip(result, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 90))]
        _, coded = cv2.imencode(".jpg", picture, quality)
        # Channels in whatever order: they go in and out alike.
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return picture
