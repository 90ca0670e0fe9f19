"""Views of random rooms for training and scoring, reproducible by (seed, index).

Each has another pose, light and camera; or, for a score of what people see, they lie on the walk of the live source.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.labels import LabelSet
from rgbd_seg.scenes.cameras import CAMERA_NAMES
from rgbd_seg.scenes.lighting import wild_lighting
from rgbd_seg.scenes.mesh import Vector
from rgbd_seg.scenes.path import walk_through
from rgbd_seg.scenes.pose import Pose
from rgbd_seg.scenes.renderer import RoomRenderer, View
from rgbd_seg.scenes.room import LABEL_SET, Room, build_room

ViewKind = Literal["random", "walk"]
_MOST_ATTEMPTS = 12
_TABLES = ("table", "desk", "counter")


@dataclass
class TrainingViews:
    """An endless series of labelled views.

    The context of OpenGL is made on the first view, so an object can be handed to worker processes; each makes its own.
    A process that has drawn already must start its workers by spawn: a forked copy of an OpenGL context does not work.

    Attributes:
        seed: Which series; series of different seeds share no room.
        width: Pixels.
        height: Pixels.
        cameras: Which cameras take turns.
        noise: Whether colour and depth get the camera's faults.
        views_per_room: Successive indices that share a room; making a room costs more than a view of it.
        kind: "random" for any pose in any light; "walk" for moments of the live source's walk in its calm light.
    """

    seed: int
    width: int = 320
    height: int = 240
    cameras: tuple[str, ...] = CAMERA_NAMES
    noise: bool = True
    views_per_room: int = 8
    kind: ViewKind = "random"
    _renderer: RoomRenderer | None = field(default=None, init=False, repr=False)
    _room: tuple[int, Room] | None = field(default=None, init=False, repr=False)

    def view(self, index: int) -> View:
        """View number `index` (0 or more): the same in every process on the same OpenGL device."""
        rng = np.random.default_rng([7010, self.seed, index])
        room = self._room_of(index)
        if self._renderer is None:
            self._renderer = RoomRenderer(self.width, self.height, self.cameras[0], noise=self.noise)
        renderer = self._renderer
        renderer.use_camera(self.cameras[int(rng.integers(len(self.cameras)))])
        if self.kind == "walk":
            walk = walk_through(room)
            return renderer.render(room, walk.pose(float(rng.uniform(0, walk.duration_s))), index, stream=self.seed)
        for attempt in range(_MOST_ATTEMPTS):
            view = renderer.render(room, random_pose(room, rng), index, wild_lighting(rng), stream=self.seed)
            if is_worth_seeing(view) or attempt == _MOST_ATTEMPTS - 1:
                break
        return view

    def _room_of(self, index: int) -> Room:
        number = index // self.views_per_room
        if self._room is None or self._room[0] != number:
            room_seed = int(np.random.default_rng([7011, self.seed, number]).integers(1 << 40))
            self._room = (number, build_room(room_seed))
        return self._room[1]

    def close(self) -> None:
        """Gives OpenGL back; on the thread that asked for views."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def __getstate__(self) -> dict[str, object]:
        """Without the parts that belong to this process."""
        return self.__dict__ | {"_renderer": None, "_room": None}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def is_worth_seeing(view: View) -> bool:
    """Whether a view shows more than one thing, is not taken with the nose on a wall, and is neither dark nor white."""
    shares = np.bincount(view.labels.ravel(), minlength=256) / view.labels.size
    depth, color = view.clean_depth_m[::4, ::4], view.color[::4, ::4]
    shows_things = shares.max() < 0.85 and (shares > 0.01).sum() >= 3
    keeps_distance = np.median(depth) > 0.7 and (depth < 0.4).mean() < 0.1
    is_exposed = color.mean() > 22 and (color.min(-1) > 250).mean() < 0.4
    return bool(shows_things and keeps_distance and is_exposed)


def random_pose(room: Room, rng: np.random.Generator) -> Pose:
    """A pose as people take pictures: standing, sitting, low; into the room, at a thing, or down on a table."""
    kind = rng.random()
    if kind < 0.12:
        pose = _table_pose(room, rng)
        if pose is not None:
            return pose
    height = float(
        rng.choice([rng.uniform(1.2, 1.75), rng.uniform(0.75, 1.2), rng.uniform(0.35, 0.75)], p=[0.65, 0.25, 0.1])
    )
    roll = float(rng.normal(0, 0.05))
    eye = _free_place(room, rng, height)
    if kind < 0.55:
        thing = room.things[int(rng.integers(len(room.things)))]
        target = np.array(thing.center) + rng.normal(0, 0.25, 3)
        if np.hypot(target[0] - eye[0], target[1] - eye[1]) > 0.9:
            pose = Pose.looking_at(eye, _vector(target), roll)
            return Pose(*eye, pose.yaw_rad, float(np.clip(pose.pitch_rad, -0.95, 0.5)), roll)
    middle = np.array([room.width, room.depth]) * rng.uniform(0.25, 0.75, 2)
    yaw = float(np.arctan2(middle[1] - eye[1], middle[0] - eye[0]) + rng.normal(0, 0.6))
    return Pose(*eye, yaw, float(rng.normal(-0.22, 0.24)), roll)


def _free_place(room: Room, rng: np.random.Generator, height: float) -> tuple[float, float, float]:
    for margin in np.repeat([0.4, 0.2, 0.1], 20):
        x, y = float(rng.uniform(0, room.width)), float(rng.uniform(0, room.depth))
        if room.is_free(x, y, height, float(margin)):
            return x, y, height
    return room.width / 2, room.depth / 2, min(1.9, room.height - 0.3)


def _table_pose(room: Room, rng: np.random.Generator) -> Pose | None:
    """Down on a table, a desk or a counter from less than a metre and a half, as in table-top data sets."""
    ids = {LabelSet.load(LABEL_SET).id_of(name) for name in _TABLES}
    tables = [thing for thing in room.things if thing.label in ids]
    if not tables:
        return None
    table = tables[int(rng.integers(len(tables)))]
    top = table.center[2] + table.size[2] / 2
    target = np.array([*table.center[:2], top]) + rng.normal(0, 0.12, 3) * (1, 1, 0.3)
    for _ in range(12):
        heading, reach, down = rng.uniform(0, 2 * np.pi), rng.uniform(0.75, 1.5), rng.uniform(0.35, 1.1)
        eye = target + reach * np.array([np.cos(heading) * np.cos(down), np.sin(heading) * np.cos(down), np.sin(down)])
        x, y, z = map(float, eye)
        if room.is_free(x, y, z, 0.1):
            return Pose.looking_at((x, y, z), _vector(target), float(rng.normal(0, 0.06)))
    return None


def _vector(point: NDArray[np.float64]) -> Vector:
    return float(point[0]), float(point[1]), float(point[2])
