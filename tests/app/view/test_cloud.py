"""The 3D view: the viewer's place, both painters, thinning, and hidden classes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.app.view.cloud.gl_painter import GlPainter
from rgbd_seg.app.view.cloud.orbit import Orbit
from rgbd_seg.app.view.cloud.picking import pick
from rgbd_seg.app.view.cloud.scene import COLORINGS, Scene, point_grid
from rgbd_seg.app.view.cloud.splat_painter import SplatPainter
from rgbd_seg.app.view.cloud.view import CloudView
from rgbd_seg.app.view.cloud.worker import CloudWorker, Thinning
from rgbd_seg.app.view.display import Display
from rgbd_seg.app.view.kinds import VIEW_NAMES
from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.frame import RgbdFrame, Segmentation

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from rgbd_seg.app.window import MainWindow


def scene(segmentation: Segmentation, display: Display | None = None, coloring: str = "overlay") -> Scene:
    orbit = Orbit(0.0, 0.0, 1.5, (0.0, 0.0, 1.5))
    return Scene(segmentation, display or Display(opacity=0.0), coloring, (1.0, 2.0), orbit, (160, 120))


def test_the_target_is_in_the_middle_of_the_picture() -> None:
    for orbit in (Orbit(), Orbit().from_above(), Orbit().turned(1.0, -0.4).nearer(2.0).shifted(0.2, 0.1)):
        clip = orbit.matrix(160, 120) @ np.array([*orbit.target_m, 1.0])
        assert clip[:2] / clip[3] == pytest.approx([0.0, 0.0], abs=1e-5)
        assert clip[3] == pytest.approx(orbit.distance_m, rel=1e-4)


def test_axes_are_right_handed_and_pitch_rises_above() -> None:
    right, down, ahead = Orbit(0.0, 0.0).axes()
    assert np.allclose([right, down, ahead], np.eye(3))
    above = Orbit(0.0, math.radians(89)).axes()[2]
    assert above[1] > 0.99  # Looks down, and down is positive.


@pytest.mark.parametrize("make", [GlPainter, SplatPainter])
def test_painters_draw_what_is_there_in_its_place(segmentation: Segmentation, make: type) -> None:
    try:
        painter = make()
    except Exception as error:
        pytest.skip(f"no OpenGL here: {error}")
    one = scene(segmentation)
    pixels = painter.paint(point_grid(one, 1), one.orbit, one.size)
    assert (painter.paint(point_grid(one, 1), one.orbit, one.size) == pixels).all()  # Nothing is left of before.
    painter.close()
    assert pixels.shape == (120, 160, 4)
    assert tuple(pixels[60, 70, :3]) == (50, 100, 200)  # Qt's order: blue, green, red.
    assert tuple(pixels[2, 2, :3]) == (19, 17, 16)  # The backdrop.


@pytest.mark.parametrize("size", [(100, 100), (435, 572), (1280, 720)])
@pytest.mark.parametrize("distance_m", [0.4, 1.2, 3.0])
def test_a_click_between_the_points_of_a_coarse_picture_takes_the_nearest(
    size: tuple[int, int], distance_m: float
) -> None:
    lens = Calibration(Intrinsics(64, 48, 60.0, 60.0, 31.5, 23.5))
    frame = RgbdFrame(np.zeros((48, 64, 3), np.uint8), np.full((48, 64), 1200, np.uint16), lens, 0, 0)
    orbit = Orbit(0.0, 0.0, distance_m, (0.0, 0.0, 1.2))
    one = Scene(Segmentation(frame), Display(), "rgb", (0.4, 6.0), orbit, size)
    for x, y in np.random.default_rng(0).uniform(0.48, 0.52, (50, 2)):
        found = pick(one, x, y)
        assert found is not None
        assert np.abs(np.subtract(found, (31.5, 23.5))).max() < 8
    assert pick(one, -9.0, 0.5) is None


def test_hidden_classes_are_hidden_here_too(segmentation: Segmentation) -> None:
    assert segmentation.label_set is not None
    first = segmentation.label_set.names[0]
    whole = point_grid(scene(segmentation), 2)
    without = point_grid(scene(segmentation, Display(hidden=frozenset({first}))), 2)
    alone = point_grid(scene(segmentation, Display(solo=first)), 2)
    assert without.there.sum() + alone.there.sum() == whole.there.sum()


def test_no_triangle_bridges_a_jump_or_a_hole(segmentation: Segmentation) -> None:
    grid = point_grid(scene(segmentation), 1)
    z = grid.points_m.reshape(-1, 3)[grid.triangles()][..., 2]
    assert (z > 0).all()
    assert set(np.ptp(z, axis=1)) == {0.0}  # The halves lie 1 m apart.


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 8])
def test_a_thing_in_front_of_a_slope_is_not_melted_into_it_however_thin_the_cloud(stride: int) -> None:
    lens = Intrinsics(160, 120, 140.0, 140.0, 80.0, 60.0)
    rows = np.linspace(2.4, 1.2, 120, dtype=np.float32)[:, None]
    z = np.broadcast_to(rows, (120, 160)).copy()  # A floor that comes nearer from the top to the bottom.
    z[40:90, 50:100] = 1.1  # Something before it, 9 cm to 90 cm nearer.
    color = np.zeros((120, 160, 3), np.uint8)
    frame = RgbdFrame(color, np.round(z * 1000).astype(np.uint16), Calibration(lens), 0, 0)
    grid = point_grid(scene(Segmentation(frame)), stride)
    triangles = grid.triangles()
    corners = grid.points_m.reshape(-1, 3)[triangles]
    thing = (corners[..., 2] == np.float32(1.1)).sum(axis=1)
    assert set(thing) == {0, 3}  # Wholly of the thing or wholly of the floor.
    cells = (grid.there.shape[0] - 1) * (grid.there.shape[1] - 1)
    assert len(triangles) > 2 * cells * (0.9 if stride < 4 else 0.7)  # The floor hangs together, steep as it is.


def test_a_moving_cloud_keeps_its_thinning_until_several_drawings_ask_for_another() -> None:
    thinning = Thinning()
    for elapsed_ms in (80.0, 20.0, 20.0, 60.0, 20.0, 20.0, 70.0, 20.0):  # A busy machine now and then.
        thinning.took(elapsed_ms)
        assert thinning.stride == 3
    for _ in range(50):
        thinning.took(13.0 * (3 / thinning.stride) ** 2)  # With the next finer one 29 ms: neither slow nor quick.
    assert thinning.stride == 3
    for _ in range(5):
        thinning.took(60.0)
    assert thinning.stride == 4
    for _ in range(20):
        thinning.took(1.0)
    assert thinning.stride == 1


def test_a_cloud_that_stands_still_is_drawn_with_every_point(qtbot: QtBot, segmentation: Segmentation) -> None:
    worker = CloudWorker(lambda: None)
    worker.draw(scene(segmentation))
    strides = []

    def whole() -> bool:
        drawing = worker.drawings.take_nowait()
        strides.extend([drawing.stride] if drawing else [])
        return strides[-1:] == [1]

    qtbot.waitUntil(whole)
    assert strides in ([3, 1], [1])  # The first may not have been looked at.
    strides.clear()
    worker.draw(scene(segmentation), stands=True)
    qtbot.waitUntil(whole)
    worker.close()
    assert strides == [1]


def test_labels_that_come_to_a_frame_that_stands_are_drawn_at_once_with_every_point(
    qtbot: QtBot, segmentation: Segmentation
) -> None:
    woken: list[int] = []
    worker = CloudWorker(lambda: woken.append(1))
    view = CloudView(worker)
    qtbot.addWidget(view)
    view.show()
    display = Display()
    view.show_moment(Segmentation(segmentation.frame), display, (1.0, 2.0))

    def whole() -> bool:
        drawing = worker.drawings.take_nowait()
        return drawing is not None and drawing.stride == 1

    qtbot.waitUntil(whole)
    drawn = len(woken)
    view.show_moment(segmentation, display, (1.0, 2.0))
    qtbot.waitUntil(whole)
    assert len(woken) == drawn + 1  # No thinned one before it.
    worker.close()


def test_colour_is_the_camera_alone_and_overlay_has_the_classes_as_in_other_views(segmentation: Segmentation) -> None:
    half = Display(opacity=0.5)
    raw = point_grid(scene(segmentation, half, "color"), 1).rgb
    assert (raw == segmentation.frame.color).all()
    assert (point_grid(scene(segmentation, half, "overlay"), 1).rgb != raw).any()
    assert set(COLORINGS.items()) < set(VIEW_NAMES.items())


def test_classes_and_depth_colour_the_points(segmentation: Segmentation) -> None:
    assert segmentation.label_set is not None
    palette = Display().class_colors(segmentation.label_set)
    classes = point_grid(scene(segmentation, coloring="labels"), 1)
    assert tuple(classes.rgb[20, 2]) == tuple(palette[1])
    assert tuple(classes.rgb[20, 60]) == tuple(palette[2])
    depth = point_grid(scene(segmentation, coloring="depth"), 1)
    assert tuple(depth.rgb[20, 20]) != tuple(depth.rgb[20, 60])


def test_top_and_front_find_the_cloud_again_after_it_was_shifted_away(
    window: MainWindow, segmentation: Segmentation
) -> None:
    view = window.cloud
    view.show_moment(segmentation, Display(), (1.0, 2.0))
    middle = view.orbit.target_m
    for shift in ((2.0, 0.0), (-1.0, 3.0)):
        view._orbit = view.orbit.shifted(*shift)
        view.look_from_above()
        assert view.orbit.target_m == middle
    view._orbit = view.orbit.shifted(0.4, 0.1)
    view.look_from_camera()
    orbit = view.orbit
    eye = np.asarray(orbit.target_m) - orbit.axes()[2] * orbit.distance_m
    assert np.allclose(eye, 0.0)
