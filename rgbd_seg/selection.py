"""Area and volume of a rectangle of the picture, from depth: what is seen of a thing, and how much lies under it.

The area is the visible surface, slant included, as `measurements` has it for classes. The volume is that of a height
field over the plane through the selection's border (the table that a box stands on): each square between four
neighbouring pixels stands on the plane with the outline that it has seen along the plane's normal, and is as high as
its corners' mean. So sides that are seen add nothing of their own, and the top counts down to the plane: everything
below the visible surface is taken as filled, and what is hidden from the camera is not counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import deproject
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.measurements import areas_m2, jump_m, middles

_BORDER = 0.1  # Of the shorter side, all around: there the plane is looked for.
_TRIES, _MOST_POINTS = 200, 600
_LEAST_SHARE = 0.6  # Of the border's points that must lie in the plane.
_LEAST_POINTS = 30
_NEAR_M = (
    0.004  # So far from the plane a point of it may lie near the camera; with distance squared it grows, as noise does.
)
_MOST_ACROSS = 200  # Points across for a volume: half a point is lost all around a thing, and more take longer.
_ACROSS = 40  # Points across a selection from which on it is thinned: surfaces need no more, and noise weighs less.


@dataclass(frozen=True, slots=True)
class Selection:
    """What was measured of a rectangle.

    Attributes:
        area_m2: Visible surface in square metres; parts without depth are not counted.
        with_depth: Part of its pixels that have depth, 0..1.
        volume_m3: Over the border's plane; None where the border is no plane.
        plane_share: Part of the border's points that lie in the plane, 0..1.
        plane_off_m: How far those lie from it, root of the mean square.
        height_m: The largest height over the plane, of the highest 1 %; None where there is no plane.
    """

    area_m2: float
    with_depth: float
    volume_m3: float | None
    plane_share: float
    plane_off_m: float
    height_m: float | None

    def __str__(self) -> str:
        """Short enough to stand in the picture."""
        text = f"{self.area_m2:.3f} m²"
        return text if self.volume_m3 is None else f"{text}, {1000 * self.volume_m3:.2f} l"

    def explained(self) -> str:
        """How the figures came about, in sentences."""
        text = (
            f"Visible surface {self.area_m2:.4f} m², slant included, from the {self.with_depth:.0%} that have depth. "
        )
        if self.volume_m3 is None or self.height_m is None:
            return text + (
                f"No volume: only {self.plane_share:.0%} of the points along the edge lie in one plane. Draw the "
                "selection with some of the table or floor around the thing."
            )
        return text + (
            f"{1000 * self.volume_m3:.3f} litres and {self.height_m:.3f} m high over the plane through the selection's "
            f"edge ({self.plane_share:.0%} of that lies in it, {1000 * self.plane_off_m:.1f} mm off), if everything "
            "below the visible surface is filled; what is hidden is not counted."
        )


def measure_selection(frame: RgbdFrame, first: tuple[int, int], last: tuple[int, int]) -> Selection | None:
    """Measures a rectangle between two corners (column, row), both included; None without any depth in it."""
    (left, right), (top, bottom) = sorted((first[0], last[0])), sorted((first[1], last[1]))
    left, top = max(left, 0), max(top, 0)
    points = deproject(frame.depth, frame.calibration)[top : bottom + 1, left : right + 1]
    there = points[..., 2] > 0
    if not there.any() or min(there.shape) < 3:
        return None
    stride = int(np.clip(min(there.shape) // _ACROSS, 1, 4))
    thin = tuple(middles(length, stride) for length in there.shape)
    areas = areas_m2(points[thin], there[thin], frame.calibration.color, stride)
    area = float(areas.sum()) * there.size / (areas.size * stride**2)  # What is over beyond the last whole block.
    step = -(-min(there.shape) // _MOST_ACROSS)
    with_depth = float(there.mean())
    points, there = points[::step, ::step], there[::step, ::step]
    rim = _border(points, there)
    plane = _find_plane(rim) if len(rim) >= _LEAST_POINTS else None
    if plane is None:
        return Selection(area, with_depth, None, 0.0, 0.0, None)
    center, normal, share, off_m = plane
    if share < _LEAST_SHARE:
        return Selection(area, with_depth, None, share, off_m, None)
    volume, height = _under(points, there, center, normal, frame.calibration.color.fx / step, 3 * off_m)
    return Selection(area, with_depth, volume, share, off_m, height)


def _border(points: NDArray[np.float32], there: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(N, 3) points of the selection's rim."""
    width = max(2, round(_BORDER * min(there.shape)))
    rim = there.copy()
    rim[width:-width, width:-width] = False
    return points[rim].astype(np.float64)


