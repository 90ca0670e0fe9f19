"""Recordings as sensors: the conformance suite over every picture layout, and what damaged frames do."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.errors import ConfigurationError, SensorError, SensorLost, SensorTimeout
from rgbd_seg.sensors import open_sensor
from rgbd_seg.sensors.drivers.replay import ReplaySensor
from rgbd_seg.testing.sensors import SensorConformance
from tests.recording.picture_trees import depth_of, write_pairs, write_sunrgbd_frame, write_tum

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.sensors.sensor import Sensor


_EVERY = "?mode=every-frame"  # A machine that is late would skip frames, and the few that there are would not do.


class TestFolderConformance(SensorConformance):
    @pytest.fixture
    def sensor(self, tmp_path: Path) -> Sensor:
        write_pairs(tmp_path, 5)
        return open_sensor(f"{tmp_path}{_EVERY}")


class TestTumConformance(SensorConformance):
    @pytest.fixture
    def sensor(self, tmp_path: Path) -> Sensor:
        write_tum(tmp_path, 5)
        return open_sensor(f"{tmp_path}{_EVERY}")


class TestSunrgbdConformance(SensorConformance):
    """Frames of different sizes, as in the real tree."""

    @pytest.fixture
    def sensor(self, tmp_path: Path) -> Sensor:
        for frame, size in enumerate([(24, 32), (30, 44), (20, 28)]):
            write_sunrgbd_frame(tmp_path / "kv2" / f"{frame:06d}", frame, *size)
        return open_sensor(f"{tmp_path}{_EVERY}&fps=20")


def _replay(path: str) -> ReplaySensor:
    sensor = open_sensor(path)
    assert isinstance(sensor, ReplaySensor)
    return sensor


def _all_frames(sensor: ReplaySensor) -> list[RgbdFrame]:
    sensor.playback.paced = False
    with sensor:
        return list(sensor)


def test_frames_are_exact_and_keep_their_recorded_index(tmp_path: Path) -> None:
    write_pairs(tmp_path, 5)
    (tmp_path / "depth" / "1.png").unlink()
    frames = _all_frames(_replay(str(tmp_path)))
    assert [frame.index for frame in frames] == [0, 2, 3, 4]
    for frame in frames:
        assert np.array_equal(frame.depth, depth_of(frame.index))


def test_index_follows_a_seek_backwards(tmp_path: Path) -> None:
    write_pairs(tmp_path, 5)
    with _replay(f"{tmp_path}{_EVERY}") as sensor:
        for target in (3, 1, 4):
            sensor.playback.seek_frame(target)
            assert sensor.read().index == target


def test_a_paused_replay_times_out_and_goes_on(tmp_path: Path) -> None:
    write_pairs(tmp_path, 3)
    with _replay(f"{tmp_path}{_EVERY}") as sensor:
        sensor.read()
        sensor.playback.pause()
        with pytest.raises(SensorTimeout):
            sensor.read(0.02)
        sensor.playback.resume()
        assert sensor.read().index == 1


def test_damaged_frames_are_skipped_counted_and_said(tmp_path: Path) -> None:
    write_pairs(tmp_path, 5)
    for path in (tmp_path / "depth" / "0.png", tmp_path / "rgb" / "3.png"):
        path.write_bytes(path.read_bytes()[:-30])
    sensor = _replay(str(tmp_path))
    assert [frame.index for frame in _all_frames(sensor)] == [1, 2, 4]
    assert sensor.playback.unreadable == 2
    assert sensor.warnings[0].startswith(f"Frame 1 was left out: {tmp_path / 'depth' / '0.png'} is truncated")


def test_nothing_readable_is_refused_on_opening(tmp_path: Path) -> None:
    write_pairs(tmp_path, 3)
    sensor = _replay(str(tmp_path))
    for path in (tmp_path / "depth").iterdir():
        path.write_bytes(b"\x89PNG")
    with pytest.raises(SensorError, match="no readable frame"):
        sensor.open()


@pytest.mark.parametrize("whole", [False, True])
def test_files_that_vanish_while_running_are_a_loss_with_a_reason(tmp_path: Path, whole: bool) -> None:
    folder = tmp_path / "walk"
    write_pairs(folder, 3)
    sensor = _replay(f"{folder}?loop=1")
    sensor.playback.paced = False
    with sensor:
        sensor.read()
        if whole:
            shutil.rmtree(folder)
        else:
            for path in (folder / "depth").iterdir():
                path.unlink()
        with pytest.raises(SensorLost, match="no longer there" if whole else "can be read any more.*No such file"):
            sensor.read(5.0)


def test_options_in_the_uri_reach_playback_and_layout(tmp_path: Path) -> None:
    write_pairs(tmp_path, 2)
    sensor = _replay(f"{tmp_path}?loop=yes&speed=0.5&mode=every-frame&depth_unit_m=0.0002")
    assert (sensor.playback.loop, sensor.playback.speed, sensor.playback.every_frame) == (True, 0.5, True)
    with sensor:
        assert sensor.calibration.depth_unit_m == 0.0002


@pytest.mark.parametrize("query", ["speed=9", "speed=fast", "mode=slow"])
def test_wrong_options_are_refused(tmp_path: Path, query: str) -> None:
    write_pairs(tmp_path, 2)
    with pytest.raises(ConfigurationError):
        open_sensor(f"{tmp_path}?{query}")


def test_no_recording_is_a_sensor_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(SensorError, match="nowhere"):
        open_sensor(str(tmp_path / "nowhere"))
