"""What each kind of depth camera makes of a clean depth picture.

Structured light (Xtion, Kinect v1): disparity noise and quantisation, the projector's shadow, blotches without return
on dark and slanted surfaces, nothing on glass and mirrors. Time of flight (Kinect v2): range noise that grows with
weak returns, flying pixels at edges, corners rounded by light that takes two bounces, ragged borders. Active stereo
(RealSense): coarse disparity noise, thickened edges, the second imager's shadow.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.scenes.cameras import Camera
from rgbd_seg.scenes.noise_field import noise


def measured_depth(
    clean_m: NDArray[np.float32], returned: NDArray[np.uint8], camera: Camera, rng: np.random.Generator
) -> NDArray[np.uint16]:
    """The depth picture that a camera would deliver.

    Args:
        clean_m: (H, W) float32 metres along the optical axis.
        returned: (H, W) uint8, how much infrared comes back, 255 = all.
        camera: The camera.
        rng: Random numbers of this frame.

    Returns:
        (H, W) uint16 millimetres, 0 = no return.
    """
    z = {
        "structured light": _structured_light,
        "time of flight": _time_of_flight,
        "active stereo": _active_stereo,
    }[camera.principle](clean_m, returned, camera, rng)
    return quantised(z, camera)


def clean_depth(clean_m: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Depth without any fault: (H, W) uint16 millimetres."""
    return np.asarray(np.rint(clean_m * 1000.0), np.uint16)


def quantised(z: NDArray[np.float32], camera: Camera) -> NDArray[np.uint16]:
    """Millimetres within the camera's range and margins, 0 elsewhere."""
    height, width = z.shape
    left, top, right, bottom = camera.margins
    inside = (z >= camera.nearest_m) & (z <= camera.farthest_m)
    depth = np.where(inside, z * np.float32(1000.0) + np.float32(0.5), np.float32(0)).astype(np.uint16)
    for share, edge in ((left, np.s_[:, : int(left * width)]), (top, np.s_[: int(top * height)])):
        if share:
            depth[edge] = 0
    if right:
        depth[:, width - int(right * width) :] = 0
    if bottom:
        depth[height - int(bottom * height) :] = 0
    return depth


def _unseen(disparity: NDArray[np.float32], camera: Camera) -> NDArray[np.bool_]:
    """The shadow of projector (or second imager) and registration, from the depth imager's disparities.

    Registered to colour, the parallax grows by the colour camera's own distance from the depth imager, and by the
    ratio of the focal lengths.
    """
    zoom = camera.fx / camera.depth_focal_px * disparity.shape[1] / camera.width
    return _shadow(disparity * np.float32(zoom * (1 + camera.color_offset_m / camera.baseline_m)))


