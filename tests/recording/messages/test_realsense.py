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
