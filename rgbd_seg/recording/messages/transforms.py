"""Where one camera's frame is in another's, by the transforms that a recording holds."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from rgbd_seg.recording.messages.message import Transform

Pose = tuple["NDArray[np.float64]", "NDArray[np.float64]"]


def pose_between(transforms: Iterable[Transform], source: str, target: str) -> Pose | None:
    """Rotation (3, 3) and translation (3,) in metres that take points of frame `source` to frame `target`.

    Returns:
        None where no chain of transforms leads from one to the other.
    """
    steps: dict[str, list[tuple[str, Pose]]] = {}
    for one in transforms:
        pose = _pose(one)
        if pose is None:
            continue
        rotation, shift = pose
        child, parent = one.child.lstrip("/"), one.parent.lstrip("/")
        steps.setdefault(child, []).append((parent, pose))
        steps.setdefault(parent, []).append((child, (rotation.T, -rotation.T @ shift)))
    start, end = source.lstrip("/"), target.lstrip("/")
    found: dict[str, Pose] = {start: (np.eye(3), np.zeros(3))}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        if here == end:
            return found[here]
        for there, (rotation, shift) in steps.get(here, ()):
            if there not in found:
                found[there] = (rotation @ found[here][0], rotation @ found[here][1] + shift)
                waiting.append(there)
    return None


def _pose(one: Transform) -> Pose | None:
    """Rotation and translation of a transform; None if it is none."""
    x, y, z, w = one.rotation
    length = math.sqrt(x * x + y * y + z * z + w * w)
    if not (math.isfinite(length) and length > 0.5 and all(map(math.isfinite, one.translation_m))):
        return None
    x, y, z, w = x / length, y / length, z / length, w / length
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    return rotation, np.array(one.translation_m, np.float64)
