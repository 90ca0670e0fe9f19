"""SUN RGB-D trees: finding frames at any level, decoding depth, and turning outlines into labels."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rgbd_seg.errors import RecordingError
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.layouts.sunrgbd import SunrgbdReader, decode_depth, encode_depth
from rgbd_seg.recording.layouts.sunrgbd_names import class_id
from rgbd_seg.recording.layouts.sunrgbd_polygons import draw_labels, read_polygons
from tests.recording.picture_trees import HEIGHT, WIDTH, color_of, depth_of, write_gray, write_sunrgbd_frame

if TYPE_CHECKING:
    from pathlib import Path

NIGHT_STAND = 32


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Three frames of three cameras at two depths of nesting, of two sizes."""
    root = tmp_path / "SUNRGBD"
    write_sunrgbd_frame(root / "kv1" / "b3dodata" / "img_0002", 0)
    write_sunrgbd_frame(root / "kv1" / "b3dodata" / "img_0010", 1)
    write_sunrgbd_frame(root / "xtion" / "sun3ddata" / "a" / "b" / "0001", 2, 30, 44)
    return root


def test_the_tree_opens_at_every_level(tree: Path) -> None:
    for folder, frames in ((tree.parent, 3), (tree, 3), (tree / "kv1", 2), (tree / "kv1/b3dodata/img_0010", 1)):
        reader = open_recording(folder)
        assert (reader.info.layout, len(reader)) == ("sunrgbd", frames)


def test_order_names_cameras_and_scenes(tree: Path) -> None:
    reader = open_recording(tree)
    assert isinstance(reader, SunrgbdReader)
    names = [reader.name(position) for position in range(3)]
    assert names == ["kv1/b3dodata/img_0002", "kv1/b3dodata/img_0010", "xtion/sun3ddata/a/b/0001"]
    assert [reader.camera(position) for position in range(3)] == ["kv1", "kv1", "xtion"]
    assert reader.scene(0) == "office"


def test_each_frame_has_its_own_size_and_calibration(tree: Path) -> None:
    small, _, large = open_recording(tree)
    assert small.depth.shape == (HEIGHT, WIDTH)
    assert large.depth.shape == (30, 44)
    assert (small.calibration.color.fx, large.calibration.color.fx) == (WIDTH, 44)
    assert np.array_equal(large.color, color_of(2, 30, 44))


def test_depth_is_rotated_back_to_millimetres_raw_or_refined(tree: Path) -> None:
    assert np.array_equal(open_recording(tree).read(1).depth, depth_of(1))
    refined = open_recording(tree, depth="refined").read(1).depth
    assert refined[0, 0] == 4321
    assert np.array_equal(refined.ravel()[1:], depth_of(1).ravel()[1:])
    with pytest.raises(RecordingError, match="raw or refined"):
        open_recording(tree, depth="both")


def test_the_published_example_of_the_rotation() -> None:
    # Shifting alone would read 20 mm here.
    assert decode_depth(np.array([161], np.uint16))[0] == 8212


@settings(deadline=None)
@given(st.integers(0, 65535))
def test_rotation_has_an_exact_inverse(value: int) -> None:
    counts = np.array([value], np.uint16)
    assert decode_depth(encode_depth(counts))[0] == value == encode_depth(decode_depth(counts))[0]


