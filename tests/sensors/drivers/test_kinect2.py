"""The three routes to a Kinect v2: the OpenNI2 one on a real 512x424 recording, the others against their contracts."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rgbd_seg.errors import ConfigurationError, SensorError, SensorLost
from rgbd_seg.sensors import open_sensor, parse_uri
from rgbd_seg.sensors.drivers import kinect2, kinect2_libfreenect2, kinect2_windows, openni, openni_runtime
from rgbd_seg.sensors.drivers.openni import OpenNiSensor
from rgbd_seg.sensors.sensor import Request, Sensor, SensorInfo
from rgbd_seg.testing.sensors import SensorConformance
from tests.sensors.oni_file import write_oni

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEIGHT, WIDTH = 424, 512
kinect_next = pytest.importorskip("kinect_next")
needs_openni = pytest.mark.skipif(openni_runtime.library_folder() is None, reason=openni_runtime.HOW_TO_INSTALL)


@needs_openni
class TestOpenNiRoute(SensorConformance):
    @pytest.fixture
    def sensor(self, tmp_path: Path) -> Sensor:
        rng = np.random.default_rng(2)
        colors = [rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(5)]
        depths = [rng.integers(500, 4500, (HEIGHT, WIDTH), np.uint16) for _ in range(5)]
        write_oni(tmp_path / "kinect.oni", colors, depths, fov_rad=(1.23, 1.05))
        return open_sensor(f"kinect2:file:{tmp_path / 'kinect.oni'}?realtime=no")

    def test_frames_have_the_depth_cameras_grid(self, sensor: Sensor) -> None:
        with sensor:
            assert sensor.read(2.0).depth.shape == (HEIGHT, WIDTH)


# pylibfreenect2 needs libfreenect2 and a compiler: these stand-ins keep to its documented interface.


class FakeFrame:
    format = 4

    def __init__(self, width: int, height: int, bytes_per_pixel: int, fill: float = 0) -> None:
        self.pixels = np.full((height, width), fill, np.float32)
        self.color = np.full((height, width, bytes_per_pixel), (10, 20, 30, 0), np.uint8)
        self.sequence, self.timestamp = 0, 0

    def asarray(self, dtype: Any = np.uint8) -> np.ndarray:
        return self.pixels if dtype is np.float32 else self.color


class FakeLibfreenect2:
    """The module, its device and its listener in one."""

    FrameType = SimpleNamespace(Color=1, Ir=2, Depth=4)
    FrameFormat = SimpleNamespace(BGRX=4, RGBX=5)
    Frame = FakeFrame
    fx, fy, cx, cy = 365.0, 366.0, 255.5, 211.5

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.number = 0
        self.serials = [b"011054343347"]
        self.silent = False
        for name in ("setColorFrameListener", "setIrAndDepthFrameListener", "start", "stop", "close", "release"):
            setattr(self, name, lambda *a, name=name: self.calls.append(name))
        self.Freenect2 = self.SyncMultiFrameListener = self.Registration = lambda *a: self
        self.openDevice = lambda serial: self
        self.getIrCameraParams = self.getColorCameraParams = lambda: self
        self.getFirmwareVersion = lambda: b"4.0.3911.0"
        self.enumerateDevices = lambda: len(self.serials)
        self.getDeviceSerialNumber = lambda i: self.serials[i]
        self.hasNewFrame = lambda: not self.silent

    def waitForNewFrame(self) -> dict[str, FakeFrame]:
        self.number += 1
        depth = FakeFrame(WIDTH, HEIGHT, 4)
        depth.sequence, depth.timestamp = self.number, 1000 + self.number * 333
        return {"color": FakeFrame(1920, 1080, 4), "depth": depth, "ir": FakeFrame(WIDTH, HEIGHT, 4, 65535 / 4)}

    def apply(self, color: FakeFrame, depth: FakeFrame, undistorted: FakeFrame, registered: FakeFrame) -> None:
        undistorted.pixels[:] = 1234.4
        undistorted.pixels[0, 0], undistorted.pixels[0, 1] = np.nan, np.inf
        registered.color[:] = (1, 2, 3, 0)


@pytest.fixture
def libfreenect2(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLibfreenect2]:
    fake = FakeLibfreenect2()
    monkeypatch.setitem(sys.modules, "pylibfreenect2", fake)  # type: ignore[arg-type]
    yield fake
    assert fake.calls.count("start") == fake.calls.count("stop") == fake.calls.count("close")


class TestLibfreenect2Contract(SensorConformance):
    @pytest.fixture
    def sensor(self, libfreenect2: FakeLibfreenect2) -> Sensor:
        return open_sensor("kinect2:011054343347?backend=libfreenect2", isolated=False)

    def test_values_and_calibration(self, sensor: Sensor, libfreenect2: FakeLibfreenect2) -> None:
        with sensor:
            frame = sensor.read()
            assert tuple(frame.color[5, 5]) == (3, 2, 1)  # BGRX became RGB.
            assert frame.depth[5, 5] == 1234
            assert list(frame.depth[0, :2]) == [0, 0]
            assert (sensor.calibration.color.fx, sensor.calibration.color.cy) == (365.0, 211.5)
            assert sensor.info.firmware == "4.0.3911.0"
            assert libfreenect2.calls.count("release") == 1

    def test_infrared_where_it_is_asked_for(self, sensor: Sensor, libfreenect2: FakeLibfreenect2) -> None:
        with sensor:
            assert sensor.read().infrared is None
        with open_sensor("kinect2:?backend=libfreenect2&infrared=1", isolated=False) as sensor:
            infrared = sensor.read().infrared
        assert infrared is not None
        assert infrared.shape == (HEIGHT, WIDTH)
        assert (infrared == 127).all()  # The root of a quarter.
        with pytest.raises(ConfigurationError, match="libfreenect2 alone"):
            open_sensor("kinect2:?backend=openni&infrared=1", isolated=False)

    def test_silence_is_a_loss(self, sensor: Sensor, libfreenect2: FakeLibfreenect2) -> None:
        sensor.lost_after_s = 0.01
        with sensor:
            sensor.read()
            libfreenect2.silent = True
            with pytest.raises(SensorLost, match="has sent nothing"):
                sensor.read(0.02)

    def test_absent_serial_is_refused_with_those_present(self, libfreenect2: FakeLibfreenect2) -> None:
        with pytest.raises(SensorError, match=r"no Kinect v2 999 \(present: 011054343347\)"):
            open_sensor("kinect2:999?backend=libfreenect2", isolated=False).open()
        assert [d.uri for d in kinect2_libfreenect2.list_devices()] == ["kinect2:011054343347"]


@pytest.mark.skipif(sys.platform == "win32", reason="there it may well open")
def test_kinect_next_refuses_on_other_systems_and_we_say_so():
    with pytest.raises(SensorError, match="cannot open the Kinect v2: "):
        open_sensor("kinect2:?backend=kinect-next").open()
    with pytest.raises(SensorError, match="Microsoft's Kinect runtime is not there: "):
        kinect2_windows.list_devices()


class FakeKinect:
    """A `kinect_next.KinectSensor` whose frames are the package's own types."""

    def __init__(self, *_: Any, auto_open: bool) -> None:
        self.mapper = self
        self.number = 0

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    def get_depth_camera_intrinsics(self) -> tuple[float, float, float, float]:
        return 365.0, 365.0, 256.0, 212.0

    def wait_for_frames(self, timeout_ms: int) -> Any:
        self.number += 1
        if self.number > 10:
            raise kinect_next.KinectTimeoutError("no frame")
        color = np.zeros((1080, 1920, 4), np.uint8)
        color[500:, :] = (1, 2, 3, 255)
        depth = np.full((HEIGHT, WIDTH), 900 + self.number, np.uint16)
        time_ns = self.number * 33_000_000
        return kinect_next.FrameSet(
            color=kinect_next.ColorFrame(color), depth=kinect_next.DepthFrame(depth, relative_time_ns=time_ns)
        )

    def map_depth_frame_to_color_space(self, depth: Any) -> np.ndarray:
        columns, rows = np.meshgrid(np.arange(WIDTH) + 300, np.arange(HEIGHT) * 2)
        places = np.stack([columns, rows], axis=-1).astype(np.float32)
        places[0, 0] = -np.inf
        places[1, 1] = 5000
        return places


