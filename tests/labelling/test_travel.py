"""Labels that travel with a shifted picture, and the places where they must not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.labelling.travel import Traveller, meet

HEIGHT, WIDTH = 120, 160
CAMERA = Calibration(Intrinsics(WIDTH, HEIGHT, 130.0, 130.0, 79.5, 59.5))
NOISE = np.random.default_rng(0).integers(0, 255, (HEIGHT, 4 * WIDTH, 3), dtype=np.uint8)
TEXTURE = cv2.GaussianBlur(NOISE, (0, 0), 3)
TEXTURE = cv2.normalize(TEXTURE, None, 20, 235, cv2.NORM_MINMAX)


def seen(shift: int, depth_mm: int = 2000, scene: int = 0) -> RgbdFrame:
    """A textured wall that the camera passes; `shift` pixels to the right."""
    start = scene * 250 + 40 + shift
    depth = np.full((HEIGHT, WIDTH), depth_mm, np.uint16)
    depth[:, :10] = 0
    return RgbdFrame(np.ascontiguousarray(TEXTURE[:, start : start + WIDTH]), depth, CAMERA, shift, 0)


def truth(shift: int) -> np.ndarray:
    """Class 2 between columns 60 and 100 of the wall, class 1 elsewhere."""
    column = np.arange(WIDTH) + shift
    return np.tile(np.where((column >= 60) & (column < 100), 2, 1).astype(np.uint8), (HEIGHT, 1))


@pytest.mark.parametrize("direction", [1, -1])
def test_labels_move_with_the_picture_and_what_was_not_seen_is_void(direction: int) -> None:
    traveller = Traveller(seen(0), truth(0))
    for step in range(1, 9):
        arrived = traveller.step(seen(direction * step * 2))
        assert arrived is not None
    labels = arrived.labels
    carried = labels > 0
    assert 0.7 < carried.mean() < 1 - 14 / WIDTH
    assert (labels == truth(direction * 16))[carried].mean() > 0.995
    assert not labels[:, -12:].any() if direction > 0 else not labels[:, :12].any()
    assert arrived.found == pytest.approx(carried.mean())


def test_what_has_another_depth_than_the_motion_explains_is_void() -> None:
    frame = seen(2)
    depth = frame.depth.copy()
    depth[30:80, 60:100] = 1500
    traveller = Traveller(seen(0), truth(0))
    arrived = traveller.step(RgbdFrame(frame.color, depth, CAMERA, 1, 0))
    assert arrived is not None
    assert not arrived.labels[35:75, 65:95].any()
    assert arrived.labels[85:, 20:150].any()


def test_a_camera_that_goes_forward_is_no_reason_for_void() -> None:
    traveller = Traveller(seen(0, 2000), truth(0))
    arrived = traveller.step(seen(0, 1900))
    assert arrived is not None
    assert (arrived.labels > 0).mean() > 0.95


def test_it_stops_at_a_cut_and_at_another_size() -> None:
    assert Traveller(seen(0), truth(0)).step(seen(0, scene=1)) is None
    small = Calibration(Intrinsics(8, 6, 8.0, 8.0, 4.0, 3.0))
    other = RgbdFrame(np.zeros((6, 8, 3), np.uint8), np.ones((6, 8), np.uint16), small, 1, 0)
    assert Traveller(seen(0), truth(0)).step(other) is None


def test_where_two_journeys_disagree_nothing_is_known() -> None:
    one = np.array([[1, 1, 0, 2]], np.uint8)
    other = np.array([[1, 2, 3, 0]], np.uint8)
    met = meet(one, other)
    assert met is not None
    assert met.tolist() == [[1, 0, 3, 2]]
    assert meet(one, None) is one
    assert meet(None, None) is None
