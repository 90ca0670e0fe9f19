"""Where things stand: the outline of a room, what is taken on its floor and walls, and how to find a free place."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.scenes.model import Model

Rectangle = tuple[float, float, float, float]  # x0, y0, x1, y1 in metres


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A model at its place: floor position, height of its origin, turn about z."""

    model: Model
    x: float
    y: float
    z: float
    yaw_rad: float

    @property
    def footprint(self) -> Rectangle:
        """Axis-aligned bounds on the floor."""
        c, s = abs(np.cos(self.yaw_rad)), abs(np.sin(self.yaw_rad))
        half_x = (self.model.width * c + self.model.depth * s) / 2
        half_y = (self.model.width * s + self.model.depth * c) / 2
        return (self.x - half_x, self.y - half_y, self.x + half_x, self.y + half_y)


@dataclass(slots=True, eq=False)
class Wall:
    """One straight wall; the room is on the left of start -> end.

    Attributes:
        start: (2,) metres.
        end: (2,) metres.
        taken: Occupied areas: from, bottom, to, top, in metres along the wall and above the floor.
    """

    start: NDArray[np.float64]
    end: NDArray[np.float64]
    taken: list[Rectangle] = field(default_factory=list)

    @property
    def length(self) -> float:
        return float(np.hypot(*(self.end - self.start)))

    @property
    def along(self) -> NDArray[np.float64]:
        """Unit direction start -> end."""
        return (self.end - self.start) / self.length

    @property
    def inward(self) -> NDArray[np.float64]:
        """Unit normal into the room."""
        x, y = self.along
        return np.array([-y, x])

    @property
    def yaw_rad(self) -> float:
        """The turn that lets the front (-y) of a model look into the room."""
        x, y = self.inward
        return float(np.arctan2(x, -y))

    def is_free(self, low: float, high: float, bottom: float, top: float) -> bool:
        """Whether that area of the wall is free and on the wall."""
        if low < 0.0 or high > self.length:
            return False
        return not any(low < b and a < high and bottom < t and z < top for a, z, b, t in self.taken)

    def take(self, low: float, high: float, bottom: float, top: float) -> None:
        self.taken.append((low, bottom, high, top))


