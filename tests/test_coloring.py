"""The colouring of labels and depth, against slow and obvious references."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rgbd_seg.coloring import (
    DEPTH_MAPS,
    EDGE_ALPHA,
    depth_color_map,
    depth_ends_m,
    label_edges,
    paint_depth,
    paint_overlay,
)
from rgbd_seg.labels import LabelSet


@pytest.fixture
def palette() -> np.ndarray:
    return LabelSet.load("sunrgbd37").palette()


@pytest.fixture
def labels() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 38, (23, 31)).astype(np.uint8)


@pytest.fixture
def color() -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (23, 31, 3)).astype(np.uint8)


@pytest.mark.parametrize("opacity", [0.0, 0.3, 0.55, 1.0])
@pytest.mark.parametrize("edges", [False, True])
@pytest.mark.parametrize("hidden", [(), (3, 7)])
def test_overlay_agrees_with_the_formula_pixel_by_pixel(
    color: np.ndarray, labels: np.ndarray, palette: np.ndarray, opacity: float, edges: bool, hidden: tuple[int, ...]
) -> None:
    visible = np.ones(256, bool)
    visible[list(hidden)] = False
    painted = paint_overlay(color, labels, palette, opacity, visible, edges=edges)
    height, width = labels.shape
    shown = np.where(visible[labels], labels, 0)
    for y in range(height):
        for x in range(width):
            label = shown[y, x]
            share = opacity if label else 0.0
            expected = color[y, x] * (1 - share) + palette[label] * share
            right = x + 1 < width and shown[y, x + 1] != label
            below = y + 1 < height and shown[y + 1, x] != label
            if edges and (right or below):
                expected = expected * (1 - EDGE_ALPHA * min(1, 2 * opacity) / 255)
            assert np.all(np.abs(painted[y, x].astype(float) - expected) <= 2)


def test_unlabelled_pixels_are_the_camera_bit_for_bit(color: np.ndarray, palette: np.ndarray) -> None:
    assert np.array_equal(paint_overlay(color, np.zeros((23, 31), np.uint8), palette), color)


def test_inputs_are_left_alone(color: np.ndarray, labels: np.ndarray, palette: np.ndarray) -> None:
    visible = np.ones(256, bool)
    for array in (color, labels, palette, visible):
        array.flags.writeable = False
    paint_overlay(color, labels, palette, 0.5, visible)


def test_edges_are_one_pixel_wide() -> None:
    labels = np.zeros((4, 6), np.uint8)
    labels[:, 3:] = 1
    assert label_edges(labels).tolist() == [[0, 0, 1, 0, 0, 0]] * 4


@pytest.mark.parametrize("name", DEPTH_MAPS)
def test_depth_maps_keep_black_for_holes(name: str) -> None:
    table = depth_color_map(name)
    assert not table[0].any()
    assert table[1:].any(axis=1).all()


def test_depth_is_painted_by_distance_in_metres() -> None:
    depth = np.array([[0, 1, 500, 1000, 2000, 65535]], np.uint16)
    painted = paint_depth(depth, 0.001, 0.5, 2.0)
    table = depth_color_map("turbo")
    assert not painted[0, 0].any()
    assert np.array_equal(painted[0, 1], table[1])
    assert np.array_equal(painted[0, 2], table[1])
    assert np.array_equal(painted[0, 3], table[1 + int(254 / 3)])
    assert np.array_equal(painted[0, 4], table[255])
    assert np.array_equal(painted[0, 5], table[255])
    assert np.array_equal(paint_depth(depth, 0.0005, 0.25, 1.0), painted)


def test_depth_agrees_with_the_formula_pixel_by_pixel() -> None:
    depth = np.random.default_rng(5).integers(0, 9000, (31, 47)).astype(np.uint16)
    depth[::5] = 0
    unit_m, near_m, far_m = 0.00025, 0.4, 1.7
    table = depth_color_map("turbo").astype(int)
    painted = paint_depth(depth, unit_m, near_m, far_m)
    for y, x in np.ndindex(depth.shape):
        share = min(max((depth[y, x] * unit_m - near_m) / (far_m - near_m), 0.0), 1.0)
        place = 1 + 254 * share if depth[y, x] else 0.0
        allowed = [table[i] for i in {math.floor(place), round(place), math.ceil(place)}]
        assert any(np.array_equal(painted[y, x], color) for color in allowed)


def test_ends_ignore_holes_and_survive_empty_pictures() -> None:
    depth = np.zeros((40, 40), np.uint16)
    assert depth_ends_m(depth, 0.001) == (0.4, 6.0)
    depth[:20] = 2000
    near, far = depth_ends_m(depth, 0.001)
    assert near == 2.0
    assert far > near
