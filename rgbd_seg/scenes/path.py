"""A smooth closed walk through a room, looking around like somebody with a camera in hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.scenes.pose import Pose
from rgbd_seg.scenes.room import Room

WALKING_SPEED_M_S = 0.35


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """A closed path.

    Attributes:
        places: (k, 3) points in metres that the camera passes.
        targets: (k, 3) points in metres that it looks at there.
        duration_s: Time of one round.
    """

    places: NDArray[np.float64]
    targets: NDArray[np.float64]
    duration_s: float

    def pose(self, time_s: float) -> Pose:
        """The pose at a time; repeats after `duration_s`, with a hand's slight sway on top."""
        phase = time_s / self.duration_s % 1.0
        eye, target = _spline(self.places, phase), _spline(self.targets, phase)
        roll = 0.02 * np.sin(time_s * 1.1) + 0.008 * np.sin(time_s * 3.7)
        eye[2] += 0.012 * np.sin(time_s * 6.0)
        target[2] += 0.04 * np.sin(time_s * 0.8)
        return Pose.looking_at(tuple(map(float, eye)), tuple(map(float, target)), float(roll))  # type: ignore[arg-type]


def _spline(points: NDArray[np.float64], phase: float) -> NDArray[np.float64]:
    """A closed Catmull-Rom spline at `phase` 0..1."""
    count = len(points)
    at = phase * count
    i = int(at)
    t = at - i
    p0, p1, p2, p3 = (points[(i + k) % count] for k in (-1, 0, 1, 2))
    result: NDArray[np.float64] = 0.5 * (
        2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    return result


def walk_through(room: Room) -> Walk:
    """The walk of a room, always the same: through free places, looking at what stands across."""
    rng = np.random.default_rng([7002, room.seed])
    best: Walk | None = None
    least = np.inf
    for attempt in range(40):
        count = 6 if attempt < 20 else 4
        candidate = _candidate(room, rng, count, margin_m=0.45 if attempt < 10 else 0.25)
        if candidate is None:
            continue
        # How often and how far the walk leaves free space, and how near it looks at things.
        line = np.array([_spline(candidate.places, p) for p in np.linspace(0, 1, 48, endpoint=False)])
        looks = np.array([_spline(candidate.targets, p) for p in np.linspace(0, 1, 48, endpoint=False)])
        blocked = sum(not room.is_free(float(p[0]), float(p[1]), float(p[2]), margin_m=0.2) for p in line)
        near = sum(_is_blocked_ahead(room, eye, target) for eye, target in zip(line, looks, strict=True))
        if blocked + 0.5 * near < least:
            best, least = candidate, blocked + 0.5 * near
        if least == 0:
            break
    return best or _turn_on_the_spot(room)


def _is_blocked_ahead(room: Room, eye: NDArray[np.float64], target: NDArray[np.float64]) -> bool:
    """Whether something stands within a metre in the direction of view."""
    ahead = (target - eye) / max(float(np.linalg.norm(target - eye)), 0.1)
    steps = (eye + ahead * reach for reach in (0.4, 0.7, 1.0))
    return not all(room.is_free(float(p[0]), float(p[1]), float(p[2]), margin_m=0.05) for p in steps)


def _candidate(room: Room, rng: np.random.Generator, count: int, margin_m: float) -> Walk | None:
    middle = np.array([room.width, room.depth]) * rng.uniform(0.4, 0.6, 2)
    start = rng.uniform(0, 2 * np.pi)
    places, targets = [], []
    for i in range(count):
        angle = start + 2 * np.pi * i / count
        height = rng.uniform(1.15, 1.65)
        for reach in np.linspace(0.85, 0.1, 10) * rng.uniform(0.6, 1.0):
            at = middle + reach * np.array([np.cos(angle) * room.width, np.sin(angle) * room.depth]) / 2
            if room.is_free(float(at[0]), float(at[1]), height, margin_m):
                places.append([*at, height])
                break
        else:
            return None
        targets.append(_target(rng, np.array(places[-1]), middle))
    line = np.array(places)
    length = float(np.linalg.norm(line - np.roll(line, 1, 0), axis=1).sum())
    return Walk(line, np.array(targets), max(length * 1.15 / WALKING_SPEED_M_S, 12.0))


def _target(rng: np.random.Generator, eye: NDArray[np.float64], middle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Something to look at across the room: beyond the middle as seen from `eye`."""
    ahead = middle - eye[:2]
    if np.hypot(*ahead) < 0.1:
        ahead = np.array([1.0, 0.0])
    heading = np.arctan2(ahead[1], ahead[0]) + rng.uniform(-0.7, 0.7)
    far = eye[:2] + np.array([np.cos(heading), np.sin(heading)]) * 2.6
    return np.array([*far, rng.uniform(0.4, 1.15)])


def _turn_on_the_spot(room: Room) -> Walk:
    """For rooms so full that nobody can walk: turn round above the furniture."""
    middle = np.array([room.width / 2, room.depth / 2, 1.6])
    angles = np.arange(6) * np.pi / 3
    targets = middle + 2.5 * np.stack([np.cos(angles), np.sin(angles), np.full(6, -0.25)], 1)
    return Walk(np.tile(middle, (6, 1)), targets, 24.0)
