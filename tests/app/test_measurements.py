"""Areas, boxes and distances against a plane and a box whose size is known."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.app.classes.class_rows import SteadyRows, count_classes
from rgbd_seg.app.statistics.history import History
from rgbd_seg.app.statistics.measure_panel import MeasurementLog
from rgbd_seg.app.view.display import Display
from rgbd_seg.app.view.probe import distance_m, probe
from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.frame import RgbdFrame, Segmentation
from rgbd_seg.labels import LabelSet
from rgbd_seg.measurements import measure
from rgbd_seg.pipeline.status import Status
from rgbd_seg.scores import Scores

if TYPE_CHECKING:
    from pathlib import Path

LENS = Calibration(Intrinsics(320, 240, 300.0, 300.0, 159.5, 119.5))
LABELS = LabelSet.load("sunrgbd13")


def plane(slope: float) -> Segmentation:
    """A plane through (0, 0, 2 m) that recedes by `slope` metres for each metre to the right; one class."""
    column = (np.arange(320) - 159.5) / 300
    z = 2.0 / (1 - slope * column)
    depth = np.broadcast_to(np.round(z * 1000), (240, 320)).astype(np.uint16)
    frame = RgbdFrame(np.zeros((240, 320, 3), np.uint8), np.ascontiguousarray(depth), LENS, 0, 0)
    return Segmentation(frame, np.full((240, 320), 3, np.uint8), None, LABELS)


def test_a_frontal_plane_has_the_area_of_the_frustum() -> None:
    (one,) = measure(plane(0.0))
    width, height = 2.0 * 320 / 300, 2.0 * 240 / 300
    assert one.area_m2 == pytest.approx(width * height, rel=0.005)
    assert one.nearest_m == pytest.approx(2.0, abs=0.01)
    assert one.size_m[0] == pytest.approx(width * 0.96, rel=0.03)
    assert one.size_m[2] == pytest.approx(0.0, abs=0.005)


def test_a_slanted_plane_is_larger_than_it_looks() -> None:
    slope = 0.8
    (one,) = measure(plane(slope))
    column = (np.arange(320) - 159.5) / 300
    z = 2.0 / (1 - slope * column)
    x = column * z
    # Each column of pixels is a strip: its length along the slope times its height.
    expected = float(np.sum(np.gradient(x) * math.hypot(1, slope) * z * 240 / 300))
    assert one.area_m2 == pytest.approx(expected, rel=0.01)


def test_probe_and_ruler(segmentation: Segmentation) -> None:
    seen = probe(segmentation, 20, 24)
    assert seen is not None
    assert seen.point_m == pytest.approx(((20 - 32) / 60, 0.0, 1.0))
    assert seen.confidence == pytest.approx(128 / 255)
    assert "1.00 m" in str(seen)
    assert probe(segmentation, 64, 0) is None
    hole = probe(segmentation, 0, 0)
    assert hole is not None
    assert hole.point_m is None
    assert "no depth" in str(hole)
    start, end = (20, 24), (44, 24)
    expected = math.dist((-12 / 60, 0, 1), (12 / 60 * 2, 0, 2))
    assert distance_m(segmentation, start, end) == pytest.approx(expected)
    assert distance_m(segmentation, (2, 2), end) is None


def test_class_rows_are_counted_and_steady(segmentation: Segmentation) -> None:
    rows = count_classes(segmentation)
    assert [row.share for row in rows] == [0.75, 0.25]
    assert rows[0].distance_m == pytest.approx(2.0)
    steady = SteadyRows()
    assert steady.update(rows, LABELS, False) == rows
    swapped = (type(rows[0])(rows[0].name, 0.1, 2.0), type(rows[1])(rows[1].name, 0.9, 1.0))
    later = steady.update(swapped, LABELS, True)
    assert [row.name for row in later] == [row.name for row in rows]
    assert 0.1 < later[0].share < 0.75


def test_scores_leave_out_what_has_no_truth(scored: Segmentation) -> None:
    scores = Scores()
    scores.add(scored)
    assert scores.mean_iou == pytest.approx((0.5 + 2 / 3) / 2)
    assert scores.pixel_accuracy == pytest.approx(0.75)
    scores.reset()
    assert scores.mean_iou is None


def test_a_frame_that_comes_again_counts_once(scored: Segmentation) -> None:
    scores = Scores()
    scores.add(scored)
    scores.add(replace(scored, labels=scored.frame.truth.labels))
    scores.take_back()
    scores.take_back()  # There is one last frame only.
    assert (scores.frames, scores.mean_iou) == (1, pytest.approx((0.5 + 2 / 3) / 2))


def test_history_and_log_are_tables(tmp_path: Path, segmentation: Segmentation) -> None:
    history = History()
    history.add(Status(capture_fps=29.5, stage_ms={"network": 12.0}), count_classes(segmentation))
    history.add(Status(capture_fps=30.5), ())
    history.save_csv(tmp_path / "figures.csv", Display(names={LABELS.name_of(1): "settee"}).chosen_name)
    rows = list(csv.DictReader((tmp_path / "figures.csv").read_text().splitlines()))
    assert [row["camera fps"] for row in rows] == ["29.5", "30.5"]
    assert [row["share of settee"] for row in rows] == ["0.25", ""]
    assert [row["ms in network"] for row in rows] == ["12", ""]
    assert "segmentation fps" not in rows[0]  # No model was there.
    log = MeasurementLog(tmp_path / "deep" / "log.csv")
    log.add(7, measure(plane(0.0)))
    log.close()
    (row,) = csv.DictReader((tmp_path / "deep" / "log.csv").read_text().splitlines())
    assert (row["frame"], row["class"]) == ("7", LABELS.name_of(3))
