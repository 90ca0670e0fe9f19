"""Geometry: against an example worked by hand, against OpenCV, and back again."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rgbd_seg.calibration import MAX_SIDE, Calibration, Intrinsics, deproject, deproject_pixel, project, register_depth
from rgbd_seg.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rgbd_seg.calibration import LensModel

PLAIN = Intrinsics(640, 480, 500.0, 400.0, 320.0, 240.0)
BENT = Intrinsics(160, 120, 140.0, 145.0, 82.5, 57.25, (0.12, -0.25, 0.003, -0.002, 0.05))

# The lens of an Azure Kinect's colour camera as its ROS driver publishes it, at a shorter focal length: it bends more.
RATIONAL = Intrinsics(64, 48, 30.0, 30.0, 31.5, 23.5, (0.5, -2.7, 0.0005, -0.0002, 1.5, 0.38, -2.5, 1.4))
FISHEYE = Intrinsics(64, 48, 30.0, 30.0, 31.5, 23.5, (0.2, -0.05, 0.02, -0.01), "kannala-brandt")


def test_deprojection_of_an_example_worked_by_hand() -> None:
    # Pixel (420, 200) at 2 m: x = (420 - 320) / 500 * 2 = 0.4, y = (200 - 240) / 400 * 2 = -0.2.
    depth = np.zeros((480, 640), np.uint16)
    depth[200, 420] = 2000
    points = deproject(depth, Calibration(PLAIN, 0.001))
    assert points.dtype == np.float32
    assert points[200, 420] == pytest.approx([0.4, -0.2, 2.0])
    assert not points[0, 0].any()
    assert deproject_pixel(420, 200, 2000, Calibration(PLAIN, 0.001)) == pytest.approx((0.4, -0.2, 2.0))


def test_projection_of_the_same_example() -> None:
    assert project(np.array([0.4, -0.2, 2.0]), PLAIN) == pytest.approx([420, 200])


def test_the_depth_unit_scales_all_three() -> None:
    depth = np.full((120, 160), 4000, np.uint16)
    fine, coarse = Calibration(BENT, 0.00025), Calibration(BENT, 0.001)
    assert np.allclose(deproject(depth, fine) * 4, deproject(depth, coarse), rtol=1e-6)


def test_projection_agrees_with_opencv() -> None:
    points = np.random.default_rng(0).uniform((-0.6, -0.5, 1.0), (0.6, 0.5, 3.0), (500, 3))
    expected, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), BENT.matrix, np.array(BENT.distortion))
    assert np.allclose(project(points, BENT), expected.reshape(-1, 2), atol=1e-9)


def test_deprojection_agrees_with_opencv() -> None:
    depth = np.random.default_rng(1).integers(500, 5000, (120, 160)).astype(np.uint16)
    v, u = np.mgrid[:120, :160]
    pixels = np.stack([u, v], axis=-1).reshape(-1, 1, 2).astype(np.float64)
    rays = cv2.undistortPoints(pixels, BENT.matrix, np.array(BENT.distortion)).reshape(120, 160, 2)
    points = deproject(depth, Calibration(BENT, 0.001))
    assert np.allclose(points[..., :2], rays * points[..., 2:], atol=1e-6)
    assert np.allclose(points[..., 2], depth / 1000)


@pytest.mark.parametrize("intrinsics", [PLAIN, BENT])
def test_geometry_agrees_with_librealsense(intrinsics: Intrinsics) -> None:
    rs = pytest.importorskip("pyrealsense2")
    theirs = rs.intrinsics()
    theirs.width, theirs.height = intrinsics.width, intrinsics.height
    theirs.fx, theirs.fy, theirs.ppx, theirs.ppy = intrinsics.fx, intrinsics.fy, intrinsics.cx, intrinsics.cy
    theirs.model, theirs.coeffs = rs.distortion.brown_conrady, list(intrinsics.distortion or (0.0,) * 5)
    depth = np.random.default_rng(3).integers(300, 8000, (intrinsics.height, intrinsics.width)).astype(np.uint16)
    points = deproject(depth, Calibration(intrinsics, 0.001))
    for v in range(0, intrinsics.height, intrinsics.height // 15):
        for u in range(0, intrinsics.width, intrinsics.width // 20):
            expected = rs.rs2_deproject_pixel_to_point(theirs, [u, v], depth[v, u] * 0.001)
            # librealsense undistorts by a few rounds in float32.
            assert points[v, u] == pytest.approx(expected, rel=1e-3, abs=1e-3 * expected[2])
            back = rs.rs2_project_point_to_pixel(theirs, [float(x) for x in points[v, u]])
            assert project(points[v, u], intrinsics) == pytest.approx(back, abs=0.01)


def brown_conrady(x: float, y: float, d: tuple[float, ...]) -> tuple[float, float]:
    """The rational lens, as its formula is printed."""
    k1, k2, p1, p2, k3, k4, k5, k6 = d
    r2 = x * x + y * y
    radial = (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1 + r2 * (k4 + r2 * (k5 + r2 * k6)))
    return x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x), y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y


def kannala_brandt(x: float, y: float, d: tuple[float, ...]) -> tuple[float, float]:
    """The fisheye, as its formula is printed."""
    r = math.hypot(x, y)
    angle = math.atan(r)
    bent = angle * (1 + sum(k * angle ** (2 * n) for n, k in enumerate(d, 1)))
    return x * bent / r, y * bent / r


@pytest.mark.parametrize(("lens", "formula"), [(RATIONAL, brown_conrady), (FISHEYE, kannala_brandt)])
def test_every_pixel_of_a_bent_lens_lies_where_the_formula_puts_its_ray(
    lens: Intrinsics, formula: Callable[[float, float, tuple[float, ...]], tuple[float, float]]
) -> None:
    points = deproject(np.full((48, 64), 1000, np.uint16), Calibration(lens, 0.001))
    for v in range(0, 48, 5):
        for u in range(0, 64, 5):
            x, y = formula(float(points[v, u, 0]), float(points[v, u, 1]), lens.distortion)
            assert (x * lens.fx + lens.cx, y * lens.fy + lens.cy) == pytest.approx((u, v), abs=1e-3)
            assert project(points[v, u], lens) == pytest.approx((u, v), abs=1e-3)


def test_the_ray_of_an_azure_kinect() -> None:
    points = deproject(np.full((48, 64), 1322, np.uint16), Calibration(RATIONAL, 0.001))
    assert points[2, 2] == pytest.approx((-1.176, -0.858, 1.322), abs=1e-3)


def test_where_a_lens_folds_over_there_are_no_points() -> None:
    folding = Intrinsics(64, 48, 20.0, 20.0, 31.5, 23.5, (-0.6, 0.0, 0.0, 0.0, 0.0))
    points = deproject(np.full((48, 64), 1000, np.uint16), Calibration(folding, 0.001))
    assert np.isfinite(points).all()
    assert not points[0, 0].any()
    assert points[23, 31, 2] == 1


@pytest.mark.parametrize("lens", [BENT, RATIONAL, FISHEYE])
def test_lenses_survive_their_dictionary(lens: Intrinsics) -> None:
    assert Intrinsics.from_dict(json.loads(json.dumps(lens.to_dict()))) == lens


@pytest.mark.parametrize(("count", "model"), [(4, "brown-conrady"), (6, "brown-conrady"), (5, "kannala-brandt")])
def test_distortion_with_numbers_missing_is_refused(count: int, model: LensModel) -> None:
    with pytest.raises(ConfigurationError, match=model):
        Intrinsics(64, 48, 30.0, 30.0, 31.5, 23.5, (0.1,) * count, model)


def test_registering_with_the_same_camera_changes_nothing() -> None:
    depth = np.random.default_rng(4).integers(0, 4000, (480, 640)).astype(np.uint16)
    assert np.array_equal(register_depth(depth, PLAIN, PLAIN, 0.001), depth)


def test_registering_moves_depth_to_where_colour_sees_it() -> None:
    """A wall at 1 m and a box at 0.5 m, seen by a camera 5 cm to the right: fx * 0.05 / z pixels to the left."""
    depth = np.full((480, 640), 1000, np.uint16)
    depth[200:280, 300:340] = 500
    seen = register_depth(depth, PLAIN, PLAIN, 0.001, np.eye(3), np.array([-0.05, 0.0, 0.0]))
    box = np.argwhere(seen == 500)
    assert (box.min(axis=0).tolist(), box.max(axis=0).tolist()) == ([200, 250], [279, 289])
    assert seen[240, 100] == 1000
    assert (seen[200:280, 290:315] == 0).all()  # What the box hid from the depth camera.
    assert (seen[:, -25:] == 0).all()


def test_registering_to_a_finer_picture_leaves_no_holes() -> None:
    depth = np.full((48, 64), 1500, np.uint16)
    coarse, fine = Intrinsics(64, 48, 60, 60, 31.5, 23.5), Intrinsics(130, 97, 100.0, 100.0, 64.5, 48.0)
    seen = register_depth(depth, coarse, fine, 0.001)
    assert (seen[10:87, 14:116] == 1500).all()


@pytest.mark.parametrize("intrinsics", [PLAIN, BENT])
def test_there_and_back_again(intrinsics: Intrinsics) -> None:
    depth = np.random.default_rng(2).integers(300, 8000, (intrinsics.height, intrinsics.width)).astype(np.uint16)
    pixels = project(deproject(depth, Calibration(intrinsics, 0.001)), intrinsics)
    v, u = np.mgrid[: intrinsics.height, : intrinsics.width]
    assert np.abs(pixels - np.stack([u, v], axis=-1)).max() < 0.01


def test_nothing_behind_the_camera_is_projected() -> None:
    pixels = project(np.array([[0.1, 0.1, -1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), PLAIN)
    assert np.isnan(pixels[:2]).all()
    assert pixels[2] == pytest.approx([320, 240])


def test_depth_of_another_size_is_refused_with_both() -> None:
    with pytest.raises(ConfigurationError, match=r"\(10, 20\).*\(480, 640\)"):
        deproject(np.zeros((10, 20), np.uint16), Calibration(PLAIN))


def test_intrinsics_from_the_field_of_view() -> None:
    # 90 degrees across 640 pixels: fx = 320 / tan(45 degrees) = 320.
    k = Intrinsics.from_field_of_view(640, 480, math.pi / 2, 2 * math.atan(240 / 300))
    assert (k.fx, k.fy, k.cx, k.cy) == pytest.approx((320, 300, 320, 240))


@pytest.mark.parametrize("angle", [float("nan"), 0.0, -1.0, math.pi, float("inf")])
def test_impossible_fields_of_view_are_refused(angle: float) -> None:
    with pytest.raises(ConfigurationError, match="field of view"):
        Intrinsics.from_field_of_view(640, 480, angle, 1.0)
    with pytest.raises(ConfigurationError, match="field of view"):
        Intrinsics.from_field_of_view(640, 480, 1.0, angle)


def test_scaling_follows_the_pixel_centres_of_opencvs_resize() -> None:
    """A bright pixel that is found again after the resize has moved as the principal point does."""
    k = Intrinsics(8, 8, 10, 10, 5, 2).scaled(24, 24)
    picture = np.zeros((8, 8), np.float32)
    picture[2, 5] = 1
    enlarged = cv2.resize(picture, (24, 24), interpolation=cv2.INTER_LINEAR)
    rows, columns = np.mgrid[:24, :24]
    found = (columns * enlarged).sum() / enlarged.sum(), (rows * enlarged).sum() / enlarged.sum()
    assert (k.cx, k.cy) == pytest.approx(found, abs=1e-5)
    assert (k.fx, k.width) == (30, 24)


@settings(deadline=None)
@given(
    st.integers(1, MAX_SIDE),
    st.integers(1, MAX_SIDE),
    st.floats(1e-3, 1e6),
    st.floats(-1e6, 1e6),
    st.lists(st.floats(-10, 10), min_size=5, max_size=5) | st.just([]),
    st.floats(1e-7, 1),
    st.booleans(),
)
def test_json_keeps_every_bit(
    width: int, height: int, f: float, c: float, distortion: list[float], unit_m: float, registered: bool
) -> None:
    intrinsics = Intrinsics(width, height, f, f / 2, c, -c, tuple(distortion))
    calibration = Calibration(intrinsics, unit_m, registered, "field of view")
    assert Calibration.from_dict(json.loads(json.dumps(calibration.to_dict()))) == calibration


@pytest.mark.parametrize(
    "change",
    [
        {"width": 0},
        {"height": MAX_SIDE + 1},
        {"width": "x"},
        {"fx": 0},
        {"fy": -1},
        {"fx": float("nan")},
        {"cx": float("inf")},
        {"distortion": [1, 2]},
        {"distortion": [0, 0, 0, 0, float("nan")]},
        {"distortion": 3},
        {"width": 1e400},
    ],
)
def test_unsound_intrinsics_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="intrinsics"):
        Intrinsics.from_dict(PLAIN.to_dict() | change)


@pytest.mark.parametrize("missing", ["width", "height", "fx", "fy", "cx", "cy"])
def test_missing_fields_are_named(missing: str) -> None:
    data = PLAIN.to_dict()
    del data[missing]
    with pytest.raises(ConfigurationError, match=missing):
        Intrinsics.from_dict(data)


@pytest.mark.parametrize("unit_m", [0.0, -0.001, 2.0, 1e-9, float("nan"), float("inf")])
def test_impossible_depth_units_are_refused(unit_m: float) -> None:
    with pytest.raises(ConfigurationError, match="depth unit"):
        Calibration(PLAIN, unit_m)


@pytest.mark.parametrize("data", [None, 3, [], {}, {"color": {}}, {"color": PLAIN.to_dict(), "depth_unit_m": "mm"}])
def test_what_is_no_calibration_is_refused(data: object) -> None:
    with pytest.raises(ConfigurationError):
        Calibration.from_dict(data)


def test_an_unknown_origin_reads_as_a_file() -> None:
    data = Calibration(PLAIN).to_dict() | {"origin": "crystal ball"}
    assert Calibration.from_dict(data).origin == "file"
