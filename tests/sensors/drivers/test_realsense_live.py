"""The RealSense driver with live cameras of the real librealsense, which have options, and come and go."""

from __future__ import annotations

import queue
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rgbd_seg.errors import ConfigurationError, SensorError, SensorLost, SensorTimeout
from rgbd_seg.pipeline.live import LivePipeline
from rgbd_seg.pipeline.status import State
from rgbd_seg.sensors import hotplug
from rgbd_seg.sensors.drivers import realsense_devices
from rgbd_seg.sensors.drivers.realsense import RealSenseSensor
from rgbd_seg.sensors.hotplug import DeviceWatcher
from rgbd_seg.sensors.isolation.isolated import IsolatedSensor
from rgbd_seg.sensors.sensor import Request, Sensor, SensorInfo, StreamMode
from rgbd_seg.testing.sensors import SensorConformance
from tests.sensors import realsense_file, software_camera
from tests.sensors.software_camera import (
    DISTANCE,
    EXPOSURE,
    FPS,
    HEIGHT,
    INFRARED,
    LASER_MW,
    SERIAL,
    WIDTH,
    SoftwareCamera,
)
from tests.waiting import PATIENCE_S, until

if TYPE_CHECKING:
    from collections.abc import Iterator

rs = pytest.importorskip("pyrealsense2", reason=realsense_devices.HOW_TO_INSTALL)
CAMERA = SensorInfo(f"realsense:{SERIAL}", "Intel RealSense", "camera", serial=SERIAL)
READ_S = PATIENCE_S  # Longest wait for a frame on a busy machine.


@pytest.fixture
def camera() -> Iterator[SoftwareCamera]:
    with SoftwareCamera() as camera:
        yield camera


