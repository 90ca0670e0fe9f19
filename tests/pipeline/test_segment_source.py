"""Segmenting a source into files, with a small real network that is loaded once."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from rgbd_seg.coloring import paint_overlay
from rgbd_seg.errors import ConfigurationError, SensorError
from rgbd_seg.inference import open_segmenter
from rgbd_seg.inference.segmenter import SegmenterOptions
from rgbd_seg.labels import LabelSet
from rgbd_seg.pipeline.offline.segment_source import SegmentOptions, read_result, segment_source
from rgbd_seg.recording import open_recording
from rgbd_seg.sensors import open_sensor
from tests.pipeline.tiny_model import CLASSES, write_tiny_model
from tests.recording.picture_trees import write_pairs, write_sunrgbd_frame

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rgbd_seg.inference.segmenter import Segmenter


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Segmenter]:
    path = write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.safetensors")
    options = SegmenterOptions(backend="torch", device="cpu", precision="float32", threads=1)
    with open_segmenter(path, options) as segmenter:
        yield segmenter


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_everything_is_written_and_agrees(tmp_path: Path, segmenter: Segmenter) -> None:
    write_pairs(tmp_path / "in", 4)
    seen: list[tuple[int, int | None]] = []
    result = segment_source(
        open_sensor(str(tmp_path / "in")),
        segmenter,
        tmp_path / "out",
        progress=lambda done, total: seen.append((done, total)),
    )
    assert (result.frames, result.unreadable, result.warnings) == (4, 0, ())
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    labels = LabelSet.load(tmp_path / "out" / "labels.json")
    assert labels.names == CLASSES
    with (tmp_path / "out" / "areas.csv").open() as file:
        rows = list(csv.DictReader(file))
    with open_recording(tmp_path / "in") as reader:
        for frame in reader:
            ids = cv2.imread(str(tmp_path / "out" / "labels" / f"{frame.index:06d}.png"), cv2.IMREAD_UNCHANGED)
            assert ids.shape == frame.depth.shape
            overlay = cv2.imread(str(tmp_path / "out" / "overlay" / f"{frame.index:06d}.png"))[..., ::-1]
            assert np.array_equal(overlay, paint_overlay(frame.color, ids, labels.palette()))
            mine = [row for row in rows if int(row["frame"]) == frame.index]
            assert sum(int(row["pixels"]) for row in mine) == ids.size
            assert sum(float(row["share"]) for row in mine) == pytest.approx(1, abs=1e-5)
            for row in mine:
                here = (ids == int(row["class_id"])) & (frame.depth > 0)
                distance = np.median(frame.depth[here]) * frame.calibration.depth_unit_m
                assert float(row["median_distance_m"]) == pytest.approx(distance, abs=6e-4)
    summary = json.loads((tmp_path / "out" / "segment.json").read_text())
    assert (summary["model"], summary["frames"], summary["unreadable"]) == ("tiny", 4, 0)


def test_the_same_result_every_time(tmp_path: Path, segmenter: Segmenter) -> None:
    write_pairs(tmp_path / "in", 3)
    for out in ("a", "b"):
        segment_source(open_sensor(str(tmp_path / "in")), segmenter, tmp_path / out, SegmentOptions(video=True))
    first, second = _files(tmp_path / "a"), _files(tmp_path / "b")
    assert first == second
    assert "overlay.mp4" in first


def test_frames_of_several_sizes(tmp_path: Path, segmenter: Segmenter) -> None:
    for number, size in enumerate([(24, 32), (30, 44)]):
        write_sunrgbd_frame(tmp_path / "in" / f"{number}", number, *size)
    segment_source(open_sensor(str(tmp_path / "in")), segmenter, tmp_path / "out")
    shapes = [cv2.imread(str(p)).shape[:2] for p in sorted((tmp_path / "out" / "overlay").iterdir())]
    assert shapes == [(24, 32), (30, 44)]


def test_labels_of_the_source_are_scored(tmp_path: Path, segmenter: Segmenter) -> None:
    for number in range(2):
        write_sunrgbd_frame(tmp_path / "in" / f"{number}", number)
    result = segment_source(open_sensor(str(tmp_path / "in")), segmenter, tmp_path / "out")
    assert result.scores is not None
    stand = CLASSES.index("night_stand") + 1  # The left half of both pictures.
    right = [cv2.imread(str(p), cv2.IMREAD_UNCHANGED)[:, :16] for p in (tmp_path / "out" / "labels").iterdir()]
    assert result.scores.pixel_accuracy == pytest.approx(np.mean(np.array(right) == stand))
    assert read_result(tmp_path / "out").scores is not None
    assert json.loads((tmp_path / "out" / "scores.json").read_text())["frames"] == 2


def test_a_source_without_an_end_stops_at_the_limit(tmp_path: Path, segmenter: Segmenter) -> None:
    sensor = open_sensor("synthetic:?seed=3&size=64x48")
    assert segment_source(sensor, segmenter, tmp_path / "out", SegmentOptions(frames=2)).frames == 2
    assert not sensor.is_open
    assert len(list((tmp_path / "out" / "labels").iterdir())) == 2


def test_cancelling_keeps_what_is_done(tmp_path: Path, segmenter: Segmenter) -> None:
    write_pairs(tmp_path / "in", 4)
    asked = iter([False, False, True])
    result = segment_source(
        open_sensor(str(tmp_path / "in")), segmenter, tmp_path / "out", cancelled=lambda: next(asked)
    )
    assert result.frames == 2
    assert json.loads((tmp_path / "out" / "segment.json").read_text())["frames"] == 2


def test_damaged_frames_are_left_out_counted_and_said(tmp_path: Path, segmenter: Segmenter) -> None:
    write_pairs(tmp_path / "in", 3)
    path = tmp_path / "in" / "depth" / "1.png"
    path.write_bytes(path.read_bytes()[:-30])
    result = segment_source(open_sensor(str(tmp_path / "in")), segmenter, tmp_path / "out")
    assert (result.frames, result.unreadable) == (2, 1)
    assert "1.png is truncated" in result.warnings[0]
    assert json.loads((tmp_path / "out" / "segment.json").read_text())["warnings"] == list(result.warnings)


def test_nothing_readable_is_an_error(tmp_path: Path, segmenter: Segmenter) -> None:
    write_pairs(tmp_path / "in", 2)
    sensor = open_sensor(str(tmp_path / "in"))
    for path in (tmp_path / "in" / "rgb").iterdir():
        path.write_bytes(b"")
    with pytest.raises(SensorError, match="no readable frame"):
        segment_source(sensor, segmenter, tmp_path / "out")


def test_results_are_not_overwritten_unless_told(tmp_path: Path, segmenter: Segmenter) -> None:
    write_pairs(tmp_path / "in", 1)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")
    with pytest.raises(ConfigurationError, match="not empty"):
        segment_source(open_sensor(str(tmp_path / "in")), segmenter, tmp_path / "out")
    sensor = open_sensor(str(tmp_path / "in"))
    assert segment_source(sensor, segmenter, tmp_path / "out", SegmentOptions(overwrite=True)).frames == 1
    assert (tmp_path / "out" / "thesis.tex").exists()


@pytest.mark.parametrize("options", [{"frames": 0}, {"opacity": 1.5}, {"opacity": -0.1}])
def test_options_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        SegmentOptions(**options)  # type: ignore[arg-type]
