"""The RealSense driver on the real librealsense: a software camera, its recorder, and playback through our code."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.errors import ConfigurationError, SensorError
from rgbd_seg.sensors import open_sensor
from rgbd_seg.sensors.drivers import realsense, realsense_devices
from rgbd_seg.sensors.drivers.realsense_devices import mode_pairs
from rgbd_seg.sensors.sensor import Request, Sensor, StreamMode
from rgbd_seg.testing.sensors import SensorConformance
from tests.sensors import realsense_file as camera
from tests.sensors.realsense_bag import write_bag
from tests.sensors.realsense_file import take_metadata_out
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

rs = pytest.importorskip("pyrealsense2", reason=realsense_devices.HOW_TO_INSTALL)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("realsense")
    for name in ("pairs", "late-color", "equal-numbers", "clock-back", "aligned"):
        script = [sys.executable, camera.__file__, str(folder / f"{name}.db3"), name]
        subprocess.run(script, check=True, timeout=PATIENCE_S)
    for name in ("pairs", "equal-numbers", "clock-back", "without-metadata"):
        write_bag(folder / f"{name}.bag", name)
    take_metadata_out(folder / "pairs.db3", folder / "one-without-metadata.db3", only=5)
    take_metadata_out(folder / "pairs.db3", folder / "without-metadata.db3")
    return folder


@pytest.fixture
def recording(recordings: Path) -> Path:
    return recordings / "pairs.db3"


@pytest.fixture(params=[".db3", ".bag"])
def either_recording(recordings: Path, request: pytest.FixtureRequest) -> Path:
    """Today's recording format, and the one before it."""
    return recordings / f"pairs{request.param}"


def play(path: Path, options: str = "?realtime=no", request: Request | None = None, isolated: bool = False) -> Sensor:
    return open_sensor(f"realsense:file:{path}{options}", request, isolated=isolated)


class TestRecordingIsolated(SensorConformance):
    @pytest.fixture
    def sensor(self, recording: Path) -> Sensor:
        return play(recording, isolated=True)


class TestRecordingInProcess(SensorConformance):
    @pytest.fixture
    def sensor(self, recording: Path) -> Sensor:
        return play(recording)


def test_every_pair_arrives_with_its_pixels_clock_and_calibration(either_recording: Path):
    with play(either_recording, request=Request(registered=False)) as sensor:
        frames = list(sensor)
        info, calibration = sensor.info, sensor.calibration
    assert [frame.index for frame in frames] == list(range(camera.FRAMES))
    for number, frame in enumerate(frames):
        color, depth = camera.scene(number)
        assert np.array_equal(frame.color, color)
        assert np.array_equal(frame.depth, depth)
        assert frame.device_us == pytest.approx(1_000_000 + number * 1e5 / 3, abs=1)
    assert calibration.depth_unit_m == pytest.approx(camera.UNIT_M)
    assert (calibration.color.fx, calibration.color.cx) == (camera.FX, camera.WIDTH / 2)
    assert calibration.origin == "device"
    assert not calibration.registered
    assert (info.serial, info.firmware) == (camera.SERIAL, "5.16.0.1")


def test_aligned_depth_moves_by_the_parallax_and_leaves_a_hole(either_recording: Path):
    with play(either_recording) as sensor:
        assert sensor.calibration.registered
        depth = sensor.read(2.0).depth
    rows, columns = camera.SQUARE
    # A point seen by the depth camera at column u lies at u + fx * baseline / z for the colour camera.
    near = round(camera.FX * camera.BASELINE_M / (camera.NEAR * camera.UNIT_M))  # 25 pixels
    far = round(camera.FX * camera.BASELINE_M / (camera.FAR * camera.UNIT_M))  # 7.5 pixels
    found = np.flatnonzero((depth[120] >= camera.NEAR) & (depth[120] < camera.FAR))
    assert found.min() == pytest.approx(columns.start + near, abs=1)
    assert found.max() == pytest.approx(columns.stop - 1 + near, abs=1)
    vertical = np.flatnonzero(depth[:, columns.start + near + 20] == camera.NEAR)
    assert (vertical.min(), vertical.max()) == pytest.approx((rows.start, rows.stop - 1), abs=1)
    # To the left of the square the colour camera looks behind it, where the depth camera saw nothing.
    hole = np.flatnonzero(depth[120, far + 5 :] == 0) + far + 5
    assert hole.min() == pytest.approx(columns.start + far, abs=1)
    assert hole.max() == pytest.approx(columns.start + near - 1, abs=1)


def test_pairs_that_repeat_half_of_an_earlier_pair_are_dropped(recordings: Path):
    with play(recordings / "late-color.db3", request=Request(registered=False)) as sensor:
        frames = list(sensor)
    numbers = [int(frame.color[0, 0, 0]) for frame in frames]
    assert numbers == sorted(set(numbers))
    assert set(numbers) <= set(range(0, camera.FRAMES, 2))
    assert len(frames) >= camera.FRAMES // 2 - 1


def test_recording_is_played_at_its_own_rate_when_asked(recording: Path):
    with play(recording, "") as sensor:
        started = time.monotonic()
        assert len(list(sensor)) == camera.FRAMES
        assert time.monotonic() - started >= (camera.FRAMES - 1) / 30 * 0.9


