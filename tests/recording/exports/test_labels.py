"""Exports to learn from: what annotation tools import, what our own training reads, and whose labels they are."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.path import Path as Outline
from PIL import Image

from rgbd_seg.frame import Segmentation, Truth
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.convert import convert
from rgbd_seg.recording.exports.coco import polygons_of
from rgbd_seg.recording.exports.formats import FORMATS, ExportOptions
from rgbd_seg.testing.stored import LABELS, SOURCE, make_stored

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.recording.reader import StoredFrame
    from training.data.sample import Sample


@pytest.fixture
def frames() -> list[StoredFrame]:
    return [make_stored(position) for position in range(4)]


def filled(polygon: Sequence[float], height: int, width: int) -> np.ndarray:
    """The pixels of a COCO polygon: those whose centre, half a pixel from their corner, is inside."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    corners = np.array(polygon, float).reshape(-1, 2)
    inside = Outline(np.vstack([corners, corners[:1]]), closed=True).contains_points(
        np.stack([columns.ravel(), rows.ravel()], axis=-1)
    )
    return np.asarray(inside).reshape(height, width)


def check_coco(data: dict[str, Any], images: Path) -> None:
    """What COCO's data format demands of object detection: https://cocodataset.org/#format-data."""
    assert set(data) == {"info", "licenses", "images", "annotations", "categories"}
    sizes = {image["id"]: (image["width"], image["height"]) for image in data["images"]}
    assert len(sizes) == len(data["images"])
    assert len({image["file_name"] for image in data["images"]}) == len(sizes)
    for image in data["images"]:
        with Image.open(images / image["file_name"]) as picture:
            assert picture.size == (image["width"], image["height"])
    categories = {category["id"]: category for category in data["categories"]}
    assert min(categories) >= 1
    assert all(isinstance(c["name"], str) and isinstance(c["supercategory"], str) for c in categories.values())
    ids = [row["id"] for row in data["annotations"]]
    assert len(set(ids)) == len(ids)
    assert 0 not in ids  # pycocotools takes 0 for "no match".
    for row in data["annotations"]:
        assert row["category_id"] in categories
        assert row["iscrowd"] == 0
        width, height = sizes[row["image_id"]]
        (polygon,) = row["segmentation"]
        assert len(polygon) >= 6
        assert len(polygon) % 2 == 0
        xs, ys = polygon[::2], polygon[1::2]
        assert min(xs) >= 0 <= min(ys)
        assert max(xs) <= width
        assert max(ys) <= height
        assert row["bbox"] == [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]
        assert 0 < row["area"] <= row["bbox"][2] * row["bbox"][3]


class TestAnnotation:
    def test_voc_masks_are_indexed_and_match_the_label_map(self, frames: list[StoredFrame], tmp_path: Path) -> None:
        convert(frames, tmp_path / "voc", SOURCE, to="voc")
        mask = Image.open(tmp_path / "voc" / "SegmentationClass" / "000000.png")
        assert mask.mode == "P"
        assert frames[0].truth is not None
        assert np.array_equal(np.array(mask), frames[0].truth.labels)
        rows = (tmp_path / "voc" / "labelmap.txt").read_text().splitlines()[1:]
        fields = [row.split(":") for row in rows]
        assert [row[0] for row in fields] == ["background", "table", "cup", "a  book"]
        colored = np.array(mask.convert("RGB"))
        for label, row in enumerate(fields):
            expected = [int(value) for value in row[1].split(",")]
            assert np.all(colored[frames[0].truth.labels == label] == expected)
        names = (tmp_path / "voc" / "ImageSets" / "Segmentation" / "default.txt").read_text().split()
        assert names == ["000000", "000001", "000003", "000004"]
        for name in names:
            assert (tmp_path / "voc" / "JPEGImages" / f"{name}.jpg").is_file()

    def test_coco_polygons_drawn_in_order_give_the_labels_back(self, frames: list[StoredFrame], tmp_path: Path) -> None:
        convert(frames, tmp_path / "coco", SOURCE, to="coco")
        data = json.loads((tmp_path / "coco" / "annotations" / "instances_default.json").read_text())
        check_coco(data, tmp_path / "coco" / "images")
        assert [c["name"] for c in data["categories"]] == list(LABELS.names)
        assert len(data["images"]) == 4
        for image, frame in zip(data["images"], frames, strict=True):
            drawn = np.zeros((image["height"], image["width"]), np.uint8)
            for row in data["annotations"]:
                if row["image_id"] == image["id"]:
                    inside = filled(row["segmentation"][0], image["height"], image["width"])
                    assert np.count_nonzero(inside) == row["area"]
                    drawn[inside] = row["category_id"]
            assert frame.truth is not None
            assert np.array_equal(drawn, frame.truth.labels)

    @settings(max_examples=30, deadline=None)
    @given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 3)))
    def test_any_label_map_comes_back_from_its_polygons(self, labels: np.ndarray) -> None:
        """Holes, lines one pixel wide, regions that touch at a corner."""
        drawn = np.zeros_like(labels)
        for label, outline, _ in polygons_of(Truth(labels, LABELS), 1):
            drawn[filled(outline.ravel().tolist(), *labels.shape)] = label
        assert np.array_equal(drawn[labels > 0], labels[labels > 0])  # Void inside a region cannot be told.

    def test_what_lies_in_a_thin_ring_is_drawn_after_it(self) -> None:
        labels = np.ones((40, 40), np.uint8)
        labels[1:-1, 1:-1] = 2  # More pixels than the ring around it.
        assert [(label, area) for label, _, area in polygons_of(Truth(labels, LABELS), 1)] == [(1, 1600), (2, 1444)]

    def test_small_regions_get_no_polygon(self) -> None:
        labels = np.zeros((40, 40), np.uint8)
        labels[:10, :10], labels[20, :], labels[30:32, 30:32] = 1, 2, 3
        found = [(label, area) for label, _, area in polygons_of(Truth(labels, LABELS), 5)]
        assert found == [(1, 100), (2, 40)]
        assert len(list(polygons_of(Truth(labels, LABELS), 1))) == 3

    def test_labels_of_another_set_in_the_middle_are_left_out_and_said(
        self, frames: list[StoredFrame], tmp_path: Path
    ) -> None:
        truth = frames[2].truth
        assert truth is not None
        frames[2] = replace(frames[2], truth=replace(truth, label_set=LabelSet.load("sunrgbd13")))
        for to in ("coco", "voc", "folder", "tum", "sunrgbd"):
            result = convert(frames, tmp_path / to, SOURCE, to=to)
            assert any("sunrgbd13 are left out" in warning for warning in result.warnings)

    def test_touching_instances_stay_two(self) -> None:
        labels = np.ones((10, 20), np.uint8)
        instances = np.ones((10, 20), np.uint16)
        instances[:, 10:] = 2
        assert len(list(polygons_of(Truth(labels, LABELS), 1))) == 1
        assert len(list(polygons_of(Truth(labels, LABELS, instances), 1))) == 2


