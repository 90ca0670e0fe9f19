"""A finished room: geometry, surfaces and labels ready for the renderer, lights, and where a camera can go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.labels import LabelSet
from rgbd_seg.scenes.furnishing import ROOM_KINDS, RoomKind, furnish
from rgbd_seg.scenes.layout import Layout, Placed, Rectangle
from rgbd_seg.scenes.materials import WHITE, Material, front, hsv, shade, wood
from rgbd_seg.scenes.mesh import Mesh, box, floor_polygon, wall_panel
from rgbd_seg.scenes.model import Model
from rgbd_seg.scenes.patterns import LAYERS

#: The classes of rooms: ids of SUN RGB-D's 37.
LABEL_SET = "sunrgbd37"
PART_TEXELS = 5
MAX_INSTANCES = 1023
_LAYER_NUMBER = {name: number for number, name in enumerate(LAYERS)}
_SPANS = {
    "kitchen": (2.8, 4.6),
    "bedroom": (3.0, 4.8),
    "living": (3.8, 6.5),
    "office": (3.2, 6.5),
    "bathroom": (2.2, 3.4),
}


@dataclass(frozen=True, slots=True)
class Thing:
    """One labelled object of a room.

    Attributes:
        label: Class id, 0 for things of no class.
        instance: Number in the instance map.
        center: Middle in metres.
        size: Extent along x, y, z in metres, after turning.
    """

    label: int
    instance: int
    center: tuple[float, float, float]
    size: tuple[float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """A room that can be rendered. Metres, z up, the floor at 0.

    Attributes:
        seed: What it was made from.
        kind: Kitchen, bedroom, ...
        width: Along x.
        depth: Along y.
        height: Floor to ceiling.
        floor: Rectangles of the floor (two in an L-shaped room).
        vertices: (n, 9) float32: position, normal, texture coordinate, row in `parts`.
        triangles: (m, 3) uint32; walls, floor and ceiling first.
        batches: (b, 2) int64, first triangle and number of triangles of each thing; the first batch is the shell
            (walls, floor, ceiling).
        batch_centers: (b, 3) middles of the batches in metres, to draw near things first.
        casts_shadow: (b,) bool; not the shell, lamps under the ceiling, and flat things on walls.
        parts: (p, PART_TEXELS, 4) float32 surface table for the shader; see `_part_row`.
        things: All labelled objects.
        obstacles: Footprints and heights of what stands on the floor: (k, 5) x0, y0, x1, y1, top.
        lamp: Position of the main light.
        lamp_color: Its colour, linear.
        sun: Position of the brightest window, or of nothing if there is none.
        sun_color: Colour of daylight, linear; zeros without a window.
    """

    seed: int
    kind: RoomKind
    width: float
    depth: float
    height: float
    floor: tuple[Rectangle, ...]
    vertices: NDArray[np.float32]
    triangles: NDArray[np.uint32]
    batches: NDArray[np.int64]
    batch_centers: NDArray[np.float64]
    casts_shadow: NDArray[np.bool_]
    parts: NDArray[np.float32]
    things: tuple[Thing, ...]
    obstacles: NDArray[np.float64]
    lamp: tuple[float, float, float]
    lamp_color: tuple[float, float, float]
    sun: tuple[float, float, float]
    sun_color: tuple[float, float, float]

    @property
    def labels(self) -> frozenset[int]:
        """Class ids that occur in the room."""
        return frozenset(t.label for t in self.things if t.label)

    def is_free(self, x: float, y: float, z: float, margin_m: float = 0.25) -> bool:
        """Whether a camera at (x, y, z) is inside the room and not inside or too near to a thing."""
        inside = any(
            x0 + margin_m < x < x1 - margin_m and y0 + margin_m < y < y1 - margin_m for x0, y0, x1, y1 in self.floor
        )
        if not inside or not 0.1 < z < self.height - 0.15:
            return False
        o = self.obstacles
        near = (o[:, 0] - margin_m < x) & (x < o[:, 2] + margin_m) & (o[:, 1] - margin_m < y) & (y < o[:, 3] + margin_m)
        return not bool(np.any(near & (z < o[:, 4] + margin_m)))


class _Assembly:
    """Collects meshes, surfaces and things of a room that is being built."""

    def __init__(self, rng: np.random.Generator, room_height: float) -> None:
        self.rng = rng
        self.room_height = room_height
        self.labels = LabelSet.load(LABEL_SET)
        self.vertices: list[NDArray[np.float32]] = []
        self.triangles: list[NDArray[np.uint32]] = []
        self.rows: list[NDArray[np.float32]] = []
        self.things: list[Thing] = []
        self.batches: list[tuple[int, int]] = []
        self.batch_centers: list[NDArray[np.float64]] = []
        self.casts_shadow: list[bool] = []
        self._batch_start = 0
        self._next_triangle = 0
        self._next_vertex = 0
        self._row_of: dict[tuple[Material, int], int] = {}

    def thing(self, label: str, bounds: NDArray[np.float64]) -> int:
        """Registers an object; returns its packed id (label << 10 | instance)."""
        instance = min(len(self.things) + 1, MAX_INSTANCES)
        number = self.labels.id_of(label) if label else 0
        center, size = bounds.mean(0), bounds[1] - bounds[0]
        self.things.append(Thing(number, instance, tuple(map(float, center)), tuple(map(float, size))))  # type: ignore[arg-type]
        return number << 10 | instance

    def mesh(self, mesh: Mesh, material: Material, packed_id: int) -> None:
        """Adds one mesh that is already in place."""
        self._append(mesh.vertices, mesh.triangles, np.full(len(mesh.vertices), self._row(material, packed_id)))

    def model(self, model: Model, x: float, y: float, z: float, yaw: float) -> None:
        """Adds a model and everything attached to it."""
        if model.parts:
            c, s = np.cos(yaw), np.sin(yaw)
            turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]], np.float32)
            vertices = np.concatenate([p.mesh.vertices for p in model.parts])
            vertices[:, :3] = vertices[:, :3] @ turn.T + np.array([x, y, z], np.float32)
            vertices[:, 3:6] = vertices[:, 3:6] @ turn.T
            bounds = np.stack([vertices[:, :3].min(0), vertices[:, :3].max(0)]).astype(np.float64)
            packed = self.thing(model.label, bounds)
            counts = [len(p.mesh.vertices) for p in model.parts]
            starts = np.cumsum([0, *counts[:-1]])
            triangles = [p.mesh.triangles + np.uint32(n) for p, n in zip(model.parts, starts, strict=True)]
            rows = np.repeat([self._row(p.material, packed) for p in model.parts], counts)
            self._append(vertices, np.concatenate(triangles), rows)
            self.close_batch()
        for child in model.attached:
            dx, dy, dz = child.offset
            cx, cy = x + np.cos(yaw) * dx - np.sin(yaw) * dy, y + np.sin(yaw) * dx + np.cos(yaw) * dy
            self.model(child.model, float(cx), float(cy), z + dz, yaw + child.yaw_rad)

    def _append(self, vertices: NDArray[np.float32], triangles: NDArray[np.uint32], rows: NDArray[np.int64]) -> None:
        self.vertices.append(np.hstack([vertices, rows[:, None].astype(np.float32)]))
        self.triangles.append(triangles + np.uint32(self._next_vertex))
        self._next_vertex += len(vertices)
        self._next_triangle += len(triangles)

    def close_batch(self) -> None:
        """Everything added since the last call is drawn as one thing."""
        if self._next_triangle > self._batch_start:
            self.batches.append((self._batch_start, self._next_triangle - self._batch_start))
            center, size = self.things[-1].center, self.things[-1].size
            is_flat = min(size[:2]) < 0.12 and size[2] > 0.25
            self.batch_centers.append(np.array(center))
            self.casts_shadow.append(bool(self.casts_shadow) and not is_flat and center[2] < self.room_height - 0.5)
            self._batch_start = self._next_triangle

    def _row(self, material: Material, packed_id: int) -> int:
        key = (material, packed_id)
        if key not in self._row_of:
            self._row_of[key] = len(self.rows)
            self.rows.append(_part_row(material, packed_id, self.rng))
        return self._row_of[key]


def _part_row(material: Material, packed_id: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Five texels: base + layer, second + gloss, accent + infrared, scale and offset, glow + direct + id.

    Colours are linear with a display gamma of 2, which costs the shader one multiplication.
    """
    fixed = material.direct or material.pattern == "rug"
    offset = (0.0, 0.0) if fixed else tuple(rng.random(2))
    scale = material.repeats_per_m
    base, second, accent = (np.square(c) for c in (material.base, material.second, material.accent))
    return np.array(
        [
            [*base, _LAYER_NUMBER[material.pattern]],
            [*second, material.gloss],
            [*accent, material.infrared],
            [scale, scale, *offset],
            [material.glow, float(material.direct), packed_id, 0.0],
        ],
        np.float32,
    )


