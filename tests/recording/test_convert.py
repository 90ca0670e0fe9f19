"""Converting: every format is read back or looked into, and nothing half-done stays behind."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from rgbd_seg.calibration import Calibration, Intrinsics, deproject
from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.frame import Segmentation, Truth
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.convert import Damage, convert, source_of, stored_frames
from rgbd_seg.recording.depth_unit import change_unit
from rgbd_seg.recording.export import FORMATS, ExportOptions, ExportSource, format_of
from rgbd_seg.recording.export_coco import polygons_of
from rgbd_seg.recording.reader import StoredFrame
from tests.recording.picture_trees import write_pairs, write_sunrgbd_frame

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rgbd_seg.frame import RgbdFrame
    from training.sample import Sample

LABELS = LabelSet.from_dict({"name": "desk", "classes": ["table", "cup", "a: book"]})
SOURCE = ExportSource("Asus Xtion", {"serial": "1205"}, start_ns=1_305_031_102_175_304_000)
HEIGHT, WIDTH = 48, 64


def make_stored(
    position: int, *, depth: np.ndarray | None = None, unit_m: float = 0.001, labelled: bool = True
) -> StoredFrame:
    random = np.random.default_rng(position)
    if depth is None:
        depth = random.integers(0, 8000, (HEIGHT, WIDTH)).astype(np.uint16)
    height, width = depth.shape
    color = np.repeat(random.integers(0, 256, (height, width, 1)), 3, axis=2).astype(np.uint8)
    color[..., 1] = position
    labels = np.zeros((height, width), np.uint8)
    labels[:, width // 2 :] = 1
    labels[height // 4 : height // 2, width // 4 : width * 3 // 4] = 2
    calibration = Calibration(Intrinsics(width, height, 60.5, 61.25, 31.5, 23.75), unit_m, True, "file")
    truth = Truth(labels, LABELS, labels.astype(np.uint16) * 300) if labelled else None
    # One frame is missing after the second.
    index = position + (position > 1)
    return StoredFrame(color, depth, calibration, index, index * 33_333, 7_000_000 + index * 33_333, truth)


@pytest.fixture
def frames() -> list[StoredFrame]:
    return [make_stored(position) for position in range(4)]


def _assert_same(a: StoredFrame, b: StoredFrame, *, exact_color: bool = True) -> None:
    assert np.array_equal(a.depth, b.depth)
    assert np.array_equal(a.color, b.color) or not exact_color
    assert a.calibration == b.calibration
    assert (a.index, a.time_us, a.device_us) == (b.index, b.time_us, b.device_us)
    assert (a.truth is None) == (b.truth is None)
    if a.truth is not None and b.truth is not None:
        assert np.array_equal(a.truth.labels, b.truth.labels)
        assert a.truth.label_set == b.truth.label_set
        assert a.truth.instances is not None
        assert b.truth.instances is not None
        assert np.array_equal(a.truth.instances, b.truth.instances)


def _depth_back(out: Path, to: str, depth: np.ndarray, unit_m: float = 0.001) -> np.ndarray:
    convert([make_stored(0, depth=depth, unit_m=unit_m)], out, SOURCE, to=to)
    with open_recording(out) as reader:
        return reader.read(0).depth


class TestRoundTrips:
    def test_a_folder_keeps_everything(self, frames: list[StoredFrame], tmp_path: Path) -> None:
        result = convert(frames, tmp_path / "out", SOURCE)
        assert (result.frames, result.warnings, result.cancelled) == (4, (), False)
        with open_recording(tmp_path / "out") as reader:
            for before, after in zip(frames, reader, strict=True):
                _assert_same(before, after)
            assert reader.info.name == "Asus Xtion"
            assert reader.info.details["serial"] == "1205"
            assert [(gap.after, gap.frames) for gap in reader.info.gaps] == [(1, 1)]

    def test_mcap_keeps_everything_and_through_a_folder_again(self, frames: list[StoredFrame], tmp_path: Path) -> None:
        convert(frames, tmp_path / "a.mcap", SOURCE, options=ExportOptions(color="png"))
        with open_recording(tmp_path / "a.mcap") as first:
            assert source_of(first).start_ns == SOURCE.start_ns
            convert(stored_frames(first), tmp_path / "folder", source_of(first))
        with open_recording(tmp_path / "folder") as second:
            convert(stored_frames(second), tmp_path / "b.mcap", source_of(second), options=ExportOptions(color="png"))
        with open_recording(tmp_path / "b.mcap") as last:
            assert last.info.name == "Asus Xtion"
            for before, after in zip(frames, last, strict=True):
                assert np.array_equal(before.depth, after.depth)
                assert np.array_equal(before.color, after.color)
                assert (before.index, before.time_us, before.device_us) == (after.index, after.time_us, after.device_us)

    def test_sunrgbd_keeps_depth_labels_and_intrinsics(self, frames: list[StoredFrame], tmp_path: Path) -> None:
        convert(frames, tmp_path / "tree", SOURCE, to="sunrgbd", options=ExportOptions(color="png"))
        with open_recording(tmp_path / "tree") as reader:
            assert reader.info.layout == "sunrgbd"
            for before, after in zip(frames, reader, strict=True):
                assert np.array_equal(before.depth, after.depth)
                assert np.array_equal(before.color, after.color)
                assert before.calibration == after.calibration
                assert before.truth is not None
                assert after.truth is not None
                assert np.array_equal(before.truth.labels, after.truth.labels)
                assert after.truth.label_set == LABELS
            name = reader.name(3)  # type: ignore[attr-defined]
        assert name == "xtion/Asus_Xtion/000004"
        with open_recording(tmp_path / "tree" / name) as one:
            assert one.info.label_set == LABELS

    def test_tum_keeps_distances_and_times(self, frames: list[StoredFrame], tmp_path: Path) -> None:
        convert(frames, tmp_path / "tum", SOURCE, to="tum")
        with open_recording(tmp_path / "tum") as reader:
            assert reader.info.layout == "tum"
            assert reader.times_us.tolist() == [frame.time_us for frame in frames]
            for before, after in zip(frames, reader, strict=True):
                assert after.calibration.depth_unit_m == 1 / 5000
                assert np.array_equal(before.depth.astype(int) * 5, after.depth.astype(int))
                assert np.array_equal(before.color, after.color)
                assert before.calibration.color == after.calibration.color
                assert after.truth is not None
                assert before.truth is not None
                assert np.array_equal(before.truth.labels, after.truth.labels)

    def test_frames_of_several_sizes_keep_their_own_calibration(self, tmp_path: Path) -> None:
        for number, size in enumerate([(24, 32), (30, 44), (24, 32)]):
            write_sunrgbd_frame(tmp_path / "tree" / f"{number}", number, *size)
        for out in ("folder", "a.mcap"):
            with open_recording(tmp_path / "tree") as before:
                convert(stored_frames(before), tmp_path / out, source_of(before), options=ExportOptions(color="png"))
                with open_recording(tmp_path / out) as after:
                    for a, b in zip(before, after, strict=True):
                        assert np.array_equal(a.depth, b.depth)
                        assert np.array_equal(a.color, b.color)
                        assert a.calibration == b.calibration

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        depth=arrays(np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 65535)),
        unit_m=st.sampled_from([0.001, 0.000125, 0.0001]),
    )
    @pytest.mark.parametrize("to", ["folder", "mcap"])
    def test_any_depth_survives_bit_for_bit(
        self, to: str, depth: np.ndarray, unit_m: float, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        out = tmp_path_factory.mktemp("any") / f"out{FORMATS[to].suffix}"
        assert np.array_equal(_depth_back(out, to, depth, unit_m), depth)

    @settings(max_examples=25, deadline=None)
    @given(arrays(np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 65535)))
    def test_any_millimetres_survive_sunrgbd_bit_for_bit(
        self, tmp_path_factory: pytest.TempPathFactory, depth: np.ndarray
    ) -> None:
        assert np.array_equal(_depth_back(tmp_path_factory.mktemp("sun") / "out", "sunrgbd", depth), depth)

    @settings(max_examples=25, deadline=None)
    @given(arrays(np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 65535)))
    def test_any_tum_counts_survive_tum_bit_for_bit(
        self, tmp_path_factory: pytest.TempPathFactory, depth: np.ndarray
    ) -> None:
        assert np.array_equal(_depth_back(tmp_path_factory.mktemp("tum") / "out", "tum", depth, 1 / 5000), depth)


class TestUnits:
    def test_millimetres_become_tum_counts_exactly_and_far_ones_holes(self) -> None:
        depth = np.array([[0, 1, 13107, 13108, 65535]], np.uint16)
        counts, lost = change_unit(depth, 0.001, 1 / 5000)
        assert counts.tolist() == [[0, 5, 65535, 0, 0]]
        assert lost == 2

    def test_rounding_is_to_the_nearest_and_never_makes_a_hole(self) -> None:
        depth = np.array([[1, 3, 4, 11, 12, 20]], np.uint16)
        counts, lost = change_unit(depth, 0.000125, 0.001)
        assert counts.tolist() == [[1, 1, 1, 1, 2, 3]]
        assert lost == 0

    @settings(max_examples=40, deadline=None)
    @given(st.floats(1e-6, 0.01), st.floats(1e-6, 0.01))
    def test_any_units_agree_with_the_division_in_floats(self, unit_m: float, wanted_m: float) -> None:
        depth = np.arange(1, 65536, 97, dtype=np.uint16)[None]
        counts, _ = change_unit(depth, unit_m, wanted_m)
        exact = depth * (unit_m / wanted_m)
        fits = counts > 0
        assert np.all(np.abs(counts - exact)[fits & (exact >= 1)] <= 0.5 + 1e-3 * exact[fits & (exact >= 1)])
        assert np.all(exact[~fits] > 65500)

    def test_pixels_that_do_not_fit_are_said(self, tmp_path: Path) -> None:
        depth = np.full((4, 4), 20_000, np.uint16)
        result = convert([make_stored(0, depth=depth)], tmp_path / "tum", SOURCE, to="tum")
        assert result.warnings == ("16 depth pixels farther than 13.1 m became holes",)


class TestPictures:
    def test_a_video_has_every_frame_with_its_labels(self, frames: list[StoredFrame], tmp_path: Path) -> None:
        convert(frames, tmp_path / "out.mp4", replace(SOURCE, fps=25))
        video = cv2.VideoCapture(str(tmp_path / "out.mp4"))
        assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 4
        assert video.get(cv2.CAP_PROP_FPS) == 25
        ok, picture = video.read()
        video.release()
        assert ok
        assert picture.shape == (HEIGHT, WIDTH, 3)
        right = picture[HEIGHT * 3 // 4 :, WIDTH * 3 // 4 :].reshape(-1, 3).mean(axis=0)[::-1]
        expected = 0.45 * frames[0].color[HEIGHT * 3 // 4 :, WIDTH * 3 // 4 :].reshape(-1, 3).mean(axis=0)
        assert np.allclose(right, expected + 0.55 * LABELS.palette()[1], atol=25)

    def test_frames_of_other_sizes_fit_into_the_first(self, tmp_path: Path) -> None:
        sizes = [(49, 65), (20, 90), (100, 30)]
        stored = [make_stored(i, depth=np.ones(size, np.uint16)) for i, size in enumerate(sizes)]
        convert(stored, tmp_path / "out.mp4", SOURCE)
        video = cv2.VideoCapture(str(tmp_path / "out.mp4"))
        shapes = [video.read()[1].shape for _ in sizes]
        video.release()
        assert shapes == [(48, 64, 3)] * 3

    def test_clouds_hold_the_points_that_geometry_gives(self, frames: list[StoredFrame], tmp_path: Path) -> None:
        convert(frames[:1], tmp_path / "clouds", SOURCE, to="ply")
        cloud = _read_ply(tmp_path / "clouds" / "000000.ply")
        seen = frames[0].depth > 0
        points = deproject(frames[0].depth, frames[0].calibration)[seen]
        assert np.array_equal(np.stack([cloud["x"], cloud["y"], cloud["z"]], axis=-1), points)
        assert np.array_equal(np.stack([cloud["red"], cloud["green"], cloud["blue"]], -1), frames[0].color[seen])
        assert frames[0].truth is not None
        assert np.array_equal(cloud["label"], frames[0].truth.labels[seen])

    def test_clouds_can_be_thinned_and_coloured_by_label(self, frames: list[StoredFrame], tmp_path: Path) -> None:
        options = ExportOptions(cloud_step=4, cloud_colors="labels")
        convert(frames[:1], tmp_path / "clouds", SOURCE, to="ply", options=options)
        cloud = _read_ply(tmp_path / "clouds" / "000000.ply")
        assert len(cloud) == np.count_nonzero(frames[0].depth[::4, ::4])
        palette = LABELS.palette()
        assert np.array_equal(np.stack([cloud["red"], cloud["green"], cloud["blue"]], -1), palette[cloud["label"]])


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
        assert [c["name"] for c in data["categories"]] == list(LABELS.names)
        assert len(data["images"]) == 4
        assert [a["id"] for a in data["annotations"]] == list(range(1, len(data["annotations"]) + 1))
        for image, frame in zip(data["images"], frames, strict=True):
            assert (tmp_path / "coco" / "images" / image["file_name"]).is_file()
            drawn = np.zeros((image["height"], image["width"]), np.uint8)
            for row in data["annotations"]:
                if row["image_id"] == image["id"]:
                    polygon = np.array(row["segmentation"][0], np.int32).reshape(-1, 2)
                    cv2.fillPoly(drawn, [polygon], row["category_id"])
                    x, y, width, height = row["bbox"]
                    assert polygon[:, 0].min() == x
                    assert polygon[:, 0].max() == x + width - 1
                    assert polygon[:, 1].min() == y
                    assert polygon[:, 1].max() == y + height - 1
            assert frame.truth is not None
            assert np.array_equal(drawn, frame.truth.labels)

    def test_regions_that_are_small_or_thin_get_no_polygon(self) -> None:
        labels = np.zeros((40, 40), np.uint8)
        labels[:10, :10], labels[20, :], labels[30:32, 30:32] = 1, 2, 3
        found = [(label, area) for label, _, area in polygons_of(Truth(labels, LABELS), 5)]
        assert found == [(1, 100)]
        assert len(list(polygons_of(Truth(labels, LABELS), 1))) == 2

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
        from training.folder import PictureFolder

        frames = [make_stored(position, unit_m=unit_m) for position in range(3)]
        convert(frames, tmp_path / "set", SOURCE)
        pictures = PictureFolder(tmp_path / "set")
        assert len(pictures) == 3
        assert pictures.label_set == LABELS
        self._assert_agrees(pictures.read(2), frames[2])

    def test_sunrgbd_trees_of_the_37_classes(self, tmp_path: Path) -> None:
        from training.sunrgbd import SunRgbdPictures, read_index

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
    def test_predicted_labels_take_the_place_of_recorded_ones(
        self, to: str, frames: list[StoredFrame], tmp_path: Path
    ) -> None:
        out = tmp_path / f"out{FORMATS[to].suffix}"
        convert(frames, out, SOURCE, to=to, annotate=self._see)
        with open_recording(out) as reader:
            truth = reader.read(0).truth
        assert truth is not None
        if to != "mcap":  # A recording keeps both; the recorded truth is then what it is.
            assert np.array_equal(truth.labels, np.where(frames[0].depth > 4000, 3, 0))

    def test_frames_without_labels_have_none_afterwards(self, tmp_path: Path) -> None:
        frames = [make_stored(0, labelled=False)]
        for to in FORMATS:
            convert(frames, tmp_path / f"{to}{FORMATS[to].suffix}", SOURCE, to=to)
        for to in ("folder", "mcap", "sunrgbd", "tum"):
            with open_recording(tmp_path / f"{to}{FORMATS[to].suffix}") as reader:
                assert reader.read(0).truth is None


class TestConduct:
    def test_ranges(self, tmp_path: Path) -> None:
        write_pairs(tmp_path / "in", 6)
        with open_recording(tmp_path / "in") as reader:
            assert [f.index for f in stored_frames(reader, 2, 4)] == [2, 3]
            for start, stop in ((-1, 2), (3, 3), (0, 7), (9, None)):
                with pytest.raises(ConfigurationError, match="no range"):
                    list(stored_frames(reader, start, stop))

    def test_damaged_frames_are_left_out_and_noted(self, tmp_path: Path) -> None:
        write_pairs(tmp_path / "in", 4)
        path = tmp_path / "in" / "depth" / "2.png"
        path.write_bytes(path.read_bytes()[:-20])
        damage = Damage()
        with open_recording(tmp_path / "in") as reader:
            result = convert(stored_frames(reader, damage=damage), tmp_path / "out", source_of(reader))
            assert result.frames == 3
            assert len(damage.sentences) == 1
            assert "2.png is truncated" in damage.sentences[0]
            with pytest.raises(RecordingError, match="truncated"):
                list(stored_frames(reader))

    def test_progress_counts_up_to_the_total(self, frames: list[StoredFrame], tmp_path: Path) -> None:
        seen: list[tuple[int, int | None]] = []
        convert(frames, tmp_path / "out", SOURCE, total=4, progress=lambda done, total: seen.append((done, total)))
        assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]

    @pytest.mark.parametrize("to", list(FORMATS))
    def test_cancelling_leaves_nothing(self, to: str, frames: list[StoredFrame], tmp_path: Path) -> None:
        asked = iter([False, False, True])
        out = tmp_path / f"out{FORMATS[to].suffix}"
        result = convert(frames, out, SOURCE, to=to, cancelled=lambda: next(asked))
        assert result.cancelled
        assert result.frames == 2
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("to", list(FORMATS))
    def test_failing_leaves_nothing(self, to: str, frames: list[StoredFrame], tmp_path: Path) -> None:
        def broken() -> Sequence[StoredFrame]:
            yield frames[0]  # type: ignore[misc]
            raise RecordingError("the disk went away")

        with pytest.raises(RecordingError, match="went away"):
            convert(broken(), tmp_path / f"out{FORMATS[to].suffix}", SOURCE, to=to)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("to", list(FORMATS))
    def test_no_frames_are_an_error(self, to: str, tmp_path: Path) -> None:
        with pytest.raises(RecordingError, match="no readable frame"):
            convert([], tmp_path / f"out{FORMATS[to].suffix}", SOURCE, to=to)
        assert list(tmp_path.iterdir()) == []

    def test_nothing_is_overwritten(self, frames: list[StoredFrame], tmp_path: Path) -> None:
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / "thesis.tex").write_text("years of work")
        (tmp_path / "a.mcap").write_text("hours of work")
        for out in ("full", "a.mcap"):
            with pytest.raises(ConfigurationError, match="name a new"):
                convert(frames, tmp_path / out, SOURCE)
        assert (tmp_path / "a.mcap").read_text() == "hours of work"
        (tmp_path / "empty").mkdir()
        assert convert(frames, tmp_path / "empty", SOURCE).frames == 4

    def test_a_place_that_cannot_be_written_is_named(self, frames: list[StoredFrame], tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(RecordingError, match="file"):
            convert(frames, tmp_path / "file" / "out", SOURCE)


class TestFormats:
    @pytest.mark.parametrize(
        ("path", "wanted", "expected"),
        [
            ("a.mcap", None, "mcap"),
            ("a.MP4", None, "mp4"),
            ("a", None, "folder"),
            ("a.b", "tum", "tum"),
            ("a", "voc", "voc"),
        ],
    )
    def test_by_suffix_or_by_name(self, tmp_path: Path, path: str, wanted: str | None, expected: str) -> None:
        assert format_of(tmp_path / path, wanted) == expected

    @pytest.mark.parametrize(("path", "wanted"), [("a", "mcap"), ("a.mp4", "mcap"), ("a.mcap", "tum"), ("a", "bag")])
    def test_contradictions_are_refused(self, tmp_path: Path, path: str, wanted: str) -> None:
        with pytest.raises(ConfigurationError, match=wanted):
            format_of(tmp_path / path, wanted)

    @pytest.mark.parametrize("options", [{"opacity": 2.0}, {"cloud_step": 0}, {"color": "gif"}, {"min_region_px": 0}])
    def test_options_out_of_range_are_refused(self, options: dict[str, object]) -> None:
        with pytest.raises(ConfigurationError):
            ExportOptions(**options)  # type: ignore[arg-type]


def _read_ply(path: Path) -> np.ndarray:
    """A second reading of the format, by its own header."""
    header, _, body = path.read_bytes().partition(b"end_header\n")
    lines = header.decode("ascii").splitlines()
    assert lines[:2] == ["ply", "format binary_little_endian 1.0"]
    kinds = {"float": "<f4", "uchar": "u1"}
    properties = [line.split() for line in lines if line.startswith("property")]
    cloud = np.frombuffer(body, [(name, kinds[kind]) for _, kind, name in properties])
    assert f"element vertex {len(cloud)}" in lines
    return cloud