class Layout:
    """The floor plan of one room while it is being furnished."""

    def __init__(
        self, rng: np.random.Generator, width: float, depth: float, height: float, notch: Rectangle | None
    ) -> None:
        self.rng = rng
        self.width, self.depth, self.height = width, depth, height
        self.notch = notch
        self.placed: list[Placed] = []
        self.reserved: list[Rectangle] = []
        self.walls = [Wall(np.array(a), np.array(b)) for a, b in self._edges()]

    def _edges(self) -> list[tuple[tuple[float, float], tuple[float, float]]]:
        w, d = self.width, self.depth
        corners = [(0.0, 0.0), (w, 0.0), (w, d), (0.0, d)]
        if self.notch:  # Always the corner away from the origin.
            x, y = self.notch[:2]
            corners = [(0.0, 0.0), (w, 0.0), (w, y), (x, y), (x, d), (0.0, d)]
        return list(zip(corners, corners[1:] + corners[:1], strict=True))

    @property
    def floor(self) -> list[Rectangle]:
        """The floor as rectangles."""
        if not self.notch:
            return [(0.0, 0.0, self.width, self.depth)]
        x, y = self.notch[:2]
        return [(0.0, 0.0, self.width, y), (0.0, y, x, self.depth)]

    def is_inside(self, rectangle: Rectangle, margin: float = 0.0) -> bool:
        """Whether a rectangle lies on the floor."""
        x0, y0, x1, y1 = rectangle
        if x0 < margin or y0 < margin or x1 > self.width - margin or y1 > self.depth - margin:
            return False
        return not (self.notch and x1 > self.notch[0] - margin and y1 > self.notch[1] - margin)

    def is_free(self, rectangle: Rectangle, gap: float = 0.0) -> bool:
        """Whether nothing stands or is reserved there."""
        x0, y0, x1, y1 = rectangle
        others = [p.footprint for p in self.placed if p.z < 0.3] + self.reserved
        return not any(x0 < d + gap and a - gap < x1 and y0 < e + gap and b - gap < y1 for a, b, d, e in others)

    def stand(self, model: Model, x: float, y: float, yaw_rad: float, gap: float = 0.02) -> Placed | None:
        """Puts a model on the floor if the place is free."""
        placed = Placed(model, x, y, 0.0, yaw_rad)
        if not self.is_inside(placed.footprint, 0.01) or not self.is_free(placed.footprint, gap):
            return None
        self.placed.append(placed)
        return placed

    def stand_at_wall(
        self, model: Model, *, clear_m: float = 0.0, gap_m: float = 0.015, wall: Wall | None = None
    ) -> Placed | None:
        """Puts a model with its back to a wall, `clear_m` metres free before it; None where there is no place."""
        for _ in range(24):
            chosen = self._any_wall() if wall is None else wall
            room = chosen.length - model.width
            if room < 0.04:
                continue
            t = model.width / 2 + 0.02 + self.rng.random() * (room - 0.04)
            low, high = t - model.width / 2, t + model.width / 2
            if not chosen.is_free(low, high, 0.0, model.height):
                continue
            at = chosen.start + chosen.along * t + chosen.inward * (model.depth / 2 + gap_m)
            placed = Placed(model, float(at[0]), float(at[1]), 0.0, chosen.yaw_rad)
            ahead = at + chosen.inward * (clear_m / 2)
            reach = Placed(model, float(ahead[0]), float(ahead[1]), 0.0, chosen.yaw_rad)
            front = _united(placed.footprint, _shifted(reach.footprint, chosen.inward * clear_m / 2))
            if (
                self.is_inside(placed.footprint)
                and self.is_inside(front)
                and self.is_free(placed.footprint)
                and self.is_free(front)
            ):
                self.placed.append(placed)
                chosen.take(low, high, 0.0, model.height)
                return placed
        return None

    def hang(
        self, model: Model, bottom_m: float, *, wall: Wall | None = None, at_m: float | None = None, off_m: float = 0.0
    ) -> Placed | None:
        """Hangs a model with its back on a wall at a height; None where there is no place."""
        for _ in range(24 if at_m is None else 1):
            chosen = self._any_wall() if wall is None else wall
            room = chosen.length - model.width
            if room < 0.1:
                continue
            t = model.width / 2 + 0.05 + self.rng.random() * (room - 0.1) if at_m is None else at_m
            low, high = t - model.width / 2, t + model.width / 2
            if bottom_m + model.height > self.height or not chosen.is_free(
                low, high, bottom_m, bottom_m + model.height
            ):
                continue
            chosen.take(low, high, bottom_m, bottom_m + model.height)
            at = chosen.start + chosen.along * t + chosen.inward * (model.depth / 2 + off_m)
            placed = Placed(model, float(at[0]), float(at[1]), bottom_m, chosen.yaw_rad)
            self.placed.append(placed)
            return placed
        return None

    def stand_free(self, model: Model, *, gap_m: float = 0.05, margin_m: float = 0.3) -> Placed | None:
        """Puts a model somewhere on the floor in any direction."""
        for _ in range(24):
            yaw = float(self.rng.uniform(0, 2 * np.pi))
            x, y = self.rng.uniform(0.3, self.width - 0.3), self.rng.uniform(0.3, self.depth - 0.3)
            candidate = Placed(model, float(x), float(y), 0.0, yaw)
            if self.is_inside(candidate.footprint, margin_m) and self.is_free(candidate.footprint, gap_m):
                self.placed.append(candidate)
                return candidate
        return None

    def _any_wall(self) -> Wall:
        lengths = np.array([w.length for w in self.walls])
        return self.walls[int(self.rng.choice(len(self.walls), p=lengths / lengths.sum()))]


def _shifted(rectangle: Rectangle, by: NDArray[np.float64]) -> Rectangle:
    x0, y0, x1, y1 = rectangle
    dx, dy = map(float, by)
    return (x0 + dx, y0 + dy, x1 + dx, y1 + dy)


def _united(a: Rectangle, b: Rectangle) -> Rectangle:
    return (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))