def _shadow(disparity: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Pixels that the second viewpoint, to the right by the baseline, does not see.

    A point in column u appears there in column u - disparity; it is hidden if any point further right lands at the
    same column or left of it.
    """
    column = np.arange(disparity.shape[1], dtype=np.float32) - disparity
    least = np.minimum.accumulate(column[:, ::-1], axis=1)[:, ::-1]
    return column - least > 1.0


def _no_return(signal: NDArray[np.float32], rng: np.random.Generator, floor: float, spread: float) -> NDArray[np.bool_]:
    """Blotches where the signal is weak: certain below `floor`, possible up to a few times `spread` above it."""
    height, width = signal.shape
    blotch = noise(rng, height, width, 4.0 * width / 640) + 0.35 * noise(rng, height, width)
    return (signal < floor + spread * blotch) | (signal < 0.02)


def _signal(returned: NDArray[np.uint8], z: NDArray[np.float32], camera: Camera) -> NDArray[np.float32]:
    """Infrared at the camera: reflectance, less with distance."""
    reach = np.float32(1.0 / (0.6 * camera.farthest_m) ** 2)
    return returned * np.float32(1 / 255) / (1 + z * z * reach)


def _structured_light(
    z: NDArray[np.float32], returned: NDArray[np.uint8], camera: Camera, rng: np.random.Generator
) -> NDArray[np.float32]:
    height, width = z.shape
    scale = width / 640
    near = np.maximum(z, np.float32(0.05))
    focal_baseline = np.float32(camera.depth_focal_px * camera.baseline_m)
    disparity = np.asarray(focal_baseline / near, np.float32)
    hidden = _unseen(disparity, camera)
    # The sensor correlates windows of about nine pixels: noise and edges come in lumps.
    lumps = noise(rng, height, width, max(0.7, 1.4 * scale))
    disparity += np.float32(camera.noise_px) * lumps
    steps = np.rint(disparity * np.float32(1 / camera.disparity_step_px))
    measured = focal_baseline / (np.maximum(steps, 1) * np.float32(camera.disparity_step_px))
    lost = hidden | _no_return(_signal(returned, z, camera), rng, 0.075, 0.03)
    lost |= _edge_loss(near, scale, lumps)
    measured[lost] = 0
    return np.asarray(measured, np.float32)


def _edge_loss(near: NDArray[np.float32], scale: float, lumps: NDArray[np.float32]) -> NDArray[np.bool_]:
    """A ragged seam without return along jumps in depth."""
    size = 3 if scale < 0.75 else 5
    kernel = np.ones((size, size), np.uint8)
    jump = cv2.dilate(near, kernel) - cv2.erode(near, kernel)
    return (jump > 0.1 * near + 0.03) & (lumps > 0.2)


def _time_of_flight(
    z: NDArray[np.float32], returned: NDArray[np.uint8], camera: Camera, rng: np.random.Generator
) -> NDArray[np.float32]:
    height, width = z.shape
    scale = width / 512
    kernel = np.ones((3, 3), np.uint8)
    low, high = cv2.erode(z, kernel), cv2.dilate(z, kernel)
    white = noise(rng, height, width)
    edge = (high - low) > 0.05 * z + 0.03
    # Two bounces make concave corners rounder: pull towards the neighbourhood's mean where it is near.
    side = max(3, round(15 * scale) | 1)
    around = cv2.blur(z, (side, side))
    pull = np.clip(around - z, -0.03, 0.03)
    measured = z + np.float32(0.5) * pull
    signal = _signal(returned, z, camera) * _vignette(height, width)
    sigma = np.float32(camera.noise_px) * (1 + z * z * np.float32(0.35)) / np.sqrt(np.maximum(signal, np.float32(0.02)))
    measured += np.minimum(sigma, np.float32(0.08)) * white
    share = np.clip(0.5 + 0.35 * noise(rng, height, width), 0, 1)
    measured = np.where(edge, low + (high - low) * share, measured)
    lost = _no_return(signal, rng, 0.06, 0.02) | (edge & (white > 0.4))
    measured[lost] = 0
    return np.asarray(measured, np.float32)


def _vignette(height: int, width: int) -> NDArray[np.float32]:
    """The illumination falls off towards the corners."""
    y = (np.arange(height, dtype=np.float32) - height / 2)[:, None] / (0.5 * width)
    x = (np.arange(width, dtype=np.float32) - width / 2)[None, :] / (0.5 * width)
    r2 = x * x + y * y
    return np.asarray(1 / (1 + 0.45 * r2 * r2 * r2 * (1 + r2)), np.float32)


def _active_stereo(
    z: NDArray[np.float32], returned: NDArray[np.uint8], camera: Camera, rng: np.random.Generator
) -> NDArray[np.float32]:
    height, width = z.shape
    scale = width / 640
    size = max(3, round(7 * scale) | 1)
    nearest = cv2.erode(np.maximum(z, np.float32(0.05)), np.ones((size, size), np.uint8))
    thick = np.asarray(nearest, np.float32)
    focal_baseline = np.float32(camera.depth_focal_px * camera.baseline_m)
    disparity = np.asarray(focal_baseline / thick, np.float32)
    hidden = _unseen(disparity, camera)
    lumps = 0.85 * noise(rng, height, width, 4.0 * scale) + 0.5 * noise(rng, height, width, max(0.7, 1.4 * scale))
    disparity += np.float32(camera.noise_px) * lumps
    steps = np.rint(disparity * np.float32(1 / camera.disparity_step_px))
    measured = focal_baseline / (np.maximum(steps, 1) * np.float32(camera.disparity_step_px))
    # A passive match helps on dark things, but nothing helps on glass.
    lost = hidden | _no_return(_signal(returned, z, camera), rng, 0.05, 0.03) | _edge_loss(thick, scale, lumps)
    measured[lost] = 0
    return np.asarray(measured, np.float32)
