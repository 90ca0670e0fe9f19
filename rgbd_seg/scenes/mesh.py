"""Triangle meshes of simple parts: boxes, cushions, turned shapes, sheets. Metres, z up, fronts facing -y."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Vector = tuple[float, float, float]
_AXES = "xyz"


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """Triangles with what the renderer needs at their corners.

    Attributes:
        vertices: (n, 8) float32: position (m), unit normal, texture coordinate (m on the surface, or 0..1 on prints).
        triangles: (m, 3) uint32 rows of `vertices`, anticlockwise seen from outside.
    """

    vertices: NDArray[np.float32]
    triangles: NDArray[np.uint32]

    def moved(self, offset: Vector) -> Mesh:
        vertices = self.vertices.copy()
        vertices[:, :3] += np.asarray(offset, np.float32)
        return Mesh(vertices, self.triangles)

    def turned(self, angle_rad: float, axis: str = "z") -> Mesh:
        """The mesh rotated about an axis ("x", "y" or "z") through the origin."""
        vertices = self.vertices.copy()
        rotation = rotation_matrix(angle_rad, axis).astype(np.float32)
        vertices[:, :3] = vertices[:, :3] @ rotation.T
        vertices[:, 3:6] = vertices[:, 3:6] @ rotation.T
        return Mesh(vertices, self.triangles)


def rotation_matrix(angle_rad: float, axis: str = "z") -> NDArray[np.float64]:
    """The (3, 3) rotation about one axis, right-handed."""
    i = _AXES.index(axis)
    j, k = (i + 1) % 3, (i + 2) % 3
    matrix = np.eye(3)
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    matrix[j, j], matrix[j, k], matrix[k, j], matrix[k, k] = c, -s, s, c
    return matrix


def join(meshes: Sequence[Mesh]) -> Mesh:
    starts = np.cumsum([0, *(len(m.vertices) for m in meshes[:-1])])
    triangles = [m.triangles + np.uint32(start) for m, start in zip(meshes, starts, strict=True)]
    return Mesh(np.concatenate([m.vertices for m in meshes]), np.concatenate(triangles))


def _face_axes(axis: int, sign: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Normal, u and v directions of one side of a cube; u x v = normal, v is up on upright sides."""
    normal = np.zeros(3)
    normal[axis] = sign
    up = np.array([0.0, 0.0, 1.0]) if axis < 2 else np.array([0.0, 1.0, 0.0])
    return normal, np.cross(up, normal), up


@lru_cache(maxsize=8)
def _cube_grid(steps: int) -> tuple[NDArray[np.float64], NDArray[np.uint32]]:
    """A cube of side 2 with (steps + 1)^2 points on each side: (n, 9) position, normal, tangent u sizes; triangles."""
    line = np.linspace(-1, 1, steps + 1)
    u, v = (g.ravel() for g in np.meshgrid(line, line))
    cell = np.arange(steps)
    first = (cell[:, None] * (steps + 1) + cell[None, :]).ravel()
    quads = np.stack([first, first + 1, first + steps + 2, first, first + steps + 2, first + steps + 1], 1)
    rows, triangles = [], []
    for side, (axis, sign) in enumerate((a, s) for a in range(3) for s in (-1, 1)):
        normal, along_u, along_v = _face_axes(axis, sign)
        points = normal + u[:, None] * along_u + v[:, None] * along_v
        rows.append(np.hstack([points, np.tile(normal, (len(u), 1)), np.tile(along_u, (len(u), 1))]))
        triangles.append(quads.reshape(-1, 3) + side * len(u))
    return np.concatenate(rows), np.concatenate(triangles).astype(np.uint32)


