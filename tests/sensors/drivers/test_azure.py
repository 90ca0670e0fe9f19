"""Azure Kinect and Femto: Microsoft's own libraries play what Microsoft's own recorder wrote, through the adapter."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.calibration import Intrinsics, register_depth
from rgbd_seg.errors import ConfigurationError, SensorError
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.layouts.azure_kinect import Track, brown_intrinsics, cameras_of
from rgbd_seg.sensors import discover, open_sensor, parse_uri
from rgbd_seg.sensors.drivers import azure, azure_library
from rgbd_seg.sensors.sensor import Request, StreamMode
from rgbd_seg.testing.sensors import SensorConformance
from tests.sensors import azure_file as scene

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.sensors.sensor import Sensor

pytestmark = pytest.mark.skipif(azure_library.find() is None, reason=azure_library.HOW_TO_INSTALL)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scene.write_mkv(tmp_path_factory.mktemp("azure") / "a scene.mkv")


def player(path: Path, request: Request | None = None) -> Sensor:
    uri = parse_uri(f"azure:file:{str(path).replace(' ', '%20')}?realtime=no")
    return azure.open_device(uri, request or Request())


class TestConformance(SensorConformance):
    @pytest.fixture
    def sensor(self, recording: Path) -> Sensor:
        return player(recording)


def test_pixels_metres_times_and_both_cameras(recording: Path) -> None:
    with player(recording) as sensor:
        frames = list(sensor)
        assert sensor.info.serial == scene.SERIAL
        assert sensor.modes() == (StreamMode(scene.WIDTH, scene.HEIGHT, 30),)
    assert [frame.device_us for frame in frames] == [i * scene.STEP_US for i in range(scene.FRAMES)]
    lens = frames[0].calibration.color
    # 0.47 of 1280 pixels; 120 of 960 rows are cut away above; pixel centres are at integers.
    numbers = (601.6, 0.47 * 1.01 * 960, 0.51 * 1280 - 0.5, 0.49 * 960 - 120 - 0.5)
    assert (lens.fx, lens.fy, lens.cx, lens.cy) == pytest.approx(numbers)
    assert lens.distortion == pytest.approx((0.5, -2.7, 0.0005, -0.0002, 1.5, 0.38, -2.5, 1.4))
    depth_lens = Intrinsics(
        320, 288, 0.49 * 512, 0.49 * 1.01 * 512, 0.51 * 512 - 96.5, 0.49 * 512 - 90.5, lens.distortion
    )
    shift = np.array([scene.SHIFT_M, 0.0, 0.0])
    for i, frame in enumerate(frames):
        assert np.array_equal(frame.color, scene.color(i)[..., 2::-1])
        expected = register_depth(scene.depth(i), depth_lens, lens, 0.001, np.eye(3), shift)
        assert np.mean(frame.depth != expected) < 1e-3  # Its numbers are floats of 32 bits.
    assert frames[0].calibration.registered


def test_the_reader_of_the_file_gives_the_same(recording: Path) -> None:
    pytest.importorskip("av")
    with player(recording) as sensor:
        played = list(sensor)
    with open_recording(recording) as reader:
        read = list(reader)
    assert len(read) == len(played)
    for one, other in zip(read, played, strict=True):
        assert np.array_equal(one.color, other.color)
        assert np.mean(one.depth != other.depth) < 1e-3


def test_depth_can_stay_where_it_was_seen(recording: Path) -> None:
    with player(recording, Request(registered=False)) as sensor:
        frame = sensor.read(10)
    assert not frame.calibration.registered
    assert np.array_equal(frame.depth[1::5, 2::4][: scene.DEPTH_HEIGHT], scene.depth(0)[::2])


@pytest.mark.parametrize("sensor_size", [(4096, 3072), (3840, 2160)])
def test_our_reader_of_calibrations_agrees_with_the_sdk(sensor_size: tuple[int, int]) -> None:
    """In all sizes, also of old cameras whose calibration is for a picture of 16 to 9."""
    parsed = json.loads(scene.CALIBRATION)
    color = parsed["CalibrationInformation"]["Cameras"][1]
    color["SensorWidth"], color["SensorHeight"] = sensor_size
    text = json.dumps(parsed)
    camera, _ = azure_library.load()
    modes = itertools.product(azure_library.COLOR_MODES.values(), (1, 2, 3, 4))
    for number, depth_mode in modes:
        found = azure_library.Calibration()
        raw = text.encode() + b"\0"
        result = camera.k4a_calibration_get_from_raw(
            raw, azure_library.c_size_t(len(raw)), depth_mode, number, azure_library.byref(found)
        )
        assert result == azure_library.SUCCEEDED
        for name, theirs in (("color", found.color), ("depth", found.depth)):
            track = Track(0, "", theirs.width, theirs.height, np.zeros(1, np.int64), 1.0)
            ours, expected = brown_intrinsics(cameras_of(text)[name], track), azure.brown_intrinsics(theirs)
            assert ours is not None
            assert (ours.fx, ours.fy, ours.cx, ours.cy) == pytest.approx(
                (expected.fx, expected.fy, expected.cx, expected.cy), rel=1e-5, abs=1e-3
            )


@pytest.mark.parametrize("data", [b"", b"no file of Matroska", b"\x1a\x45\xdf\xa3"])
def test_another_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.mkv").write_bytes(data)
    with pytest.raises(SensorError, match=r"a\.mkv"):
        player(tmp_path / "a.mkv").open()
    with pytest.raises(SensorError, match="does not exist"):
        player(tmp_path / "b.mkv").open()


def test_in_a_process_of_its_own_without_a_camera_it_says_so() -> None:
    devices, problems = discover()
    assert not any(device.uri.startswith("azure:") for device in devices)
    assert "azure" not in problems
    with pytest.raises(SensorError, match="0 are plugged in"):
        open_sensor("azure:").open()
    with pytest.raises(ConfigurationError, match="no mode"):
        azure.open_device(parse_uri("azure:"), Request(StreamMode(1, 1, 1))).open()
    with pytest.raises(ConfigurationError, match="unknown option"):
        open_sensor("azure:?x=1", isolated=False)
