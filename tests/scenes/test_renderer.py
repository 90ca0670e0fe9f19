"""Pictures of rooms: depth against geometry, labels and colour on the same pixels, the same in every process."""

from __future__ import annotations

import hashlib
import multiprocessing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.calibration import deproject, project
from rgbd_seg.errors import ConfigurationError, SensorError
from rgbd_seg.labels import LabelSet
from rgbd_seg.scenes import Lighting, Pose, Room, RoomRenderer, TrainingViews, View, build_room, walk_through

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

LABELS = LabelSet.load("sunrgbd37")


@pytest.fixture(scope="module")
def room() -> Room:
    return build_room(3, "living")


@pytest.fixture(scope="module")
def renderer() -> Iterator[RoomRenderer]:
    with RoomRenderer(160, 120, noise=False) as made:
        yield made


def points_in_room(view: View, pose: Pose) -> NDArray[np.float64]:
    """(H, W, 3) room coordinates of all pixels by exact depth."""
    rays = deproject(np.full(view.depth.shape, 1000, np.uint16), view.calibration).astype(np.float64)
    in_camera = rays * view.clean_depth_m[..., None]
    return in_camera @ pose.rotation + np.array([pose.x, pose.y, pose.z])


def test_depth_is_the_analytic_distance_to_floor_walls_and_ceiling(room: Room, renderer: RoomRenderer) -> None:
    seen = set()
    for second in range(0, 24, 4):
        pose = walk_through(room).pose(second)
        view = renderer.render(room, pose)
        points = points_in_room(view, pose)
        for name, height in (("floor", 0.0), ("ceiling", room.height)):
            mask = view.labels == LABELS.id_of(name)
            if mask.any():
                seen.add(name)
                assert np.abs(points[mask][:, 2] - height).max() < 0.002
        for thing in room.things:
            if thing.label != LABELS.id_of("wall") or (view.instances == thing.instance).sum() < 20:
                continue
            axis = int(np.argmin(thing.size[:2]))
            off = np.abs(points[view.instances == thing.instance][:, axis] - thing.center[axis])
            seen.add("wall")
            assert np.median(off) < 0.002
            assert off.max() < 0.02  # The skirting board is a part of its wall.
    assert seen >= {"floor", "wall"}


def test_labels_and_instances_lie_where_the_things_are(room: Room, renderer: RoomRenderer) -> None:
    checked = 0
    by_number = {thing.instance: thing for thing in room.things}
    for second in range(0, 24, 6):
        pose = walk_through(room).pose(second)
        view = renderer.render(room, pose)
        points = points_in_room(view, pose)
        for instance in np.unique(view.instances):
            thing, mask = by_number[int(instance)], view.instances == instance
            assert set(np.unique(view.labels[mask])) == {thing.label}
            center, half = np.array(thing.center), np.array(thing.size) / 2
            if thing.label not in (LABELS.id_of("floor"), LABELS.id_of("wall"), LABELS.id_of("ceiling")):
                assert (points[mask] > center - half - 0.01).all()
                assert (points[mask] < center + half + 0.01).all()
                checked += 1
    assert checked > 5


def test_a_point_that_is_not_hidden_is_seen_at_its_pixel(room: Room, renderer: RoomRenderer) -> None:
    """Corners of the room, projected by the pinhole model, have the depth that the model gives them."""
    hits = 0
    rng = np.random.default_rng(0)
    floor = np.column_stack([rng.uniform(0, room.width, 400), rng.uniform(0, room.depth, 400), np.zeros(400)])
    for second in (0, 5, 10, 15):
        pose = walk_through(room).pose(second)
        view = renderer.render(room, pose)
        in_camera = (floor - [pose.x, pose.y, pose.z]) @ pose.rotation.T
        pixels = np.rint(project(in_camera, view.calibration.color))
        for (u, v), z in zip(pixels, in_camera[:, 2], strict=True):
            if z > 0.3 and 0 <= u < 160 and 0 <= v < 120:
                depth = view.clean_depth_m[int(v), int(u)]
                assert depth < z + 0.15  # Nothing is seen through the floor.
                if abs(depth - z) < 0.02 and view.labels[int(v), int(u)] == LABELS.id_of("floor"):
                    hits += 1
    assert hits > 50