def _find_plane(rim: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], float, float] | None:
    """The plane that most of the rim lies in: the best of planes through three points, then the one of least squares.

    Returns:
        A point of it, its normal towards the camera, the part of the rim that lies in it, and how far that is off.
    """
    random = np.random.default_rng(0)
    few = rim[random.choice(len(rim), min(len(rim), _MOST_POINTS), replace=False)]
    near = _near_m(few)
    best: NDArray[np.bool_] | None = None
    for _ in range(_TRIES):
        a, b, c = few[random.choice(len(few), 3, replace=False)]
        normal = np.cross(b - a, c - a)
        length = np.linalg.norm(normal)
        if length < 1e-9:
            continue
        inside = np.abs((few - a) @ (normal / length)) < near
        if best is None or inside.sum() > best.sum():
            best = inside
    if best is None or best.sum() < 3:
        return None
    center = few[best].mean(axis=0)
    normal = np.linalg.svd(few[best] - center, full_matrices=False)[2][2]
    normal = normal if normal @ center < 0 else -normal
    distances = (rim - center) @ normal
    inside = np.abs(distances) < _near_m(rim)
    off_m = float(np.sqrt((distances[inside] ** 2).mean())) if inside.any() else 0.0
    return center, normal, float(inside.mean()), off_m


def _near_m(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(_NEAR_M * np.maximum(1.0, points[:, 2] ** 2))


def _under(
    points: NDArray[np.float32],
    there: NDArray[np.bool_],
    center: NDArray[np.float64],
    normal: NDArray[np.float64],
    focal_px: float,
    noise_m: float,
) -> tuple[float, float]:
    """Cubic metres between the visible surface and the plane, and its height; what lies within the noise is none."""
    across = np.cross(normal, (0.0, 1.0, 0.0) if abs(normal[1]) < 0.9 else (1.0, 0.0, 0.0))
    across /= np.linalg.norm(across)
    flat = (points - center) @ np.stack([across, np.cross(normal, across), normal], axis=1)
    u, v, heights = flat[..., 0], flat[..., 1], flat[..., 2]

    def corners(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        return values[:-1, :-1], values[:-1, 1:], values[1:, 1:], values[1:, :-1]

    us, vs, hs, zs = (corners(values) for values in (u, v, heights, points[..., 2].astype(np.float64)))
    # The outline of each square on the plane, by the shoelace formula: negative where it is seen from below.
    outline = (us[0] - us[2]) * (vs[1] - vs[3]) - (us[1] - us[3]) * (vs[0] - vs[2])
    outline /= 2
    whole = np.logical_and.reduce(corners(there.astype(np.float64))).astype(bool)
    stacked = np.stack(zs)
    together = np.ptp(stacked, axis=0) < 2 * jump_m(stacked.min(axis=0).astype(np.float32), focal_px)
    height = np.mean(hs, axis=0)
    counted = whole & together & (height > max(noise_m, _NEAR_M))
    facing = np.sign(np.median(outline[whole & together])) if (whole & together).any() else 1.0
    volume = float((height * outline * facing)[counted].sum())
    return max(volume, 0.0), float(np.percentile(height[counted], 99)) if counted.any() else 0.0
