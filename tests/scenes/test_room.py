"""Rooms before they are drawn: the same by seed, well-formed, furnished without collisions, rich in classes."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.labels import LabelSet
from rgbd_seg.scenes import ROOM_KINDS, Room, RoomKind, build_room, walk_through
from rgbd_seg.scenes.furnishing import furnish
from rgbd_seg.scenes.layout import Layout


@pytest.fixture(scope="module")
def rooms() -> list[Room]:
    return [build_room(seed, kind) for seed in range(4) for kind in ROOM_KINDS]


def test_a_seed_gives_one_room() -> None:
    first, second, other = build_room(5), build_room(5), build_room(6)
    assert first.kind == second.kind
    assert np.array_equal(first.vertices, second.vertices)
    assert np.array_equal(first.parts, second.parts)
    assert first.things == second.things
    assert not np.array_equal(first.vertices[:100], other.vertices[:100])


def test_the_kind_can_be_chosen_and_else_varies() -> None:
    assert {build_room(seed).kind for seed in range(12)} >= set(ROOM_KINDS[:4])
    assert build_room(1, "kitchen").kind == "kitchen"


@pytest.mark.parametrize(("seed", "kind"), [(-1, None), (0, "garage")])
def test_impossible_rooms_are_refused(seed: int, kind: RoomKind | None) -> None:
    with pytest.raises(ConfigurationError):
        build_room(seed, kind)


def test_meshes_are_closed_to_the_outside(rooms: list[Room]) -> None:
    """Triangles run anticlockwise as seen from where their normals point, or back-face culling would open holes."""
    for room in rooms[:10]:
        a, b, c = (room.vertices[room.triangles[:, i]] for i in range(3))
        cross = np.cross(b[:, :3] - a[:, :3], c[:, :3] - a[:, :3])
        area = np.linalg.norm(cross, axis=1)
        agree = (cross * (a + b + c)[:, 3:6]).sum(1)
        assert (agree[area > 1e-7] > 0).all()


def test_normals_have_unit_length(rooms: list[Room]) -> None:
    for room in rooms:
        assert np.allclose(np.linalg.norm(room.vertices[:, 3:6], axis=1), 1, atol=1e-4)


def test_everything_is_inside_the_room(rooms: list[Room]) -> None:
    for room in rooms:
        low, high = room.vertices[:, :3].min(0), room.vertices[:, :3].max(0)
        assert (low > -0.35).all()
        assert (high < np.array([room.width, room.depth, room.height]) + 0.35).all()


def test_batches_cover_all_triangles(rooms: list[Room]) -> None:
    for room in rooms:
        ends = np.cumsum(room.batches[:, 1])
        assert ends[-1] == len(room.triangles)
        assert np.array_equal(room.batches[1:, 0], ends[:-1])


def test_large_furniture_does_not_overlap() -> None:
    for seed in range(6):
        layout = Layout(np.random.default_rng(seed), 4.5, 4.0, 2.6, None)
        furnish(layout, "bedroom")
        large = [p for p in layout.placed if p.model.label in ("bed", "cabinet", "dresser", "bookshelf") and p.z == 0]
        assert large
        for a, b in combinations(large, 2):
            (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = a.footprint, b.footprint
            assert ax1 <= bx0 + 1e-6 or bx1 <= ax0 + 1e-6 or ay1 <= by0 + 1e-6 or by1 <= ay0 + 1e-6


def test_at_least_25_classes_occur(rooms: list[Room]) -> None:
    assert len(frozenset().union(*(room.labels for room in rooms))) >= 25


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("kitchen", {"counter", "sink", "cabinet", "fridge"}),
        ("bedroom", {"bed", "pillow"}),
        ("living", {"sofa", "table"}),
        ("office", {"desk", "tv", "chair"}),
        ("bathroom", {"toilet", "bathtub", "sink", "mirror"}),
    ],
)
def test_rooms_hold_what_their_name_promises(kind: RoomKind, expected: set[str]) -> None:
    labels = LabelSet.load("sunrgbd37")
    counts = dict.fromkeys(expected, 0)
    for seed in range(8):
        names = {labels.name_of(label) for label in build_room(seed, kind).labels}
        assert {"wall", "floor", "ceiling"} <= names
        for name in expected & names:
            counts[name] += 1
    assert min(counts.values()) >= 5, counts


def test_the_walk_is_closed_smooth_and_inside(rooms: list[Room]) -> None:
    for room in rooms[:8]:
        walk = walk_through(room)
        poses = [walk.pose(t) for t in np.arange(0, walk.duration_s, 1 / 30)]
        at = np.array([(p.x, p.y, p.z) for p in poses])
        assert (at > 0).all()
        assert (at < [room.width, room.depth, room.height]).all()
        steps = np.linalg.norm(np.diff(at, axis=0), axis=1)
        assert steps.max() < 0.06
        turns = np.abs(np.angle(np.exp(1j * np.diff([p.yaw_rad for p in poses]))))
        assert np.rad2deg(turns).max() < 12
        assert walk.pose(0.0).x == pytest.approx(walk.pose(walk.duration_s).x, abs=0.02)