def build_room(seed: int, room: RoomKind | None = None) -> Room:
    """Makes a room; the same seed and kind give the same room everywhere.

    Args:
        seed: 0 or more.
        room: Its kind; None lets the seed choose.

    Raises:
        ConfigurationError: The seed is negative or the kind is unknown.
    """
    if seed < 0:
        raise ConfigurationError(f"the seed of a room must be 0 or more, not {seed}")
    if room is not None and room not in ROOM_KINDS:
        raise ConfigurationError(f"a room is one of {', '.join(ROOM_KINDS)}, not {room!r}")
    rng = np.random.default_rng([7001, seed])
    chosen: RoomKind = ROOM_KINDS[int(rng.integers(len(ROOM_KINDS)))]
    kind = room or chosen
    low, high = _SPANS[kind]
    width, depth, height = rng.uniform(low, high), rng.uniform(low, high), rng.uniform(2.35, 2.95)
    notch = None
    if kind != "bathroom" and rng.random() < 0.3:
        notch = (width * rng.uniform(0.55, 0.72), depth * rng.uniform(0.55, 0.72), width, depth)
    layout = Layout(rng, width, depth, height, notch)
    furnish(layout, kind)
    assembly = _Assembly(rng, height)
    _shell(assembly, layout, kind)
    assembly.close_batch()
    for placed in layout.placed:
        assembly.model(placed.model, placed.x, placed.y, placed.z, placed.yaw_rad)
    sun, sun_color = _daylight(layout)
    return Room(
        seed=seed,
        kind=kind,
        width=width,
        depth=depth,
        height=height,
        floor=tuple(layout.floor),
        vertices=np.concatenate(assembly.vertices),
        triangles=np.concatenate(assembly.triangles),
        batches=np.array(assembly.batches, np.int64),
        batch_centers=np.array(assembly.batch_centers),
        casts_shadow=np.array(assembly.casts_shadow),
        parts=np.stack(assembly.rows),
        things=tuple(assembly.things),
        obstacles=_obstacles(layout.placed),
        lamp=(width * rng.uniform(0.35, 0.65), depth * rng.uniform(0.35, 0.65), height - 0.25),
        lamp_color=tuple(np.square(hsv(rng.uniform(0.07, 0.14), rng.uniform(0.0, 0.28), 1.0)) * rng.uniform(0.5, 1.1)),
        sun=sun,
        sun_color=sun_color,
    )