def test_outlines_become_labels(tree: Path) -> None:
    truth = open_recording(tree).read(0).truth
    assert truth is not None
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[:, : WIDTH // 2] = NIGHT_STAND
    assert np.array_equal(truth.labels, expected)
    assert truth.instances is not None
    assert np.array_equal(truth.instances > 0, expected > 0)
    assert truth.label_set.name_of(NIGHT_STAND) == "night_stand"


def test_prepared_maps_win_over_outlines_unless_told_otherwise(tree: Path) -> None:
    write_gray(tree / "kv1/b3dodata/img_0002/label/0.png", np.full((HEIGHT, WIDTH), 7, np.uint8))
    for labels, value in (("auto", 7), ("prepared", 7), ("polygons", NIGHT_STAND)):
        truth = open_recording(tree, labels=labels).read(0).truth
        assert truth is not None
        assert truth.labels[0, 0] == value
    assert open_recording(tree, labels="none").read(0).truth is None
    assert open_recording(tree, labels="prepared").read(1).truth is None


def test_maps_of_a_prepared_tree_are_found_from_any_level_and_from_elsewhere(tree: Path, tmp_path: Path) -> None:
    name = "kv1/b3dodata/img_0010"
    labels = np.full((HEIGHT, WIDTH), 9, np.uint8)
    write_gray(tree.parent / "label" / f"{name}.png", labels)
    for folder, position in ((tree.parent, 1), (tree, 1), (tree / "kv1", 1), (tree / name, 0)):
        truth = open_recording(folder).read(position).truth
        assert truth is not None
        assert np.array_equal(truth.labels, labels)
    other = tmp_path / "prepared"
    write_gray(other / "label" / f"{name}.png", labels + 1)
    truth = open_recording(tree, prepared=str(other)).read(1).truth
    assert truth is not None
    assert np.array_equal(truth.labels, labels + 1)
    with pytest.raises(RecordingError, match="prepared"):
        open_recording(tree, prepared=str(tree))


def test_an_annotation_that_does_not_parse_costs_only_the_labels(tree: Path) -> None:
    path = tree / "kv1/b3dodata/img_0002/annotation2Dfinal/index.json"
    path.write_text('{"frames": [,]}')
    reader = open_recording(tree)
    assert reader.read(0).truth is None
    assert reader.read(1).truth is not None
    reader.read(0)
    assert len(reader.info.warnings) == 1
    assert "not valid JSON" in reader.info.warnings[0]


def test_a_frame_without_depth_is_named_and_the_others_open(tree: Path) -> None:
    for name in ("depth", "depth_bfx"):
        next((tree / "kv1/b3dodata/img_0010" / name).iterdir()).unlink()
    reader = open_recording(tree)
    with pytest.raises(RecordingError, match="img_0010 has no depth picture"):
        reader.read(1)
    assert reader.read(2).depth.shape == (30, 44)


def _annotation(polygons: object, objects: object = ({"name": "wall"}, None, {"name": 5})) -> str:
    return json.dumps({"frames": [{"polygon": polygons}], "objects": list(objects)})  # type: ignore[call-overload]


@pytest.mark.parametrize("text", ["{}", "[]", '{"objects": 3}', '{"objects": [], "frames": []}', "null", "[" * 100_000])
def test_other_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(RecordingError, match=r"index\.json"):
        read_polygons(tmp_path / "index.json")


def test_unsound_outlines_are_left_out_and_wild_coordinates_cut(tmp_path: Path) -> None:
    square = {"x": [2, 5, 5, 2], "y": [2, 2, 5, 5], "object": 0}
    unsound = [
        None,
        square | {"object": 1},
        square | {"object": 2},
        square | {"object": 9},
        square | {"object": "0"},
        square | {"x": 3},
        square | {"x": [1, 2]},
        square | {"x": [1, None, 2, 3]},
        square | {"x": [1, "a", 2, 3]},
        square | {"x": [[1], [2], [3], [4]]},
    ]
    path = tmp_path / "index.json"
    path.write_text(_annotation([*unsound, square]))
    assert len(read_polygons(path)) == 1
    path.write_text(_annotation([square | {"x": [-1e300, 1e12, 1e12, -1e300], "y": [-1e9, -1e9, 1e9, 1e9]}]))
    labels, _ = draw_labels(read_polygons(path), 8, 9)
    assert np.all(labels == 1)


def test_later_outlines_lie_on_top_and_unknown_words_are_void() -> None:
    def square(low: int, high: int) -> np.ndarray:
        return np.array([[low, low], [high, low], [high, high], [low, high]], np.int32)

    labels, instances = draw_labels([("wall", square(0, 9)), ("bed", square(2, 6)), ("unicorn", square(4, 5))], 10, 10)
    assert (labels[0, 0], labels[3, 3], labels[4, 4]) == (1, 4, 0)
    assert (instances[0, 0], instances[3, 3], instances[4, 4]) == (1, 2, 0)


def _inside(points: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """By the even-odd rule, pixel by pixel: what lies inside an outline, and what is near it."""
    y, x = np.mgrid[:height, :width].astype(float)
    odd, near = np.zeros((height, width), bool), np.zeros((height, width), bool)
    for (x0, y0), (x1, y1) in zip(points.astype(float), np.roll(points, -1, axis=0).astype(float), strict=True):
        if y0 != y1:
            crosses = (y0 <= y) != (y1 <= y)
            odd ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
        length = max((x1 - x0) ** 2 + (y1 - y0) ** 2, 1e-9)
        along = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length, 0, 1)
        near |= np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0)) <= 1.5
    return odd, near


@pytest.mark.parametrize("seed", range(20))
def test_outlines_are_filled_as_a_second_implementation_fills_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = ("wall", "bed", "chair", "unicorn")
    outlines = [
        (name, rng.integers(-10, 60, (int(rng.integers(3, 9)), 2)).astype(np.int32)) for name in rng.permutation(names)
    ]
    labels, _ = draw_labels(outlines, 48, 56)
    expected, unsure = np.zeros((48, 56), np.uint8), np.zeros((48, 56), bool)
    for name, points in outlines:
        inside, near = _inside(points, 48, 56)
        expected[inside] = class_id(name)
        unsure = (unsure & ~inside) | near  # On an outline it is a matter of taste.
    assert (~unsure).mean() > 0.3
    assert np.array_equal(labels[~unsure], expected[~unsure])


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("chair", "chair"),
        ("Chair 2", "chair"),
        ("chairs", "chair"),
        ("chair:truncated", "chair"),
        ("night-stand", "night_stand"),
        ("shelf", "shelves"),
        ("boxes", "box"),
        ("book", "books"),
        ("clothes", "clothes"),
        ("garbage bin", "unlabelled"),
        ("", "unlabelled"),
    ],
)
def test_words_of_the_annotators(word: str, name: str) -> None:
    assert LabelSet.load("sunrgbd37").name_of(class_id(word)) == name


def test_every_class_is_known_by_its_own_name() -> None:
    labels = LabelSet.load("sunrgbd37")
    assert [class_id(name) for name in labels.names] == list(range(1, 38))