def test_filters_are_off_at_first_and_tell_their_cost(recording: Path):
    with play(recording, request=Request(registered=False), isolated=True) as sensor:
        plain = sensor.read(2.0)
        controls = {control.name: control for control in sensor.controls()}
        filters = [name for name in controls if controls[name].value is False]
        assert sorted(filters) == [
            "filter_decimation", "filter_hole_filling", "filter_spatial", "filter_temporal", "filter_threshold"
        ]  # fmt: skip
        assert all(controls[name].cost_ms > 0 for name in filters)
        sensor.set_control("filter_max_m", 1.0)
        sensor.set_control("filter_threshold", True)
        frames = [sensor.read(2.0) for _ in range(camera.FRAMES - 1)]  # Some were on their way already.
    assert plain.depth.max() == camera.FAR
    assert frames[-1].depth.max() < 1000
    assert frames[-1].depth[120, 160] == plain.depth[120, 160] + camera.FRAMES - 1


def test_decimated_depth_is_aligned_to_the_full_colour_grid(recording: Path):
    with play(recording) as sensor:
        sensor.set_control("filter_decimation", True)
        depth = sensor.read(2.0).depth
    assert depth.shape == (camera.HEIGHT, camera.WIDTH)
    assert (depth[:, 20:] > 0).mean() > 0.7


@pytest.mark.parametrize("isolated", [False, True])
def test_wrong_names_are_refused_in_words(tmp_path: Path, isolated: bool):
    with pytest.raises(SensorError, match="there is no file"):
        play(tmp_path / "absent.db3", isolated=isolated).open()
    for name, beginning in (("junk.db3", b"SQLite format 3\0"), ("junk.bag", b"#ROSBAG V2.0\n")):
        (tmp_path / name).write_bytes(beginning + bytes(5000))
        with pytest.raises(SensorError, match="is not a whole RealSense recording"):
            play(tmp_path / name, isolated=isolated).open()
    with pytest.raises(SensorError, match=r"no RealSense camera 000000 \(present: none\)"):
        open_sensor("realsense:000000", isolated=isolated).open()
    with pytest.raises(ConfigurationError, match="unknown option 'speed'"):
        open_sensor("realsense:?speed=2", isolated=isolated)


def test_truncated_recording_ends_or_is_refused(either_recording: Path, tmp_path: Path):
    cut = tmp_path / f"cut{either_recording.suffix}"
    data = either_recording.read_bytes()
    cut.write_bytes(data[: len(data) // 2])
    frames, said = [], cut.name
    try:
        with play(cut, isolated=True) as sensor:
            frames += list(sensor)
    except SensorError as error:
        said = str(error)
    assert cut.name in said
    assert len(frames) < camera.FRAMES


def test_devices_that_come_and_go_are_listed_and_announced(recording: Path):
    seen = threading.Event()
    context = rs.context()
    context.set_devices_changed_callback(lambda event: seen.set())
    before = realsense.list_devices(context)
    device = context.load_device(str(recording))
    assert seen.wait(PATIENCE_S)
    added = [device for device in realsense.list_devices(context) if device not in before]
    assert [(device.uri, device.name) for device in added] == [(f"realsense:{camera.SERIAL}", "Software D435")]
    seen.clear()
    context.unload_device(str(recording))
    assert seen.wait(PATIENCE_S)
    assert realsense.list_devices(context) == before
    assert device  # Only while somebody holds a loaded recording does librealsense list it.
    context.set_devices_changed_callback(lambda event: None)


def test_modes_pair_each_colour_size_with_depth_of_the_same_rate(recording: Path):
    context = rs.context()
    device = context.load_device(str(recording))
    assert mode_pairs(rs, device) == {StreamMode(camera.WIDTH, camera.HEIGHT, 30.0): (320, 240)}


@pytest.mark.parametrize(
    ("name", "words", "isolated"),
    [
        ("equal-numbers.db3", "frame numbers repeat", True),
        ("equal-numbers.bag", "frame numbers repeat", False),
        ("clock-back.db3", "clock was set back", True),
        ("clock-back.bag", "clock was set back", False),
        ("one-without-metadata.db3", "without a record of their number", False),
        ("without-metadata.db3", "without a record of their number", False),
        ("without-metadata.bag", "", False),  # Its pictures have number and time in their own headers.
    ],
)
def test_odd_numbers_and_clocks_lose_no_frame_and_are_said(
    recordings: Path, name: str, words: str, isolated: bool
) -> None:
    with play(recordings / name, isolated=isolated) as sensor:
        frames = list(sensor)
        assert any(words in warning for warning in sensor.warnings) == bool(words)
    assert [frame.index for frame in frames] == list(range(camera.FRAMES))
    times = [frame.device_us for frame in frames]
    assert None not in times
    assert len(set(times)) == camera.FRAMES
    assert times == sorted(times)  # type: ignore[type-var]
    assert [int(frame.color[0, 0, 0]) for frame in frames] == list(range(camera.FRAMES))


def test_depth_that_is_aligned_already_is_left_as_it_is(recordings: Path) -> None:
    with play(recordings / "aligned.db3") as sensor:
        frame = next(iter(sensor))
        assert sensor.calibration.registered
    assert np.array_equal(frame.depth, camera.scene(0)[1])
    with play(recordings / "aligned.db3", request=Request(registered=False)) as sensor:
        assert sensor.calibration.registered  # It is, whether it was asked for or not.