class TestKinectNextContract(SensorConformance):
    @pytest.fixture
    def sensor(self, monkeypatch: pytest.MonkeyPatch) -> Sensor:
        monkeypatch.setattr(kinect_next, "KinectSensor", FakeKinect)
        return open_sensor("kinect2:?backend=kinect-next", isolated=False)

    def test_colour_is_sampled_where_each_depth_pixel_looks(self, sensor: Sensor) -> None:
        with sensor:
            frame = sensor.read()
            assert tuple(frame.color[300, 10]) == (3, 2, 1)
            assert tuple(frame.color[100, 10]) == (0, 0, 0)
            assert tuple(frame.color[1, 1]) == (0, 0, 0)
            assert frame.depth[0, 0] == 901
            assert frame.device_us == 33_000
            assert sensor.calibration.origin == "device"


def test_devices_of_the_openni_route_are_listed_here_and_not_twice(monkeypatch: pytest.MonkeyPatch):
    kinect = SensorInfo("openni:freenect2://0%3Fserial=011054343347", "Kinect v2", "camera")
    xtion = SensorInfo("openni:1d27/0601@1/5", "Asus Xtion", "camera")
    monkeypatch.setattr(openni, "all_devices", lambda: [kinect, xtion])
    monkeypatch.setattr(kinect2, "installed", lambda: ["openni"])
    assert [(device.uri, device.serial) for device in kinect2.list_devices()] == [
        ("kinect2:011054343347", "011054343347")
    ]
    assert openni.list_devices() == [xtion]


def test_routes_are_tried_in_order(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kinect2, "installed", lambda: ["openni", "libfreenect2"])
    sensor = kinect2.open_device(parse_uri("kinect2:0110"), Request())
    assert isinstance(sensor, OpenNiSensor)
    assert kinect2.openni_name("0110") == "freenect2://0?serial=0110&depth-size=512x424"
    monkeypatch.setattr(kinect2, "installed", lambda: ["libfreenect2"])
    assert isinstance(kinect2.open_device(parse_uri("kinect2:"), Request()), kinect2_libfreenect2.Libfreenect2Sensor)
    monkeypatch.setattr(kinect2, "installed", list)
    for call in (kinect2.list_devices, lambda: kinect2.open_device(parse_uri("kinect2:"), Request())):
        with pytest.raises(SensorError, match="nothing that reads a Kinect v2 is installed: "):
            call()
    with pytest.raises(ConfigurationError, match="backend must be one of"):
        kinect2.open_device(parse_uri("kinect2:?backend=magic"), Request())
