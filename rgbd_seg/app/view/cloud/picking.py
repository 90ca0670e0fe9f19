"""Which pixel of the frame a click in the 3D view means: the nearest point to the eye around the pointer."""

from __future__ import annotations

import numpy as np

from rgbd_seg.app.view.cloud.scene import Scene, point_grid

_STRIDE = 2
_REACH = 0.015  # How far from the pointer a point may be drawn, in heights of the view; more where points are sparse.
_HALF_DIAGONAL = 0.75  # Of a square of points, in its sides, with a little for rounding.
_BEHIND_M = 0.05  # Points so much farther than the nearest one lie on something behind it.


def pick(scene: Scene, x: float, y: float) -> tuple[int, int] | None:
    """The pixel (column, row) behind a place of the view, None where no point is near.

    Args:
        scene: What is on show.
        x: Place across, 0..1.
        y: Place down, 0..1.
    """
    grid = point_grid(scene, _STRIDE)
    rows, columns = np.nonzero(grid.there)
    width, height = scene.size
    matrix = scene.orbit.matrix(width, height)
    clip = grid.points_m[rows, columns] @ matrix[:, :3].T + matrix[:, 3]
    ahead = clip[:, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        across = (clip[:, 0] / ahead + 1) / 2 - x
        down = (1 - clip[:, 1] / ahead) / 2 - y
    away = np.hypot(across * width / height, down)
    # A coarse picture, or a near one, has gaps between its points: the middle of one is reached from its corners.
    gap = (_STRIDE / grid.focal_px) * grid.points_m[rows, columns, 2] * np.linalg.norm(matrix[1, :3]) / 2 / ahead
    near = np.flatnonzero((ahead > 0.05) & (away <= np.maximum(_REACH, gap * _HALF_DIAGONAL)))
    if not len(near):
        return None
    front = near[ahead[near] <= ahead[near].min() + _BEHIND_M]
    best = front[away[front].argmin()]
    return int(columns[best]) * _STRIDE, int(rows[best]) * _STRIDE
