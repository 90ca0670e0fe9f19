"""Lenses, units and registration of recordings of ROS and Foxglove: as written, assumed, or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.recording import open_recording
from tests.recording.messages.scene import (
    HEIGHT,
    ROS2,
    START_NS,
    STEP_NS,
    WIDTH,
    color,
    depth,
    fox_camera,
    fox_raw,
    fox_rows,
    ros_camera,
    ros_image,
    ros_transform,
    write_foxglove,
    write_ros2,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.recording.messages.scene import Row


def test_depth_of_another_size_is_stretched_and_not_registered(tmp_path: Path) -> None:
    half = np.ascontiguousarray(depth()[::2, ::2])
    rows = [("/rgb", 5, fox_raw(5, color(), "rgb8", "")), ("/depth", 5, fox_raw(5, half, "16UC1", ""))]
    with open_recording(write_foxglove(tmp_path / "a.mcap", rows)) as reader:
        frame = reader.read(0)
        assert any("stretched over colour's 32x24" in warning for warning in reader.info.notes)
    assert np.array_equal(frame.depth, half.repeat(2, axis=0).repeat(2, axis=1))
    assert not frame.calibration.registered


def test_depth_is_registered_where_the_file_says_how(tmp_path: Path) -> None:
    """Both calibrations and tf_static: colour is 5 cm to the right of depth and has the same lens."""
    t = START_NS
    rows = [
        ("/tf_static", t, ros_transform(ROS2, "camera_link", "cam_depth", (0.0, 0.0, 0.0))),
        ("/tf_static", t, ros_transform(ROS2, "camera_link", "cam_color", (0.05, 0.0, 0.0))),
        ("/camera/color/image_raw", t, ros_image(ROS2, t, color(), "rgb8")),
        ("/camera/color/camera_info", t, ros_camera(ROS2, t)),
        ("/camera/depth/image", t, ros_image(ROS2, t, np.full((HEIGHT, WIDTH), 1000, np.uint16), "16UC1", "cam_depth")),
        ("/camera/depth/camera_info", t, ros_camera(ROS2, t, frame="cam_depth")),
    ]
    path = write_ros2(tmp_path / "a", rows)
    with open_recording(path) as reader:
        frame = reader.read(0)
        assert frame.calibration.registered
        assert reader.info.details["registration"].startswith("by calibration")
        # fx * 0.05 / 1 = 2 pixels to the left.
        assert (frame.depth[:, : WIDTH - 2] == 1000).all()
        assert (frame.depth[:, WIDTH - 2 :] == 0).all()
    with open_recording(path, registered="no") as reader:
        frame = reader.read(0)
        assert not frame.calibration.registered
        assert (frame.depth == 1000).all()


@pytest.mark.parametrize(
    ("model", "d", "expected"),
    [
        ("plumb_bob", (0.1, -0.2, 0.01, 0.02, 0.3), ("brown-conrady", 5)),
        ("plumb_bob", (0.1, -0.2, 0.01, 0.02), ("brown-conrady", 5)),
        ("rational_polynomial", (0.1, -0.2, 0.01, 0.02, 0.3, 0.4, 0.5, 0.6), ("brown-conrady", 8)),
        ("kannala_brandt", (0.2, -0.05, 0.02, -0.01), ("kannala-brandt", 4)),
        ("equidistant", (0.2, -0.05, 0.02, -0.01), ("kannala-brandt", 4)),
        ("plumb_bob", (0.0,) * 5, ("brown-conrady", 0)),
        ("something_else", (0.2, -0.05, 0.02), None),
        ("rational_polynomial", tuple(n / 100 for n in range(1, 15)), None),
    ],
)
def test_lenses(tmp_path: Path, model: str, d: tuple[float, ...], expected: tuple[str, int] | None) -> None:
    rows = fox_rows(1)
    rows[0] = ("/calib", START_NS, fox_camera(START_NS, d=d, model=model))
    with open_recording(write_foxglove(tmp_path / "a.mcap", rows)) as reader:
        lens = reader.read(0).calibration.color
        said = any("left out" in warning and model in warning for warning in reader.info.notes)
    assert said == (expected is None)
    assert (lens.lens_model, len(lens.distortion)) == (expected or ("brown-conrady", 0))
    assert lens.distortion[: len(d)] == (d if expected and expected[1] else ())


@pytest.mark.parametrize(("width", "k"), [(2 * WIDTH, (80.0, 0, 31.5, 0, 82, 23.5, 0, 0, 1)), (0, None)])
def test_a_calibration_of_another_size_is_scaled(tmp_path: Path, width: int, k: tuple[float, ...] | None) -> None:
    rows = fox_rows(1)
    height = width * HEIGHT // WIDTH
    rows[0] = ("/calib", START_NS, fox_camera(START_NS, *([k] if k else []), width=width, height=height))
    with open_recording(write_foxglove(tmp_path / "a.mcap", rows)) as reader:
        lens = reader.read(0).calibration.color
    assert (lens.width, lens.fx, lens.cx) == (WIDTH, 40, 15.5 if not k else pytest.approx(15.5))


def test_a_camera_that_zooms_has_the_calibration_of_each_moment(tmp_path: Path) -> None:
    rows: list[Row] = []
    for i in range(4):
        t, fx = START_NS + i * STEP_NS, 40.0 + 10 * (i > 1)
        rows += [
            ("/c/image", t, fox_raw(t, color(i), "rgb8")),
            ("/c/info", t, fox_camera(t, (fx, 0, 15.5, 0, 41, 11.5, 0, 0, 1))),
            ("/c/depth", t, fox_raw(t, depth(i), "16UC1")),
        ]
    with open_recording(write_foxglove(tmp_path / "a.mcap", rows)) as reader:
        assert [frame.calibration.color.fx for frame in reader] == [40, 40, 50, 50]
        assert reader.read(0).calibration is reader.read(1).calibration


def test_floating_point_millimetres_are_suspected(tmp_path: Path) -> None:
    rows: list[Row] = [
        ("/c/image", START_NS, fox_raw(START_NS, color(0), "rgb8")),
        ("/c/depth", START_NS, fox_raw(START_NS, depth(0).astype(np.float32), "32FC1")),
    ]
    path = write_foxglove(tmp_path / "a.mcap", rows)
    with open_recording(path) as reader:
        assert any("may be in millimetres" in note for note in reader.info.notes)
    with open_recording(path, depth_unit_m="0.001") as reader:
        assert not any("millimetres" in note for note in reader.info.notes)
        assert np.array_equal(reader.read(0).depth, depth(0))


def test_a_matrix_for_larger_pictures_that_does_not_say_so_is_not_used(tmp_path: Path) -> None:
    big = fox_camera(START_NS, (600.0, 0, 319.5, 0, 600, 239.5, 0, 0, 1), width=0, height=0)
    rows: list[Row] = [
        ("/c/image", START_NS, fox_raw(START_NS, color(0), "rgb8")),
        ("/c/info", START_NS, big),
        ("/c/depth", START_NS, fox_raw(START_NS, depth(0), "16UC1")),
    ]
    with open_recording(write_foxglove(tmp_path / "a.mcap", rows)) as reader:
        assert reader.read(0).calibration.origin == "assumed"
        assert any("outside of the picture" in note for note in reader.info.notes)
