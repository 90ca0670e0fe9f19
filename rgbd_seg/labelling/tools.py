"""What each tool of label mode takes: functions from a frame's regions to the pixels that a stroke paints.

All pixels are (column, row) of the camera's own picture. Points may lie outside; masks are (H, W) bool.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.frame import RgbdFrame
from rgbd_seg.labelling.pieces import disparity_of
from rgbd_seg.labelling.regions import DISPARITY_SIGMA, Regions

Mask = NDArray[np.bool_]
Point = tuple[int, int]

# A surface with this share of the picture carries things; it is no cluster, and parts clusters that stand on it.
_SUPPORT_SHARE = 0.06
# A part of a plane beyond what stands before it has at least this share of the picture.
_SMALLEST_PART = 0.001
# Neighbouring pieces whose mean depths differ by more than this share are not one thing.
_CLUSTER_GAP = 0.05
# Where a frame has no depth at all, a plane or a thing is a region of colour at this grain.
_FLAT_GRAIN = 40
# GrabCut takes a second on a full picture, and its answer hardly changes at half the size.
_GRAB_PIXELS = 90_000
_GRAB_ROUNDS = 4
# Coordinates beyond this are an error; OpenCV draws in 32-bit fixed point.
_FAR = 20_000


def region(regions: Regions, points: Sequence[Point], count: int) -> Mask:
    """The regions under a click or a drag.

    Args:
        regions: Of the frame.
        points: The way of the pointer.
        count: The grain: how many regions the picture has.
    """
    way = brush_area(regions.pieces.map.shape, points, 0)
    table = regions.table(count)
    taken = np.zeros(int(table.max()) + 1, bool)
    taken[table[regions.pieces.map[way]]] = True
    return np.asarray(taken[table][regions.pieces.map])


def brush_area(shape: tuple[int, ...], points: Sequence[Point], radius: int) -> Mask:
    """Where a round brush goes, whatever lies there; the eraser is this with class 0."""
    area = np.zeros(shape, np.uint8)
    way = _points(points)
    for start, end in pairwise(way):
        cv2.line(area, start.tolist(), end.tolist(), 1, 2 * radius + 1)
    for middle in way:
        cv2.circle(area, middle.tolist(), radius, 1, -1)
    return area > 0


def brush(regions: Regions, points: Sequence[Point], radius: int) -> Mask:
    """A round brush that stays on the surface where it started: depth edges and creases stop it."""
    area = brush_area(regions.pieces.map.shape, points, radius)
    return _connected(area & _same_surface(regions, points[0]), points[0])


def polygon(shape: tuple[int, ...], points: Sequence[Point]) -> Mask:
    """The inside of a polygon with its outline; less than three corners are nothing."""
    area = np.zeros(shape, np.uint8)
    if len(points) >= 3:
        cv2.fillPoly(area, [_points(points)], 1)
    return area > 0


def rectangle(shape: tuple[int, ...], one: Point, other: Point) -> Mask:
    """A rectangle by two opposite corners, both inside it."""
    area = np.zeros(shape, bool)
    left, top, right, bottom = _box(shape, one, other)
    area[top:bottom, left:right] = True
    return area


def fill(labels: NDArray[np.uint8], regions: Regions, point: Point, *, free: bool = False) -> Mask:
    """The area around a pixel that has one label and one surface; what it is bounded by may be painted or real.

    Args:
        labels: (H, W) uint8, as painted so far.
        regions: Of the frame.
        point: Where it starts.
        free: Whether only painted edges stop it.
    """
    if not _inside(labels.shape, point):
        return np.zeros(labels.shape, bool)
    same = labels == labels[point[1], point[0]]
    return _connected(same if free else same & _same_surface(regions, point), point)


def plane(regions: Regions, point: Point) -> Mask:
    """The whole flat surface under a pixel, also where things that stand before it part it."""
    pieces = regions.pieces
    if not _inside(pieces.map.shape, point):
        return np.zeros(pieces.map.shape, bool)
    if not pieces.plane[:, 0].any():
        return region(regions, [point], _FLAT_GRAIN)
    surfaces = regions.surfaces
    start = surfaces[pieces.map[point[1], point[0]]]
    sums = np.zeros((int(surfaces.max()) + 1, pieces.plane.shape[1]))
    np.add.at(sums, surfaces, pieces.plane)
    # Whole surfaces only: where another surface crosses the plane, some of its pieces lie on both.
    large = sums[:, 0] >= _SMALLEST_PART * pieces.size.sum()
    taken = np.arange(len(sums)) == start
    if sums[start, 0] >= 3:
        for _ in range(3):  # Each part that is found makes the plane better known.
            found = large & (_distance_to(sums, _fit(sums[taken].sum(0))) < DISPARITY_SIGMA)
            found[start] = True
            if np.array_equal(found, taken):
                break
            taken = found
    taken = taken[surfaces]
    return np.asarray(_with_holes(regions, taken)[pieces.map])


def cluster(regions: Regions, point: Point) -> Mask:
    """The thing under a pixel as points in space see it: what hangs together in depth, without what it stands on.

    On a surface that carries things (floor, wall, table top) it is that surface.
    """
    pieces, surfaces = regions.pieces, regions.surfaces
    if not _inside(pieces.map.shape, point):
        return np.zeros(pieces.map.shape, bool)
    start = int(pieces.map[point[1], point[0]])
    known = pieces.plane[:, 0]
    if not known.any():
        return region(regions, [point], _FLAT_GRAIN)
    on_surface = np.bincount(surfaces, known)
    carrying = (on_surface >= _SUPPORT_SHARE * pieces.size.sum())[surfaces]
    if carrying[start]:
        return plane(regions, point)
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = known / pieces.plane[:, 6]  # One over the mean disparity.
    one, other = pieces.pairs.T
    with np.errstate(invalid="ignore"):
        near = np.abs(depth[one] - depth[other]) < _CLUSTER_GAP * np.minimum(depth[one], depth[other])
    joined = ~carrying[one] & ~carrying[other] & (near | (surfaces[one] == surfaces[other]))
    taken = np.zeros(len(pieces), bool)
    taken[start] = True
    while True:
        grown = taken.copy()
        grown[one[joined & taken[other]]] = True
        grown[other[joined & taken[one]]] = True
        if np.array_equal(grown, taken):
            return np.asarray(_with_holes(regions, taken)[pieces.map])
        taken = grown


def cut_out(frame: RgbdFrame, one: Point, other: Point) -> Mask:
    """The thing inside a box, by GrabCut on lightness, chroma and disparity.

    Args:
        frame: What is seen.
        one: A corner of the box.
        other: The opposite corner.
    """
    height, width = frame.depth.shape
    left, top, right, bottom = _box(frame.depth.shape, one, other)
    result = np.zeros((height, width), bool)
    if right - left < 4 or bottom - top < 4:
        return result
    # What surrounds the box is what the background looks like; the rest of the picture need not be asked.
    x0, x1 = max(0, left - (right - left) // 2), min(width, right + (right - left) // 2)
    y0, y1 = max(0, top - (bottom - top) // 2), min(height, bottom + (bottom - top) // 2)
    picture = _three_channels(frame, slice(y0, y1), slice(x0, x1))
    scale = min(1.0, (_GRAB_PIXELS / (picture.shape[0] * picture.shape[1])) ** 0.5)
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else picture
    marks = np.full(small.shape[:2], cv2.GC_BGD, np.uint8)
    inner = [round(value * scale) for value in (top - y0, bottom - y0, left - x0, right - x0)]
    marks[inner[0] : inner[1], inner[2] : inner[3]] = cv2.GC_PR_FGD
    if not (marks == cv2.GC_BGD).any():  # The box is the whole picture: its rim is what GrabCut learns from.
        marks[[0, -1]] = marks[:, [0, -1]] = cv2.GC_BGD
    cv2.setRNGSeed(0)  # The same box gives the same answer.
    found, _, _ = cv2.grabCut(
        small, marks, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), _GRAB_ROUNDS, cv2.GC_INIT_WITH_MASK
    )
    soft = np.isin(found, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    inside = cv2.resize(soft, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR) > 0.5
    result[y0:y1, x0:x1] = inside
    result[:top] = result[bottom:] = False
    result[:, :left] = result[:, right:] = False
    return result


def _three_channels(frame: RgbdFrame, rows: slice, columns: slice) -> NDArray[np.uint8]:
    """Lightness, a mixture of both chroma axes, and disparity stretched over what is there: (h, w, 3) uint8."""
    picture = np.asarray(cv2.cvtColor(np.ascontiguousarray(frame.color[rows, columns]), cv2.COLOR_RGB2LAB), np.uint8)
    chroma = (picture[..., 1].astype(np.float32) - 128) * 1.5 + picture[..., 2]
    picture[..., 1] = np.clip(chroma, 0, 255)
    disparity = disparity_of(frame.depth[rows, columns], frame.calibration.depth_unit_m)
    known = disparity[disparity > 0]
    if known.size and frame.calibration.registered:
        low, high = np.percentile(known, (2, 98))
        stretched = np.clip((disparity - low) / max(high - low, 1e-3), 0, 1) * 200
        # A hole has the depth of its surroundings, or it would look like a thing of its own.
        holes = (disparity == 0).astype(np.uint8)
        picture[..., 2] = cv2.inpaint(stretched.astype(np.uint8), holes, 3, cv2.INPAINT_TELEA)
    return picture


def _points(points: Sequence[Point]) -> NDArray[np.int32]:
    return np.clip(np.asarray(points, np.int64).reshape(-1, 2), -_FAR, _FAR).astype(np.int32)


def _box(shape: tuple[int, ...], one: Point, other: Point) -> tuple[int, int, int, int]:
    """Left, top, right and bottom (the last two outside) of a box within the picture."""
    (left, right), (top, bottom) = (sorted((one[i], other[i])) for i in (0, 1))
    return max(0, left), max(0, top), min(shape[1], right + 1), min(shape[0], bottom + 1)


def _inside(shape: tuple[int, ...], point: Point) -> bool:
    return 0 <= point[0] < shape[1] and 0 <= point[1] < shape[0]


def _same_surface(regions: Regions, point: Point) -> Mask:
    pieces = regions.pieces.map
    if not _inside(pieces.shape, point):
        return np.zeros(pieces.shape, bool)
    return np.asarray((regions.surfaces == regions.surfaces[pieces[point[1], point[0]]])[pieces])


def _connected(area: Mask, point: Point) -> Mask:
    """The part of an area that hangs together with a pixel."""
    if not _inside(area.shape, point) or not area[point[1], point[0]]:
        return np.zeros(area.shape, bool)
    _, parts = cv2.connectedComponents(area.astype(np.uint8), connectivity=4)
    return np.asarray(parts == parts[point[1], point[0]])


def _fit(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """The plane w = a + b x + c y through the pixels of some plane sums: (3,) float64."""
    n, x, y, xx, xy, yy, w, wx, wy, _ = sums
    normal = np.array([[n, x, y], [x, xx, xy], [y, xy, yy]]) + np.diag([1e-9, 1e-5 * n, 1e-5 * n])
    return np.asarray(np.linalg.solve(normal, [w, wx, wy]))


def _distance_to(sums: NDArray[np.float64], fitted: NDArray[np.float64]) -> NDArray[np.float64]:
    """The root mean squared distance of each piece's disparity from a plane; infinite without depth: (n,) float64."""
    n, x, y, xx, xy, yy, w, wx, wy, ww = sums.T
    a, b, c = fitted
    squares = (
        ww
        - 2 * (a * w + b * wx + c * wy)
        + a * a * n
        + b * b * xx
        + c * c * yy
        + 2 * (a * b * x + a * c * y + b * c * xy)
    )
    return np.where(n > 0, np.sqrt(np.maximum(squares, 0) / np.maximum(n, 1)), np.inf)


def _with_holes(regions: Regions, taken: Mask) -> Mask:
    """Pieces, with the pieces without depth whose colour goes on into them rather than into others."""
    pieces = regions.pieces
    color = pieces.color / pieces.size[:, None]
    hole = pieces.plane[:, 0] < 0.2 * pieces.size
    if not hole.any():
        return taken
    one, other = pieces.pairs.T
    one, other = np.concatenate([one, other]), np.concatenate([other, one])
    difference = ((color[one] - color[other]) ** 2).sum(1)
    taken = taken.copy()
    settled = ~hole | taken
    for _ in range(len(pieces)):  # From the rim of a hole to its middle, a piece at a time.
        rim = ~settled[one] & settled[other]
        if not rim.any():
            break
        order = np.flatnonzero(rim)[np.argsort(difference[rim], kind="stable")]
        found, first = np.unique(one[order], return_index=True)
        taken[found] = taken[other[order[first]]]
        settled[found] = True
    return taken
