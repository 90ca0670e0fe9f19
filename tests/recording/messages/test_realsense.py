"""Recordings of librealsense itself, read as bags: the same as its own playback, at random and without its library."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.recording import open_recording
from rgbd_seg.testing.layouts import ReaderConformance
from tests.sensors import realsense_file as camera
from tests.sensors.realsense_bag import write_bag
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rgbd_seg.recording.reader import RecordingReader


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("pyrealsense2")
    folder = tmp_path_factory.mktemp("realsense")
    script = [sys.executable, str(camera.__file__), str(folder / "pairs.db3"), "pairs"]
    subprocess.run(script, check=True, timeout=PATIENCE_S)
    write_bag(folder / "pairs.bag")
    return folder


@pytest.fixture(params=[".db3", ".bag"])
def recording(request: pytest.FixtureRequest, recordings: Path) -> Path:
    return recordings / f"pairs{request.param}"


class TestConformance(ReaderConformance):
    @pytest.fixture
    def reader(self, recording: Path) -> Iterator[RecordingReader]:
        with open_recording(recording) as reader:
            yield reader


def test_colour_depth_unit_lens_and_clock_are_the_cameras(recording: Path) -> None:
    with open_recording(recording) as reader:
        assert len(reader) == camera.FRAMES
        info = reader.info
        assert info.name == info.details["camera"] == "Software D435"
        assert info.details["serial"] == camera.SERIAL
        assert np.abs(np.diff(reader.times_us) - 1e6 / 30).max() <= 1
        assert reader.start_ns is None or reader.start_ns > 10**18  # This camera's clock knows no date.
        for number, frame in enumerate(reader):
            expected, _ = camera.scene(number)
            assert np.array_equal(frame.color, expected)
            lens = frame.calibration.color
            assert (lens.fx, lens.cx, lens.distortion) == (camera.FX, camera.WIDTH / 2, ())
            assert (frame.calibration.depth_unit_m, frame.calibration.unit_origin) == (camera.UNIT_M, "file")


def test_depth_is_moved_to_colour(recording: Path) -> None:
    """The square at 0.6 m moves by fx * baseline / z = 25 pixels, the wall behind it by 7.5."""
    rows, columns = camera.SQUARE
    with open_recording(recording) as reader:
        frame = reader.read(4)
    assert frame.calibration.registered
    near = round(camera.FX * camera.BASELINE_M / (camera.NEAR * camera.UNIT_M))
    seen = np.argwhere(frame.depth == camera.NEAR + 4)
    assert (seen[:, 0].min(), seen[:, 0].max()) == (rows.start, rows.stop - 1)
    assert (seen[:, 1].min(), seen[:, 1].max()) == (columns.start + near, columns.stop - 1 + near)
    assert (frame.depth[:, 40:100] == camera.FAR).all()


@pytest.mark.parametrize("kind", ["equal-numbers", "clock-back", "one-without-metadata", "without-metadata"])
def test_odd_bags_keep_every_frame_at_its_own_time(kind: str, tmp_path: Path) -> None:
    write_bag(tmp_path / "odd.bag", kind)
    with open_recording(tmp_path / "odd.bag") as reader:
        assert [int(frame.color[0, 0, 0]) for frame in reader] == list(range(camera.FRAMES))
        assert np.abs(np.diff(reader.times_us) - 1e6 / 30).max() <= 1
        assert any("clock was set" in note for note in reader.info.notes) == (kind == "clock-back")


def test_a_lost_record_of_time_is_estimated_and_said(recordings: Path, tmp_path: Path) -> None:
    camera.take_metadata_out(recordings / "pairs.db3", tmp_path / "one.db3", only=5)
    with open_recording(tmp_path / "one.db3") as reader:
        assert [int(frame.color[0, 0, 0]) for frame in reader] == list(range(camera.FRAMES))
        assert np.abs(np.diff(reader.times_us) - 1e6 / 30).max() <= 1
        assert sum("without a record of when" in note for note in reader.info.notes) == 2
    camera.take_metadata_out(recordings / "pairs.db3", tmp_path / "none.db3")
    with open_recording(tmp_path / "none.db3") as reader:
        assert reader.read(0).device_us is None
        assert "times of recording" in reader.info.details["pairs"]
        assert sum("has no record of when" in note for note in reader.info.notes) == 2
        left_out = [note for note in reader.info.notes if "left out" in note]
        assert len(reader) == camera.FRAMES or left_out
