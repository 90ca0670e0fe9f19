"""Draws points as small squares with numpy alone, where there is no OpenGL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.app.view.cloud.gl_painter import BACKDROP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rgbd_seg.app.view.cloud.orbit import Orbit
    from rgbd_seg.app.view.cloud.scene import PointGrid


class SplatPainter:
    """Sorts points from far to near and writes them over each other."""

    name = "no OpenGL: drawn by the processor"
    software = True

    def paint(self, grid: PointGrid, orbit: Orbit, size: tuple[int, int]) -> NDArray[np.uint8]:
        """(H, W, 4) uint8 in Qt's RGB32 order, uppermost row first."""
        width, height = size
        picture = np.empty((height, width, 4), np.uint8)
        picture[:] = (*BACKDROP[::-1], 255)
        points, rgb = grid.points_m[grid.there], grid.rgb[grid.there]
        matrix = orbit.matrix(width, height)
        clip = points @ matrix[:, :3].T + matrix[:, 3]
        ahead = clip[:, 3] > 0.05
        clip, rgb = clip[ahead], rgb[ahead]
        x = ((clip[:, 0] / clip[:, 3] + 1) / 2 * width).astype(np.int32)
        y = ((1 - clip[:, 1] / clip[:, 3]) / 2 * height).astype(np.int32)
        side = max(2, round((1 + grid.stride * 0.75) * height / 480))
        inside = (x >= 0) & (x < width - side) & (y >= 0) & (y < height - side)
        order = np.argsort(-clip[inside, 3], kind="stable")
        x, y = x[inside][order], y[inside][order]
        bgra = np.full((len(order), 4), 255, np.uint8)
        bgra[:, :3] = rgb[inside][order][:, ::-1]
        flat, colors = picture.view(np.uint32).reshape(-1), bgra.view(np.uint32)[:, 0]
        place = y * width + x
        for dy in range(side):
            for dx in range(side):
                flat[place + dy * width + dx] = colors
        return picture

    def close(self) -> None:
        """Nothing to free."""