@pytest.fixture
def plug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that stands for the plugged-in camera in all processes."""
    plug = tmp_path / "plugged"
    monkeypatch.setenv("SOFTWARE_CAMERA", str(plug))
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    return plug


def in_process(camera: SoftwareCamera, request: Request | None = None, *, infrared: bool = False) -> RealSenseSensor:
    return RealSenseSensor(SERIAL, CAMERA, request or Request(), context=camera.context, infrared=infrared)


def isolated() -> IsolatedSensor:
    return IsolatedSensor(CAMERA.uri, CAMERA, Request(), software_camera.__name__.rpartition(".")[2])


class TestLiveCamera(SensorConformance):
    @pytest.fixture
    def sensor(self, camera: SoftwareCamera) -> Sensor:
        return in_process(camera)


def test_the_camera_is_found_by_its_serial_with_its_modes_facts_and_pixels(camera: SoftwareCamera):
    with in_process(camera, Request(StreamMode(WIDTH, HEIGHT, FPS), registered=False)) as sensor:
        frames = [sensor.read(READ_S) for _ in range(5)]
        info, modes = sensor.info, sensor.modes()
    assert modes == (StreamMode(WIDTH, HEIGHT, FPS),)
    assert (info.name, info.serial, info.connection) == ("Software D435", SERIAL, "USB 3.2")
    assert info.details["product line"] == "D400"
    assert all((frame.depth == DISTANCE).all() for frame in frames)
    assert all((frame.color == frame.color[0, 0, 0]).all() for frame in frames)
    assert [frame.index for frame in frames] == sorted({frame.index for frame in frames})


def test_infrared_comes_where_it_is_asked_for(camera: SoftwareCamera):
    with in_process(camera) as sensor:
        assert sensor.read(READ_S).infrared is None
    with in_process(camera, infrared=True) as sensor:
        infrared = sensor.read(READ_S).infrared
    assert infrared is not None
    assert infrared.shape == (HEIGHT, WIDTH)
    assert (infrared == INFRARED).all()


def test_a_mode_that_the_camera_does_not_have_is_refused(camera: SoftwareCamera):
    with pytest.raises(ConfigurationError, match=f"it offers: {WIDTH}x{HEIGHT} {FPS} fps"):
        in_process(camera, Request(StreamMode(640, 480, 30))).open()


def test_options_are_offered_as_the_device_has_them_and_reach_it(camera: SoftwareCamera):
    depth, color = camera.device.query_sensors()
    with in_process(camera) as sensor:
        controls = {control.name: control for control in sensor.controls() if control.group != "filters"}
        assert set(controls) == {"auto_exposure", "exposure", "depth_preset", "emitter", "laser_power"}
        exposure, laser = controls["exposure"], controls["laser_power"]
        assert (exposure.minimum, exposure.maximum, exposure.step, exposure.value) == EXPOSURE
        assert (laser.minimum, laser.maximum, laser.step, laser.value) == LASER_MW
        assert (controls["auto_exposure"].value, controls["emitter"].value) == (True, True)
        assert controls["depth_preset"].choices == ("0", "1", "2", "3")
        sensor.set_control("auto_exposure", False)
        sensor.set_control("exposure", 800)
        sensor.set_control("emitter", False)
        sensor.set_control("depth_preset", "2")
        after = {control.name: control.value for control in sensor.controls()}
    assert color.get_option(rs.option.enable_auto_exposure) == 0
    assert color.get_option(rs.option.exposure) == 800
    assert depth.get_option(rs.option.emitter_enabled) == 0
    assert depth.get_option(rs.option.visual_preset) == 2
    assert (after["exposure"], after["emitter"], after["depth_preset"]) == (800, False, "2")


def test_values_out_of_range_and_unknown_options_are_refused_in_words(camera: SoftwareCamera):
    with in_process(camera) as sensor:
        with pytest.raises(ConfigurationError, match="Laser power must be 0 to 360 mW, not 400"):
            sensor.set_control("laser_power", 400)
        with pytest.raises(ConfigurationError, match="has no control 'white_balance'"):
            sensor.set_control("white_balance", 4000)
        with pytest.raises(SensorError, match="the camera refused Laser power = 45"):
            sensor.set_control("laser_power", 45)  # Within its range but between two steps.


def next_loss(sensor: Sensor) -> str:
    """Reads over time-outs until the camera is lost."""
    for _ in range(100):
        try:
            sensor.read(0.2)
        except SensorTimeout:
            continue
        except SensorLost as error:
            return str(error)
    return "it was never lost"


def test_a_camera_that_says_nothing_of_its_end_is_lost_by_its_silence(camera: SoftwareCamera):
    sensor = in_process(camera)
    sensor.lost_after_s = 0.5
    with sensor:
        sensor.read(READ_S)
        camera.stop_frames()
        assert "has sent nothing for" in next_loss(sensor)


def test_the_removal_event_ends_a_running_pipelines_stream_until_the_camera_is_back(tmp_path: Path):
    """A recording that is loaded into a context counts as a camera there, and unloading it as its removal."""
    path = str(tmp_path / "camera.db3")
    subprocess.run([sys.executable, realsense_file.__file__, path, "pairs"], check=True, timeout=PATIENCE_S)
    context = rs.context()
    device = context.load_device(path)
    pipeline = LivePipeline(RealSenseSensor(SERIAL, CAMERA, Request(), context=context))
    pipeline.start()
    try:
        until(lambda: pipeline.status().captured >= 1)
        context.unload_device(path)
        until(lambda: pipeline.status().state is State.LOST)
        assert "Software D435 was unplugged" in pipeline.status().message
        device = context.load_device(path)
        until(lambda: pipeline.status().state is State.RUNNING)
        assert pipeline.status().reopened == 1
    finally:
        pipeline.stop()
    assert device  # Only while somebody holds it does librealsense list it.


def test_a_pulled_camera_in_a_child_process_is_waited_for_and_streams_again(plug: Path):
    plug.touch()
    pipeline = LivePipeline(isolated())
    pipeline.start()
    try:
        until(lambda: pipeline.status().captured >= 5)
        assert {c.name for c in pipeline.controls() if c.group == "camera"} == {"auto_exposure", "exposure"}
        plug.unlink()
        until(lambda: pipeline.status().state is State.LOST)
        assert "Software D435 has sent nothing for" in pipeline.status().message
        plug.touch()
        until(lambda: pipeline.status().state is State.RUNNING)
        before = pipeline.status().captured
        until(lambda: pipeline.status().captured >= before + 5)
    finally:
        pipeline.stop()


def test_librealsense_itself_announces_coming_and_going(plug: Path, monkeypatch: pytest.MonkeyPatch):
    """Nothing changes on the USB bus here, so only librealsense's own callback can have told."""
    monkeypatch.setattr(hotplug, "SETTLE_S", 0.1)
    heard: queue.Queue[list[str]] = queue.Queue()
    watcher = DeviceWatcher(lambda found, _: heard.put([device.uri for device in found]), {"rs": "software_camera"})
    watcher.start()
    try:
        assert heard.get(timeout=PATIENCE_S) == []
        plug.touch()
        assert heard.get(timeout=PATIENCE_S) == [f"realsense:{SERIAL}"]
        plug.unlink()
        assert heard.get(timeout=PATIENCE_S) == []
    finally:
        watcher.stop()
