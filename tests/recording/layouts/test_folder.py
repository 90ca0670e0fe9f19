"""Folders of colour and depth pictures: which belong together, and what is said about those that do not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.layouts import folder
from rgbd_seg.recording.layouts.partners import natural_key
from tests.recording.picture_trees import HEIGHT, WIDTH, color_of, depth_of, write_color, write_gray, write_pairs

if TYPE_CHECKING:
    from pathlib import Path

LAYOUTS = [
    ("frame-{:06d}.color.png", "frame-{:06d}.depth.png"),
    ("image/learn{:03d}.png", "depth/learn{:03d}.png"),
    ("rgb/{:d}.png", "depth/{:d}.png"),
    ("color/{:05d}.png", "depth/{:05d}.png"),
    ("Colour/rgb_{:d}.png", "Depth/depth_{:d}.png"),
    ("{:d}_rgb.png", "{:d}_depth.png"),
    ("color{:04d}.png", "depth{:04d}.png"),
]


@pytest.mark.parametrize(("color", "depth"), LAYOUTS)
def test_customary_layouts_open_in_natural_order(tmp_path: Path, color: str, depth: str) -> None:
    write_pairs(tmp_path, 11, color, depth)
    reader = open_recording(tmp_path)
    assert len(reader) == 11
    assert reader.info.layout == "folder"
    for position, frame in enumerate(reader):
        assert np.array_equal(frame.color, color_of(position))
        assert np.array_equal(frame.depth, depth_of(position))
        assert frame.index == position
    assert np.all(np.diff(reader.times_us) > 0)


def test_seven_scenes_is_known_by_its_poses_as_not_registered(tmp_path: Path) -> None:
    write_pairs(tmp_path, 2, *LAYOUTS[0])
    assert open_recording(tmp_path).read(0).calibration.registered
    (tmp_path / "frame-000000.pose.txt").write_text("1 0 0 0")
    calibration = open_recording(tmp_path).read(0).calibration
    assert not calibration.registered
    assert calibration.origin == "assumed"
    assert calibration.color.fx == pytest.approx(585 * WIDTH / 640)


def test_saturated_depth_is_a_hole_unless_told_otherwise(tmp_path: Path) -> None:
    write_pairs(tmp_path, 1)
    counts = depth_of(0)
    counts[3, 4] = 65535
    write_gray(tmp_path / "depth" / "0.png", counts)
    assert open_recording(tmp_path).read(0).depth[3, 4] == 0
    assert open_recording(tmp_path, invalid_depth="0").read(0).depth[3, 4] == 65535
    (tmp_path / "rgbd_seg.json").write_text('{"invalid_depth": 0}')
    assert open_recording(tmp_path).read(0).depth[3, 4] == 65535


def test_options_win_over_the_sidecar_which_wins_over_the_customs(tmp_path: Path) -> None:
    write_pairs(tmp_path, 2)
    assumed = open_recording(tmp_path)
    assert assumed.read(0).calibration.depth_unit_m == 0.001
    assert assumed.read(0).calibration.unit_origin == "assumed"
    given = open_recording(tmp_path, depth_unit_m="0.001", registered="no").read(0).calibration
    assert (given.unit_origin, given.registration_origin) == ("user", "user")
    (tmp_path / "intrinsics.txt").write_text("30 0 15.5\n0 31 11.5\n0 0 1\n")
    matrix = open_recording(tmp_path).read(0).calibration
    assert (matrix.color.fx, matrix.color.fy, matrix.origin) == (30, 31, "file")
    intrinsics = {"width": 2 * WIDTH, "height": 2 * HEIGHT, "fx": 100, "fy": 100, "cx": 31.5, "cy": 23.5}
    sidecar = {"depth_unit_m": 0.000125, "intrinsics": intrinsics, "fps": 10, "registered": False, "name": "my desk"}
    (tmp_path / "rgbd_seg.json").write_text(json.dumps(sidecar))
    reader = open_recording(tmp_path)
    calibration = reader.read(0).calibration
    assert reader.info.name == "my desk"
    assert list(reader.times_us) == [0, 100_000]
    assert (calibration.depth_unit_m, calibration.registered, calibration.color.fx) == (0.000125, False, 50)
    told = open_recording(tmp_path, depth_unit_m="0.0002", fps="20", registered="true")
    assert told.read(0).calibration.depth_unit_m == 0.0002
    assert told.read(0).calibration.registered
    assert list(told.times_us) == [0, 50_000]


@pytest.mark.parametrize(
    ("option", "value"),
    [("depth_unit_m", "7"), ("depth_unit_m", "mm"), ("fps", "0"), ("invalid_depth", "-1"), ("colour", "x")],
)
def test_wrong_options_are_refused_by_name(tmp_path: Path, option: str, value: str) -> None:
    write_pairs(tmp_path, 1)
    with pytest.raises(RecordingError, match=option):
        open_recording(tmp_path, **{option: value})
    with pytest.raises(ConfigurationError, match=option):
        folder.open_reader(tmp_path, **{option: value})


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1]", '{"depth_unit_m": "mm"}', '{"intrinsics": {"fx": 1}}', '{"label_set": "/etc/passwd"}', "\0"],
)
def test_a_broken_sidecar_is_named(tmp_path: Path, text: str) -> None:
    write_pairs(tmp_path, 1)
    (tmp_path / "rgbd_seg.json").write_text(text)
    with pytest.raises(RecordingError, match=r"rgbd_seg\.json"):
        open_recording(tmp_path)


def test_colour_without_depth_is_left_out_and_said(tmp_path: Path) -> None:
    write_pairs(tmp_path, 5)
    (tmp_path / "depth" / "2.png").unlink()
    reader = open_recording(tmp_path)
    assert [frame.index for frame in reader] == [0, 1, 3, 4]
    assert reader.info.warnings == ("1 colour picture without depth (the first is 2.png) left out",)
    assert [(gap.after, gap.frames) for gap in reader.info.gaps] == [(1, 1)]


def test_nothing_in_common_is_refused_with_examples(tmp_path: Path) -> None:
    write_color(tmp_path / "rgb" / "a.png", color_of(0))
    write_gray(tmp_path / "depth" / "b.png", depth_of(0))
    with pytest.raises(RecordingError, match=r"a\.png and b\.png"):
        open_recording(tmp_path)


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ([], "no recording"),
        (["notes.txt"], "no recording"),
        (["rgb/1.png", "rgb/2.png"], "2 colour pictures but no depth"),
        (["a.depth.png"], "1 depth pictures but no colour"),
    ],
)
def test_folders_without_pairs_are_refused_with_the_reason(tmp_path: Path, names: list[str], reason: str) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    with pytest.raises(RecordingError, match=reason) as error:
        open_recording(tmp_path)
    assert str(tmp_path) in str(error.value)


def test_one_level_too_high_names_what_can_be_opened(tmp_path: Path) -> None:
    write_pairs(tmp_path / "learn", 1)
    with pytest.raises(RecordingError, match="these can be opened: learn"):
        open_recording(tmp_path)


def test_recordings_of_vendors_name_the_way_to_search_them(tmp_path: Path) -> None:
    (tmp_path / "walk.oni").write_bytes(b"NI10")
    with pytest.raises(RecordingError, match=r"rgbd-seg convert walk\.oni walk\.mcap"):
        open_recording(tmp_path / "walk.oni")


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="nowhere"):
        open_recording(tmp_path / "nowhere")


def test_8_bit_depth_is_refused_at_once(tmp_path: Path) -> None:
    write_color(tmp_path / "rgb" / "1.png", color_of(0))
    write_gray(tmp_path / "depth" / "1.png", depth_of(0).astype(np.uint8))
    with pytest.raises(RecordingError, match="not metric depth"):
        open_recording(tmp_path)


def test_a_truncated_picture_harms_only_its_own_frame(tmp_path: Path) -> None:
    write_pairs(tmp_path, 4)
    for frame in (0, 2):
        path = tmp_path / "depth" / f"{frame}.png"
        path.write_bytes(path.read_bytes()[:-40])
    reader = open_recording(tmp_path)
    assert np.array_equal(reader.read(1).depth, depth_of(1))
    with pytest.raises(RecordingError, match=r"2\.png is truncated"):
        reader.read(2)
    assert np.array_equal(reader.read(3).depth, depth_of(3))


def test_nothing_readable_is_refused(tmp_path: Path) -> None:
    write_pairs(tmp_path, 2)
    for path in tmp_path.glob("rgb/*.png"):
        path.write_bytes(b"")
    with pytest.raises(RecordingError, match="none of the first 2 frames"):
        open_recording(tmp_path)


def test_label_maps_come_as_truth_with_the_names_beside_them(tmp_path: Path) -> None:
    write_pairs(tmp_path, 2)
    ids = np.zeros((HEIGHT, WIDTH), np.uint8)
    ids[:, 5:] = 2
    write_gray(tmp_path / "label" / "0.png", ids)
    write_gray(tmp_path / "label_instance" / "0.png", ids.astype(np.uint16) * 300)
    numbered = open_recording(tmp_path).read(0).truth
    assert numbered is not None
    assert numbered.label_set.name_of(2) == "label 2"
    (tmp_path / "labels.txt").write_text("table\nobject\n")
    reader = open_recording(tmp_path)
    truth = reader.read(0).truth
    assert truth is not None
    assert truth.label_set.names == ("table", "object")
    assert np.array_equal(truth.labels, ids)
    assert truth.instances is not None
    assert truth.instances.max() == 600
    assert reader.read(1).truth is None


def test_times_come_from_frames_csv_and_a_broken_one_is_only_a_warning(tmp_path: Path) -> None:
    write_pairs(tmp_path, 3)
    (tmp_path / "frames.csv").write_text("name,index,time_us,device_us\n0,5,7000,1\n1,6,9000,\n2,9,20000,3\n")
    reader = open_recording(tmp_path)
    assert list(reader.times_us) == [0, 2000, 13000]
    assert [(f.index, f.device_us) for f in reader] == [(5, 1), (6, None), (9, 3)]
    (tmp_path / "frames.csv").write_text("name,index,time_us,device_us\n0,5,x,1\n")
    broken = open_recording(tmp_path)
    assert len(broken) == 3
    assert "frames.csv" in broken.info.warnings[0]


def test_natural_order() -> None:
    names = ["f10", "f2", "f02", "f1", "a", "f"]
    assert sorted(names, key=natural_key) == ["a", "f", "f1", "f02", "f2", "f10"]


@pytest.mark.parametrize("value", ['"no"', "0", "[]"])
def test_registered_is_true_or_false_and_nothing_like_it(tmp_path: Path, value: str) -> None:
    """Any text would be true."""
    write_pairs(tmp_path, 1)
    (tmp_path / "rgbd_seg.json").write_text(f'{{"registered": {value}}}')
    with pytest.raises(RecordingError, match="registered must be true or false"):
        open_recording(tmp_path)


def test_what_is_no_label_picture_and_no_calibration_is_said(tmp_path: Path) -> None:
    write_pairs(tmp_path, 1)
    (tmp_path / "label").mkdir()
    (tmp_path / "label" / "0.jpg").write_bytes(b"")
    (tmp_path / "intrinsics.txt").write_text("600 0 319.5 0 600 239.5 0 0 1")
    reader = open_recording(tmp_path)
    notes = " ".join(reader.info.notes)
    assert "JPEG, which blurs ids" in notes
    assert "principal point (319.5, 239.5) lies outside" in notes
    assert reader.read(0).calibration.origin == "assumed"