def _surface_uv(
    points: NDArray[np.float64], normals: NDArray[np.float64], along_u: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Texture coordinates in metres along the side of the cube that a point belongs to."""
    along_v = np.cross(normals, along_u)
    return np.stack([(points * along_u).sum(1), (points * along_v).sum(1)], 1)


def box(size: Vector, center: Vector = (0, 0, 0)) -> Mesh:
    grid, triangles = _cube_grid(1)
    points = grid[:, :3] * (np.asarray(size) / 2)
    uv = _surface_uv(points, grid[:, 3:6], grid[:, 6:9])
    vertices = np.hstack([points + np.asarray(center), grid[:, 3:6], uv])
    return Mesh(vertices.astype(np.float32), triangles)


def cushion(size: Vector, center: Vector = (0, 0, 0), roundness: float = 0.5, steps: int = 5) -> Mesh:
    """A box with soft edges.

    Args:
        size: Extent in metres.
        center: Of the box.
        roundness: 0 = box, 1 = ellipsoid.
        steps: Cells along a side.
    """
    grid, triangles = _cube_grid(steps)
    cube, half = grid[:, :3], np.asarray(size) / 2
    # A superellipsoid |x|^p + |y|^p + |z|^p = 1: p = 2 is an ellipsoid, large p a box.
    power = 2.0 / max(roundness, 0.12)
    radius = (np.abs(cube) ** power).sum(1) ** (-1 / power)
    unit = cube * radius[:, None]
    normals = np.sign(unit) * np.abs(unit) ** (power - 1) / half
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    uv = _surface_uv(cube * half, grid[:, 3:6], grid[:, 6:9])
    vertices = np.hstack([unit * half + np.asarray(center), normals, uv])
    return Mesh(vertices.astype(np.float32), triangles)


def turned_profile(profile: Sequence[tuple[float, float]], center: Vector = (0, 0, 0), segments: int = 14) -> Mesh:
    """A shape turned about z.

    Args:
        profile: (radius, height) in metres from bottom to top; a radius of 0 closes the end.
        center: Added to all points.
        segments: Around the axis.
    """
    angles = np.linspace(0, 2 * np.pi, segments + 1)
    circle = np.stack([np.cos(angles), np.sin(angles)], 1)
    strips, along = [], 0.0
    for (r0, z0), (r1, z1) in pairwise(profile):
        slope = np.array([z1 - z0, r0 - r1])
        length = float(np.hypot(*slope))
        if length < 1e-9:
            continue
        slope = slope / length
        normal = np.hstack([circle * slope[0], np.full((segments + 1, 1), slope[1])])
        turn = angles[:, None] * max(r0, r1)
        low = np.hstack([circle * r0, np.full((segments + 1, 1), z0), normal, turn, np.full_like(turn, along)])
        along += length
        high = np.hstack([circle * r1, np.full((segments + 1, 1), z1), normal, turn, np.full_like(turn, along)])
        first = np.arange(segments)
        above = first + segments + 1
        triangles = np.concatenate(
            [np.stack([first, first + 1, above + 1], 1), np.stack([first, above + 1, above], 1)]
        ).astype(np.uint32)
        strips.append(Mesh(np.vstack([low, high]).astype(np.float32), triangles))
    return join(strips).moved(center)


def cylinder(
    radius: float, height: float, center: Vector = (0, 0, 0), top_radius: float | None = None, segments: int = 12
) -> Mesh:
    """An upright closed cylinder or frustum; `center` is the middle of its axis."""
    top = radius if top_radius is None else top_radius
    profile = [(0.0, -height / 2), (radius, -height / 2), (top, height / 2), (0.0, height / 2)]
    return turned_profile(profile, center, segments)


def rod(start: Vector, end: Vector, radius: float, segments: int = 8) -> Mesh:
    a, b = np.asarray(start, float), np.asarray(end, float)
    length = float(np.linalg.norm(b - a))
    along = (b - a) / length
    upright = cylinder(radius, length, segments=segments)
    tilt = float(np.arccos(np.clip(along[2], -1, 1)))
    heading = float(np.arctan2(along[1], along[0]))
    return upright.turned(tilt, "y").turned(heading).moved(tuple((a + b) / 2))


def print_panel(width: float, height: float, center: Vector = (0, 0, 0)) -> Mesh:
    """A single upright rectangle facing -y with texture coordinates 0..1 (v down), for pictures and screens."""
    x, z = width / 2, height / 2
    corners = np.array([[-x, 0, -z], [x, 0, -z], [x, 0, z], [-x, 0, z]]) + np.asarray(center)
    normals = np.tile([0.0, -1.0, 0.0], (4, 1))
    uv = np.array([[0, 1], [1, 1], [1, 0], [0, 0]])
    vertices = np.hstack([corners, normals, uv]).astype(np.float32)
    return Mesh(vertices, np.array([[0, 1, 2], [0, 2, 3]], np.uint32))


def print_sheet(width: float, depth: float, center: Vector = (0, 0, 0)) -> Mesh:
    """A single horizontal rectangle facing up with texture coordinates 0..1, for paper, rugs and books."""
    return print_panel(width, depth).turned(-np.pi / 2, "x").moved(center)


def folded_sheet(width: float, height: float, folds: int, amplitude: float, center: Vector = (0, 0, 0)) -> Mesh:
    """A hanging cloth seen from both sides, folded like a curtain."""
    columns = max(8, folds * 6)
    s = np.linspace(0, 1, columns + 1)
    x, phase = (s - 0.5) * width, s * folds * 2 * np.pi
    y, slope = amplitude * np.sin(phase), amplitude * np.cos(phase) * folds * 2 * np.pi / width
    normal = np.stack([slope, -np.ones_like(s), np.zeros_like(s)], 1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    rows = []
    for z in (-height / 2, height / 2):
        points = np.stack([x, y, np.full_like(s, z)], 1) + np.asarray(center)
        rows.append(np.hstack([points, normal, np.stack([x, np.full_like(s, z)], 1)]))
    vertices = np.vstack(rows).astype(np.float32)
    first = np.arange(columns)
    above = first + columns + 1
    front = np.concatenate([np.stack([first, first + 1, above + 1], 1), np.stack([first, above + 1, above], 1)]).astype(
        np.uint32
    )
    back = vertices.copy()
    back[:, 3:6] *= -1
    return join([Mesh(vertices, front), Mesh(back, front[:, ::-1].copy())])


def floor_polygon(corners: NDArray[np.float64], height: float, *, facing_up: bool) -> Mesh:
    """A horizontal convex polygon; `corners` (n, 2) anticlockwise seen from above."""
    count = len(corners)
    normal = [0.0, 0.0, 1.0 if facing_up else -1.0]
    vertices = np.hstack([corners, np.full((count, 1), height), np.tile(normal, (count, 1)), corners])
    fan = np.array([[0, i, i + 1] for i in range(1, count - 1)], np.uint32)
    return Mesh(vertices.astype(np.float32), fan if facing_up else fan[:, ::-1].copy())


def wall_panel(start: NDArray[np.float64], end: NDArray[np.float64], low: float, high: float) -> Mesh:
    """An upright rectangle over the floor line start-end; it faces the left of that direction (the room's inside)."""
    along = np.asarray(end, float) - np.asarray(start, float)
    length = float(np.hypot(*along))
    normal = [-along[1] / length, along[0] / length, 0.0]
    rows = []
    for (x, y), u, z in ((end, 0.0, low), (start, length, low), (start, length, high), (end, 0.0, high)):
        rows.append([x, y, z, *normal, u, z])
    return Mesh(np.array(rows, np.float32), np.array([[0, 1, 2], [0, 2, 3]], np.uint32))