class TestTraining:
    """What is exported, training reads: pixels, labels, and the distances in metres."""

    @pytest.mark.parametrize("unit_m", [0.001, 0.000125])
    def test_folders(self, tmp_path: Path, unit_m: float) -> None:
        from training.data.folder import PictureFolder

        frames = [make_stored(position, unit_m=unit_m) for position in range(3)]
        convert(frames, tmp_path / "set", SOURCE)
        pictures = PictureFolder(tmp_path / "set")
        assert len(pictures) == 3
        assert pictures.label_set == LABELS
        self._assert_agrees(pictures.read(2), frames[2])

    def test_sunrgbd_trees_of_the_37_classes(self, tmp_path: Path) -> None:
        from training.data.sunrgbd import SunRgbdPictures, read_index

        known = LabelSet.load("sunrgbd37")
        frames = [
            replace(frame, truth=Truth(frame.truth.labels, known))
            for frame in map(make_stored, range(3))
            if frame.truth is not None
        ]
        convert(frames, tmp_path / "tree", SOURCE, to="sunrgbd", options=ExportOptions(color="png"))
        pictures = SunRgbdPictures(tmp_path / "tree", read_index(tmp_path / "tree"), "raw", max_m=70)
        assert len(pictures) == 3
        assert pictures.read(0).sensor == "xtion"
        self._assert_agrees(pictures.read(2), frames[2])

    def test_trees_of_other_classes_do_not_pass_for_sunrgbd(self, frames: list[StoredFrame], tmp_path: Path) -> None:
        convert(frames, tmp_path / "tree", SOURCE, to="sunrgbd")
        assert not (tmp_path / "tree" / "index.json").exists()

    def _assert_agrees(self, sample: Sample, frame: StoredFrame) -> None:
        assert frame.truth is not None
        assert np.array_equal(sample.label, frame.truth.labels)
        assert np.array_equal(sample.color, frame.color)
        assert np.allclose(sample.depth_m, frame.depth * frame.calibration.depth_unit_m)


class TestLabels:
    def _see(self, frame: RgbdFrame) -> Segmentation:
        labels = np.where(frame.depth > 4000, 3, 0).astype(np.uint8)
        return Segmentation(frame, labels, None, LABELS, {}, "thresholds")

    @pytest.mark.parametrize("to", ["folder", "sunrgbd", "mcap"])
    def test_what_a_model_sees_takes_the_place_of_truth_and_is_said_to_be_no_truth(
        self, to: str, frames: list[StoredFrame], tmp_path: Path
    ) -> None:
        out = tmp_path / f"out{FORMATS[to].suffix}"
        result = convert(frames, out, SOURCE, to=to, annotate=self._see)
        with open_recording(out) as reader:
            stored = reader.read(0)
        assert stored.prediction is not None
        assert stored.prediction.model == "thresholds"
        assert np.array_equal(stored.prediction.labels, np.where(frames[0].depth > 4000, 3, 0))
        assert (stored.truth is not None) == (to == "mcap")  # A recording keeps both.
        assert bool(result.note) == (to != "mcap")

    def test_frames_without_labels_have_none_afterwards(self, tmp_path: Path) -> None:
        frames = [make_stored(0, labelled=False)]
        for to in FORMATS:
            convert(frames, tmp_path / f"{to}{FORMATS[to].suffix}", SOURCE, to=to)
        for to in ("folder", "mcap", "sunrgbd", "tum"):
            with open_recording(tmp_path / f"{to}{FORMATS[to].suffix}") as reader:
                assert reader.read(0).truth is None
                assert reader.read(0).prediction is None
