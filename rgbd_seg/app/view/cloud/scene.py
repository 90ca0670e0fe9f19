"""What the 3D view is asked to draw: one frame's points in one of four colourings, thinned to what time allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.app.view.cloud.orbit import Orbit
from rgbd_seg.app.view.display import Display
from rgbd_seg.app.view.kinds import VIEW_NAMES
from rgbd_seg.calibration import deproject
from rgbd_seg.coloring import depth_color_map, depth_table
from rgbd_seg.frame import RgbdFrame, Segmentation
from rgbd_seg.measurements import jump_m

Coloring = Literal["overlay", "color", "labels", "depth"]
COLORINGS: dict[Coloring, str] = {kind: VIEW_NAMES[kind] for kind in get_args(Coloring)}  # As in the other views.


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One picture to draw.

    Attributes:
        segmentation: The frame, with labels or without.
        display: Opacity, hidden classes, colours.
        coloring: Camera colours under the classes, camera colours, classes alone, or depth.
        ends_m: Near and far end of the depth colours.
        orbit: The viewer.
        size: Width and height of the picture in pixels.
        picture: A later frame of the same size whose points are drawn instead, in the classes of the segmentation.
    """

    segmentation: Segmentation
    display: Display
    coloring: Coloring
    ends_m: tuple[float, float]
    orbit: Orbit
    size: tuple[int, int]
    picture: RgbdFrame | None = None

    @property
    def frame(self) -> RgbdFrame:
        return self.picture or self.segmentation.frame


@dataclass(frozen=True, slots=True, eq=False)
class PointGrid:
    """Points on a regular grid of pixels.

    Attributes:
        points_m: (H, W, 3) float32; (0, 0, 0) where there is none.
        rgb: (H, W, 3) uint8.
        there: (H, W) bool, False at holes and for hidden classes.
        stride: Pixels of the frame between two points.
        focal_px: Of the camera, in pixels of the frame.
        unbroken: (H - 1, W - 1) bool, where all pixels of the frame between four points hang together; None where there
            are none between them.
    """

    points_m: NDArray[np.float32]
    rgb: NDArray[np.uint8]
    there: NDArray[np.bool_]
    stride: int
    focal_px: float
    unbroken: NDArray[np.bool_] | None = None

    def triangles(self) -> NDArray[np.uint32]:
        """(N, 3) indices into the flattened grid, without triangles that would bridge a jump in depth.

        What is a jump does not depend on how much the cloud is thinned: it is looked for between the frame's pixels.
        """
        height, width = self.there.shape
        z = np.where(self.there, self.points_m[..., 2], np.nan)
        upper_left, upper_right, lower_left, lower_right = z[:-1, :-1], z[:-1, 1:], z[1:, :-1], z[1:, 1:]
        first = np.arange((height - 1) * width, dtype=np.uint32).reshape(height - 1, width)[:, :-1]
        found = []
        for corners, offsets in (
            ((upper_left, upper_right, lower_left), (0, 1, width)),
            ((upper_right, lower_right, lower_left), (1, width + 1, width)),
        ):
            far = np.maximum(np.maximum(corners[0], corners[1]), corners[2])  # NaN at holes, and then False below.
            near = np.minimum(np.minimum(corners[0], corners[1]), corners[2])
            apart = far - near
            together = apart < jump_m(near, self.focal_px)
            if self.unbroken is not None:
                together |= self.unbroken & (apart >= 0)
            start = first[together]
            found.append(np.stack([start + offset for offset in offsets], axis=-1))
        return np.concatenate(found).astype(np.uint32)


def _unbroken(frame: RgbdFrame, stride: int, rows: int, columns: int) -> NDArray[np.bool_]:
    """(rows, columns) bool: no hole and no jump among the pixels of each square of `stride` pixels."""
    z = frame.depth.astype(np.float32) * np.float32(frame.calibration.depth_unit_m)
    limit = jump_m(z, frame.calibration.color.fx)
    bad = z == 0
    for before, after, cap, at in (
        (z[:, :-1], z[:, 1:], limit[:, :-1], bad[:, :-1]),
        (z[:-1], z[1:], limit[:-1], bad[:-1]),
    ):
        at |= np.abs(after - before) > cap
    squares = bad[: rows * stride, : columns * stride].reshape(rows, stride, columns, stride)
    broken: NDArray[np.bool_] = squares.any(axis=(1, 3))
    # The lower and right points of a square are the first of the next ones.
    below, beside = bad[stride::stride, : columns * stride], bad[: rows * stride, stride::stride]
    broken |= below[:rows].reshape(rows, columns, stride).any(axis=2)
    broken |= beside[:, :columns].reshape(rows, stride, columns).any(axis=1)
    return ~broken


def point_grid(scene: Scene, stride: int, *, joined: bool = True) -> PointGrid:
    """Every `stride`-th point of every `stride`-th row, coloured.

    Args:
        scene: What is drawn.
        stride: 1 for all points.
        joined: Whether triangles will be wanted; that all pixels between the points are looked at takes longest.
    """
    one, frame = scene.segmentation, scene.frame
    pick = (slice(None, None, stride), slice(None, None, stride))
    depth = frame.depth[pick]
    points = deproject(frame.depth, frame.calibration)[pick] if stride == 1 else _sparse_points(scene, stride)
    there = depth > 0
    rgb = frame.color[pick]
    known = one.known_labels if scene.coloring == "labels" else one.prediction
    labels, label_set = (known.labels, known.label_set) if known else (None, None)
    if scene.coloring == "depth":
        near_mm, far_mm = round(scene.ends_m[0] * 100) * 10, round(scene.ends_m[1] * 100) * 10
        steps = np.take(depth_table(frame.calibration.depth_unit_m, near_mm, far_mm), depth)
        rgb = depth_color_map(scene.display.depth_map)[steps]
    if labels is not None and label_set is not None:
        labels = labels[pick]
        visible = scene.display.visible(label_set)
        visible[0] = scene.display.solo is None  # Unlabelled points go only when one class is shown alone.
        there = there & visible[labels]
        if scene.coloring in ("overlay", "labels"):
            share = 1.0 if scene.coloring == "labels" else scene.display.opacity
            tints = scene.display.class_colors(label_set)
            if share >= 1.0:
                rgb = np.where((labels > 0)[..., None], tints[labels], rgb // 2)
            elif share > 0:
                mixed = rgb * (1 - share) + tints[labels] * share
                rgb = np.where((labels > 0)[..., None], mixed, rgb).astype(np.uint8)
    rows, columns = there.shape
    unbroken = _unbroken(frame, stride, rows - 1, columns - 1) if joined and stride > 1 else None
    return PointGrid(points, np.ascontiguousarray(rgb, np.uint8), there, stride, frame.calibration.color.fx, unbroken)


def _sparse_points(scene: Scene, stride: int) -> NDArray[np.float32]:
    """Points of a thinned depth picture, without computing the others."""
    frame = scene.frame
    lens = frame.calibration.color
    if any(lens.distortion):
        return deproject(frame.depth, frame.calibration)[::stride, ::stride]
    z = frame.depth[::stride, ::stride].astype(np.float32) * np.float32(frame.calibration.depth_unit_m)
    x = ((np.arange(0, lens.width, stride) - lens.cx) / lens.fx).astype(np.float32)
    y = ((np.arange(0, lens.height, stride) - lens.cy) / lens.fy).astype(np.float32)
    return np.stack([z * x, z * y[:, None], z], axis=-1)