def _obstacles(placed: list[Placed]) -> NDArray[np.float64]:
    rows = [
        (*p.footprint, max([p.model.height, *(a.offset[2] + a.model.height for a in p.model.attached)]))
        for p in placed
        if p.z < 0.5 and p.model.label != "floor_mat"
    ]
    return np.array(rows, np.float64).reshape(-1, 5)


def _daylight(layout: Layout) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    rng = layout.rng
    windows = [p for p in layout.placed if p.model.label == "window"]
    if not windows:
        return (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    widest = max(windows, key=lambda p: p.model.width)
    color = np.square(hsv(rng.uniform(0.55, 0.62), rng.uniform(0.0, 0.18), 1.0)) * rng.uniform(0.1, 1.0)
    return (widest.x, widest.y, widest.z + widest.model.height / 2), tuple(map(float, color))  # type: ignore[return-value]


def _shell(assembly: _Assembly, layout: Layout, kind: RoomKind) -> None:
    """Walls, skirting, floor and ceiling."""
    rng = assembly.rng
    wall, accent = _wall_material(rng, kind), _wall_material(rng, kind)
    accent_wall = int(rng.integers(len(layout.walls) * 2))  # Half of the rooms have one wall of another look.
    skirting = WHITE if rng.random() < 0.6 else wood(rng)
    has_skirting = kind != "bathroom" and rng.random() < 0.8
    for number, edge in enumerate(layout.walls):
        panel = wall_panel(edge.start, edge.end, 0.0, layout.height)
        bounds = np.stack([panel.vertices[:, :3].min(0), panel.vertices[:, :3].max(0)]).astype(np.float64)
        packed = assembly.thing("wall", bounds)
        assembly.mesh(panel, accent if number == accent_wall else wall, packed)
        if has_skirting:
            turn, middle = edge.yaw_rad, (edge.start + edge.end) / 2
            board = box((edge.length, 0.016, 0.08), (0, 0.0, 0.04)).turned(turn).moved((middle[0], middle[1], 0))
            assembly.mesh(board, skirting, packed)
    everything = np.array([[0, 0, 0], [layout.width, layout.depth, 0]], np.float64)
    floor_id = assembly.thing("floor", everything)
    ceiling_id = assembly.thing("ceiling", everything + np.array([0, 0, layout.height]))
    floor, ceiling = _floor_material(rng, kind), _ceiling_material(rng, kind)
    for x0, y0, x1, y1 in layout.floor:
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64)
        assembly.mesh(floor_polygon(corners, 0.0, facing_up=True), floor, floor_id)
        assembly.mesh(floor_polygon(corners, layout.height, facing_up=False), ceiling, ceiling_id)


