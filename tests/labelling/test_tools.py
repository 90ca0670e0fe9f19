"""What each tool takes, on a made-up table with two boxes of the table's own colour."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.labelling import tools
from rgbd_seg.labelling.regions import find_regions
from rgbd_seg.labelling.strokes import painted, stroke_between

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rgbd_seg.labelling.regions import Regions

HEIGHT, WIDTH = 240, 320
SHAPE = (HEIGHT, WIDTH)
HORIZON = 100


def box() -> NDArray[np.bool_]:
    mask = np.zeros(SHAPE, bool)
    mask[120:180, 90:150] = True
    return mask


def bar() -> NDArray[np.bool_]:
    """Stands before the table over its whole height, so that the table is in two parts."""
    mask = np.zeros(SHAPE, bool)
    mask[60:, 200:230] = True
    return mask


@pytest.fixture(scope="module")
def frame() -> RgbdFrame:
    """A wall above a floor that meet in a crease, a box and a bar before them; all of one colour."""
    rng = np.random.default_rng(0)
    y = np.arange(HEIGHT)[:, None] + np.zeros((1, WIDTH))
    disparity = np.where(y < HORIZON, 0.4, 0.4 + (y - HORIZON) * 0.006)
    disparity[box()] = 1.4
    disparity[bar()] = 2.0
    depth = np.round(1000 / disparity).astype(np.uint16)
    depth[150:160, 100:110] = 0  # A hole in the box.
    color = (180 + rng.integers(-2, 3, (*SHAPE, 3))).astype(np.uint8)
    camera = Intrinsics(WIDTH, HEIGHT, 260.0, 260.0, 159.5, 119.5)
    return RgbdFrame(color, depth, Calibration(camera), 0, 0)


@pytest.fixture(scope="module")
def regions(frame: RgbdFrame) -> Regions:
    return find_regions(frame)


def agreement(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float((one & other).sum() / (one | other).sum())


def floor() -> NDArray[np.bool_]:
    mask = np.zeros(SHAPE, bool)
    mask[HORIZON:] = True
    return mask & ~box() & ~bar()


def test_a_click_takes_a_region_and_a_drag_takes_more(regions: Regions) -> None:
    click = tools.region(regions, [(40, 200)], 60)
    drag = tools.region(regions, [(40, 200), (80, 225), (120, 210)], 60)
    assert click[200, 40]
    assert (drag & click).sum() == click.sum() < drag.sum()


def test_the_brush_stops_at_a_step_and_at_a_crease_and_the_free_one_at_nothing(regions: Regions) -> None:
    way = [(70, 130), (80, 130)]  # On the floor, between the crease above and the box at the right.
    painted_mask = tools.brush(regions, way, 40)
    everything = tools.brush_area(SHAPE, way, 40)
    assert agreement(painted_mask, everything & floor()) > 0.9
    assert (everything & ~floor()).sum() > 1000


def test_polygon_and_rectangle_are_their_insides_also_where_corners_lie_outside() -> None:
    triangle = tools.polygon(SHAPE, [(-50, 10), (100, 10), (100, 400)])
    assert triangle[50, 60]
    assert not triangle[200, 10]
    assert not tools.polygon(SHAPE, [(0, 0), (10, 10)]).any()
    assert tools.rectangle(SHAPE, (30, 20), (10, -5)).sum() == 21 * 21


def test_fill_ends_at_painted_edges_and_at_real_ones(regions: Regions) -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[:, 60:64] = 2
    filled = tools.fill(labels, regions, (20, 200))
    left_floor = floor()
    left_floor[:, 60:] = False
    assert agreement(filled, left_floor) > 0.95
    free = tools.fill(labels, regions, (20, 200), free=True)
    assert free.sum() == 60 * HEIGHT


def test_plane_takes_the_floor_on_both_sides_of_what_stands_before_it(regions: Regions) -> None:
    assert agreement(tools.plane(regions, (30, 200)), floor()) > 0.95
    assert agreement(tools.plane(regions, (300, 200)), floor()) > 0.95


def test_cluster_takes_a_thing_with_its_hole_but_not_the_floor(regions: Regions) -> None:
    found = tools.cluster(regions, (95, 125))
    assert agreement(found, box()) > 0.93
    assert found[155, 105]
    assert agreement(tools.cluster(regions, (30, 200)), floor()) > 0.95


def test_without_depth_a_plane_or_a_thing_is_what_has_one_colour(frame: RgbdFrame) -> None:
    apart = replace(frame, calibration=replace(frame.calibration, registered=False))
    for tool in (tools.plane, tools.cluster):
        taken = tool(find_regions(apart), (10, SHAPE[0] - 10))
        assert taken.any()
        assert taken.mean() < 0.9


def test_cut_out_finds_a_thing_in_a_box_by_its_depth(frame: RgbdFrame) -> None:
    found = tools.cut_out(frame, (80, 110), (162, 192))
    assert agreement(found, box()) > 0.9
    assert not tools.cut_out(frame, (5, 5), (6, 6)).any()
    assert tools.cut_out(frame, (-10, -10), (WIDTH + 10, HEIGHT + 10)).shape == SHAPE


def test_points_outside_take_nothing_and_break_nothing(regions: Regions) -> None:
    labels = np.zeros(SHAPE, np.uint8)
    for point in ((-1, 5), (5, HEIGHT), (10**9, -(10**9))):
        assert not tools.brush(regions, [point], 3).any()
        assert not tools.plane(regions, point).any()
        assert not tools.cluster(regions, point).any()
        assert not tools.fill(labels, regions, point).any()
        assert not tools.region(regions, [point], 100).any()


def test_strokes_are_undone_and_redone_exactly_and_small() -> None:
    labels = np.zeros((480, 640), np.uint8)
    states, strokes = [labels.copy()], []
    for label, x, y in ((1, 10, 20), (2, 100, 60), (0, 60, 40), (3, 50, 30)):
        mask = tools.rectangle(labels.shape, (x, y), (x + 150, y + 60))
        after = painted(labels, mask, label, over_labels=label != 3)
        stroke = stroke_between(labels, after)
        assert stroke is not None
        assert len(stroke.before) + len(stroke.after) < 2000
        strokes.append(stroke)
        states.append(after)
        labels = after
    shown = labels.copy()
    for stroke, state in zip(reversed(strokes), reversed(states[:-1]), strict=True):
        stroke.undo(shown)
        assert np.array_equal(shown, state)
    for stroke, state in zip(strokes, states[1:], strict=True):
        stroke.redo(shown)
        assert np.array_equal(shown, state)
    assert stroke_between(shown, shown) is None