def test_colour_belongs_to_the_labelled_pixels(room: Room, renderer: RoomRenderer) -> None:
    """Repainting one thing changes the colour of its own pixels and of no others."""
    pose, lighting = walk_through(room).pose(4.0), Lighting()
    view = renderer.render(room, pose, lighting=lighting)
    numbers, counts = np.unique(view.instances, return_counts=True)
    instance = int(numbers[np.argsort(counts)[-3]])
    parts = room.parts.copy()
    mine = (parts[:, 4, 2].astype(int) & 1023) == instance
    parts[mine, 0, :3] = parts[mine, 1, :3] = parts[mine, 2, :3] = (0.9, 0.0, 0.7)
    parts[mine, 4, 0], parts[mine, 4, 1] = 0.3, 0.0
    repainted = renderer.render(replace(room, parts=parts), pose, lighting=lighting)
    changed = np.abs(repainted.color.astype(int) - view.color).max(-1) > 2
    assert np.array_equal(changed, view.instances == instance)
    assert np.array_equal(repainted.clean_depth_m, view.clean_depth_m)


def test_clean_depth_is_delivered_without_noise(room: Room, renderer: RoomRenderer) -> None:
    view = renderer.render(room, walk_through(room).pose(1.0))
    assert np.abs(view.depth / 1000.0 - view.clean_depth_m).max() < 0.00051


def test_pictures_are_neither_black_nor_burnt_out(renderer: RoomRenderer) -> None:
    for seed in range(6):
        made = build_room(seed)
        color = renderer.render(made, walk_through(made).pose(3.0)).color
        assert 50 < color.mean() < 215
        assert (color.max(-1) > 250).mean() < 0.4


def test_two_renderers_in_one_thread_do_not_disturb_each_other(room: Room) -> None:
    pose = walk_through(room).pose(2.0)
    with RoomRenderer(96, 72, noise=False) as first, RoomRenderer(64, 48, noise=False) as second:
        before = first.render(room, pose).color
        assert second.render(build_room(1), pose).color.shape == (48, 64, 3)
        assert np.array_equal(before, first.render(room, pose).color)


@pytest.mark.parametrize(("width", "height", "camera"), [(8, 480, "xtion"), (640, 99999, "xtion"), (64, 48, "leica")])
def test_impossible_pictures_are_refused(width: int, height: int, camera: str) -> None:
    with pytest.raises(ConfigurationError):
        RoomRenderer(width, height, camera)


def test_missing_opengl_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import moderngl

    def fail(**_: object) -> None:
        raise OSError("libEGL.so.1: cannot open shared object file")

    monkeypatch.setattr(moderngl, "create_context", fail)
    with pytest.raises(SensorError, match=r"libEGL\.so\.1.*apt-get install libegl1"):
        RoomRenderer(64, 48)


def digest(view: View) -> str:
    arrays = (view.color, view.depth, view.labels, view.instances)
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()


def _digests(views: TrainingViews, indices: list[int]) -> list[str]:
    with views:
        return [digest(views.view(i)) for i in indices]


def test_views_are_the_same_in_every_process_and_order() -> None:
    here = _digests(TrainingViews(11, 96, 72, views_per_room=2), [0, 1, 2, 3])
    assert len(set(here)) == 4
    assert _digests(TrainingViews(11, 96, 72, views_per_room=2), [3, 0]) == [here[3], here[0]]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there = pool.apply(_digests, (TrainingViews(11, 96, 72, views_per_room=2), [0, 1, 2, 3]))
    assert there == here


def test_training_views_are_rich() -> None:
    classes: set[int] = set()
    with TrainingViews(4, 96, 72, views_per_room=2) as views:
        for index in range(40):
            view = views.view(index)
            shares = np.bincount(view.labels.ravel(), minlength=256) / view.labels.size
            assert shares.max() < 0.9
            assert (shares > 0).sum() >= 3
            assert (view.depth > 0).mean() > 0.3
            classes |= set(np.flatnonzero(shares))
    assert len(classes - {0}) >= 25


def test_other_seeds_give_other_views() -> None:
    assert _digests(TrainingViews(1, 64, 48), [0]) != _digests(TrainingViews(2, 64, 48), [0])


def test_views_of_the_walk_are_what_the_live_source_shows() -> None:
    here = _digests(TrainingViews(11, 64, 48, kind="walk"), [0, 5])
    assert _digests(TrainingViews(11, 64, 48, kind="walk"), [5, 0]) == here[::-1]
    with TrainingViews(11, 64, 48, kind="walk") as views, TrainingViews(11, 64, 48, kind="walk", noise=False) as clean:
        noisy, exact = views.view(3), clean.view(3)
        np.testing.assert_array_equal(noisy.labels, exact.labels)
        assert np.abs(noisy.color.astype(int) - exact.color).mean() < 20  # Calm, but for the camera's noise.