def _wall_material(rng: np.random.Generator, kind: RoomKind) -> Material:
    tiled = {"bathroom": 0.75, "kitchen": 0.25}.get(kind, 0.0)
    pick = rng.random()
    saturation = rng.uniform(0.0, 0.12) if rng.random() < 0.7 else rng.uniform(0.12, 0.38)
    color = hsv(rng.random() if saturation > 0.12 else rng.uniform(0.06, 0.17), saturation, rng.uniform(0.6, 0.97))
    if pick < tiled:
        grout = shade(color, rng.uniform(0.7, 1.05))
        pattern = str(rng.choice(["tiles", "wall_tiles"]))
        return Material(pattern, color, shade(color, 0.93), grout, rng.uniform(0.9, 2.0), gloss=0.6, infrared=0.75)
    if pick > 0.88:
        second = shade(color, rng.uniform(0.8, 1.1))
        pattern = str(rng.choice(["damask", "stripes", "floral"]))
        return Material(pattern, color, second, shade(second, 0.9), rng.uniform(0.8, 1.6), gloss=0.03, infrared=0.8)
    if pick > 0.85:
        brick = hsv(rng.uniform(0.01, 0.06), rng.uniform(0.3, 0.6), rng.uniform(0.5, 0.75))
        return Material("bricks", brick, shade(brick, 0.7), (0.72, 0.7, 0.66), 1.0, gloss=0.02, infrared=0.7)
    return Material("plaster", color, shade(color, 0.95), shade(color, 0.9), 0.8, gloss=0.03, infrared=0.85)


def _floor_material(rng: np.random.Generator, kind: RoomKind) -> Material:
    choices = {
        "kitchen": ["tiles", "planks", "tiles", "concrete"],
        "bathroom": ["tiles", "tiles", "speckled"],
        "office": ["carpet", "carpet", "planks", "concrete", "speckled"],
        "bedroom": ["planks", "parquet", "carpet", "planks"],
        "living": ["planks", "parquet", "planks", "carpet", "tiles"],
    }[kind]
    pattern = str(rng.choice(choices))
    if pattern in ("planks", "parquet"):
        base = wood(rng, float(rng.uniform(0.28, 0.75)))
        repeats = rng.uniform(0.8, 1.4)
        return Material(pattern, base.base, base.second, base.accent, repeats, rng.uniform(0.1, 0.5), base.infrared)
    value = rng.uniform(0.2, 0.8)
    color = hsv(rng.random() if rng.random() < 0.35 else rng.uniform(0.05, 0.12), rng.uniform(0.0, 0.4), value)
    gloss = 0.02 if pattern == "carpet" else rng.uniform(0.1, 0.6)
    repeats = {"carpet": 1.5, "speckled": 2.0, "tiles": rng.uniform(0.45, 0.9)}.get(pattern, 1.0)
    second = shade(color, rng.uniform(0.75, 0.95))
    return Material(pattern, color, second, shade(color, rng.uniform(0.55, 1.2)), repeats, gloss, 0.3 + 0.5 * value)


def _ceiling_material(rng: np.random.Generator, kind: RoomKind) -> Material:
    color = hsv(rng.uniform(0.08, 0.16), rng.uniform(0, 0.06), rng.uniform(0.85, 0.98))
    if kind == "office" and rng.random() < 0.6:
        return Material("ceiling_tiles", color, color, shade(color, 0.75), 0.8, gloss=0.0, infrared=0.85)
    if rng.random() < 0.06:
        return front(rng)
    return Material("plaster", color, shade(color, 0.97), color, 0.6, gloss=0.0, infrared=0.85)
