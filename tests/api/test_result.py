"""What can be asked of a result: on made pictures whose areas and distances are known."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg import AssumedLens, Calibration, ConfigurationError, Intrinsics, LabelSet, ModelError, Result, RgbdFrame
from rgbd_seg.frame import Segmentation

if TYPE_CHECKING:
    from rgbd_seg.calibration import Origin

HEIGHT, WIDTH, FOCAL = 240, 320, 300.0


def result(origin: Origin = "device") -> Result:
    """A wall (class 1) at 2 m, before it a chair (class 2) at 1 m of 80x60 pixels, whose left half is uncertain."""
    depth = np.full((HEIGHT, WIDTH), 2000, np.uint16)
    labels = np.full((HEIGHT, WIDTH), 1, np.uint8)
    confidence = np.full((HEIGHT, WIDTH), 230, np.uint8)
    chair = (slice(100, 160), slice(120, 200))
    depth[chair], labels[chair] = 1000, 2
    confidence[100:160, 120:160] = 100
    depth[:20] = 0
    lens = Intrinsics(WIDTH, HEIGHT, FOCAL, FOCAL, (WIDTH - 1) / 2, (HEIGHT - 1) / 2)
    frame = RgbdFrame(np.zeros((HEIGHT, WIDTH, 3), np.uint8), depth, Calibration(lens, 0.001, origin=origin), 7, 0)
    label_set = LabelSet.from_dict({"name": "two", "classes": ["wall", "chair"]})
    return Result(frame=frame, labels=labels, confidence=confidence, label_set=label_set)


def test_a_mask_is_where_the_class_is() -> None:
    assert result().mask("chair").sum() == 80 * 60
    assert result().mask("chair", min_confidence=0.8).sum() == 40 * 60
    assert result().mask("chair").dtype == np.bool_


def test_an_unknown_class_and_a_wrong_range_are_named() -> None:
    with pytest.raises(ConfigurationError, match="wall, chair"):
        result().mask("person")
    with pytest.raises(ConfigurationError, match=r"min_confidence must be 0\.\.1"):
        result().nearest("chair", min_confidence=80)
    with pytest.raises(ConfigurationError, match=r"opacity must be 0\.\.1"):
        result().overlay(opacity=55)


def test_areas_are_in_square_metres() -> None:
    """Two metres away, a pixel covers (2 / FOCAL) metres squared."""
    one = result()
    flat = RgbdFrame(one.frame.color, np.full_like(one.frame.depth, 2000), one.frame.calibration, 0, 0)
    areas = replace(one, frame=flat).areas()
    assert list(areas) == ["wall", "chair"]
    assert areas["chair"] == pytest.approx(80 * 60 * (2 / FOCAL) ** 2, rel=0.03)
    assert areas["wall"] == pytest.approx((HEIGHT * WIDTH - 80 * 60) * (2 / FOCAL) ** 2, rel=0.03)


def test_the_nearest_point_is_in_metres_and_infinity_where_there_is_none() -> None:
    assert result().nearest("chair") == pytest.approx(1.0, abs=0.01)
    assert result().nearest("wall") == pytest.approx(2.0, abs=0.02)
    assert result().nearest("chair", min_pixels=80 * 60 + 1) == math.inf
    assert result().nearest("chair", min_confidence=0.95) == math.inf


def test_points_come_with_their_classes_and_without_holes() -> None:
    one = result()
    points, labels = one.points(labels=True)
    assert points.shape == (HEIGHT * WIDTH - 20 * WIDTH, 3)
    assert np.array_equal(points, one.points())
    assert (points[labels == 2][:, 2] == 1.0).all()
    assert len(one.frame.color[one.frame.depth > 0]) == len(points)


def test_the_overlay_has_the_colours_of_the_classes() -> None:
    overlay = result().overlay(opacity=1)
    assert tuple(overlay[50, 10]) == result().label_set.classes[0].color
    overlay[:] = 0  # It is the caller's.


def test_figures_of_an_assumed_lens_say_so() -> None:
    one = result("assumed")
    for ask in (one.areas, one.points, lambda: one.nearest("wall")):
        with pytest.warns(AssumedLens, match="intrinsics"):
            ask()  # type: ignore[operator]
    one.mask("wall")
    one.overlay()


def test_without_labels_there_is_no_result() -> None:
    with pytest.raises(ModelError, match="frame 7"):
        Result.of(Segmentation(result().frame))
