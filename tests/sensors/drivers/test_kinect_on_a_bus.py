"""The system's own libfreenect with a Kinect v1 on a bus that the tests hold: pixels, losses, unplugging, refusals."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg import sensors
from rgbd_seg.errors import SensorError, SensorLost, SensorTimeout
from rgbd_seg.sensors import open_sensor
from rgbd_seg.sensors.drivers import freenect, freenect_library
from rgbd_seg.sensors.hotplug import discover_isolated
from rgbd_seg.sensors.isolation.isolated import IsolatedSensor, TimeLimits
from rgbd_seg.sensors.sensor import Request, Sensor, SensorInfo, StreamMode
from rgbd_seg.testing.sensors import READ_S, SensorConformance
from tests.sensors.fake_usb.bus import COLOR_MM, FRAMES, FX, NO_RETURN, SERIAL, Bus, build, disparity, scene, seen
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from rgbd_seg.frame import RgbdFrame

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the stand-in is loaded before libusb, as Linux allows"),
    pytest.mark.skipif(freenect_library.find() is None, reason=freenect_library.HOW_TO_INSTALL),
]
DRIVER = "rgbd_seg.sensors.drivers.freenect"
BOTH = ("color", "depth")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = build(tmp_path_factory.mktemp("fake_usb"))
    if built is None:
        pytest.skip("there is no C compiler to build the stand-in for libusb")
    return built


@pytest.fixture
def bus(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bus:
    """A bus with a camera, for every driver's process that is started from now on, and patience with them."""
    monkeypatch.setitem(sensors.DRIVERS, "kinect1", "tests.sensors.fake_usb.patient_freenect")
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("FAKE_USB_BUS", str(tmp_path / "bus"))
    return Bus(tmp_path / "bus")


@pytest.fixture
def kinect(bus: Bus) -> Iterator[Sensor]:
    with open_sensor(f"kinect1:{SERIAL}") as sensor:
        yield sensor


class TestKinectOnABus(SensorConformance):
    @pytest.fixture
    def sensor(self, bus: Bus) -> Sensor:
        return open_sensor(f"kinect1:{SERIAL}")


def shown(frame: RgbdFrame, first_tick: int) -> int:
    """Which of the scene's pictures a frame is, by the camera's clock."""
    assert frame.device_us is not None
    return round((frame.device_us - first_tick // 60) / (1e6 / 30)) % FRAMES


def inside(number: int, x_mm: float, z_mm: float, margin: int = 3) -> NDArray[np.bool_]:
    """Where a camera at `x_mm` sees the board at that distance, without its edges and below the rows without depth."""
    seen_there = seen(number, x_mm)[1] == z_mm
    grown = np.ones_like(seen_there)
    for rows in range(-margin, margin + 1):
        for columns in range(-margin, margin + 1):
            grown &= np.roll(seen_there, (rows, columns), (0, 1))
    grown[:10], grown[-margin:], grown[:, :margin], grown[:, -margin:] = False, False, False, False
    return grown


def test_it_is_found_and_set_up_as_its_protocol_wants(bus: Bus):
    devices, problems = discover_isolated({"kinect1": DRIVER})
    assert [(device.uri, device.serial) for device in devices] == [(f"kinect1:{SERIAL}", SERIAL)]
    assert not problems
    with open_sensor("kinect1:0") as sensor:
        sensor.read(READ_S)
        assert sensor.modes() == (StreamMode(640, 480, 30.0),)
        assert sensor.calibration.color.fx == pytest.approx(FX, rel=1e-6)
        assert (sensor.calibration.registered, sensor.calibration.origin) == (True, "device")
        # Depth in 11 bits at 640x480 and 30 Hz, Bayer at 640x480 and 30 Hz; both run, neither is mirrored.
        assert [bus.registers[r] for r in (0x12, 0x13, 0x14, 0x06, 0x17)] == [3, 1, 30, 2, 0]
        assert [bus.registers[r] for r in (0x0C, 0x0D, 0x0E, 0x05, 0x47)] == [0, 1, 30, 1, 0]
        sensor.set_control("auto_exposure", True)
        assert bus.cmos[0x106] & freenect_library.AUTO_EXPOSURE
        sensor.set_control("auto_exposure", False)
        assert not bus.cmos[0x106] & freenect_library.AUTO_EXPOSURE
    assert [bus.registers[r] for r in (0x05, 0x06)] == [0, 0]
    assert bus.opened == bus.closed
    assert bus.in_flight == 0


@pytest.mark.parametrize("registered", [True, False])
def test_colour_and_depth_are_those_of_the_scene_and_of_one_moment(bus: Bus, registered: bool):
    first_tick, x_mm = bus.first_tick, COLOR_MM if registered else 0.0
    numbers = set()
    with open_sensor("kinect1:0", Request(registered=registered)) as sensor:
        assert sensor.calibration.registered is registered
        while len(numbers) < FRAMES:
            frame = sensor.read(READ_S)
            number = shown(frame, first_tick)
            numbers.add(number)
            for board in scene(number):
                there = inside(number, COLOR_MM, board.z_mm)
                assert (frame.color[there] == board.color).all()
                there = inside(number, x_mm, board.z_mm)
                depth = frame.depth[there]
                measured = depth[depth > 0].astype(int)
                # A step of the disparity is 1 mm at 0.9 m and 9 mm at 2.5 m.
                assert np.abs(measured - board.z_mm).max() <= 1 + board.z_mm**2 * 0.1042 / 8 / 9000
                # What the nearer boards hide from the depth camera alone is a hole, and nothing else is.
                hidden = FX * COLOR_MM * (1 / 900 - 1 / board.z_mm) * 2 * 480 if registered else 0
                assert len(depth) - len(measured) <= hidden
            assert not frame.depth[:5].any()


def test_what_the_library_caps_is_no_distance(bus: Bus):
    """Beyond 10 m its millimetre mode says 10,000."""
    assert disparity(np.array([2500.0]))[0] < NO_RETURN
    far = np.full(640 * 480, 10_000, np.uint16)
    sensor = freenect.FreenectSensor("0", SensorInfo("kinect1:0", "Kinect v1 0", "camera"), Request(registered=False))
    sensor._depth_format, sensor._clock = freenect_library.DEPTH_MM, freenect.TickClock()
    sensor._pairing, sensor._numbers = freenect.Pairing(33_333), {}
    sensor._arrived("color", np.zeros((480, 640, 3), np.uint8).ctypes.data, 60, StreamMode(640, 480, 30))
    sensor._arrived("depth", far.ctypes.data, 60, StreamMode(640, 480, 30))
    assert not sensor._pairs[0][1].pixels.any()


def test_after_ten_thousand_lost_packets_every_picture_was_whole(bus: Bus, kinect: Sensor):
    first_tick = bus.first_tick
    clean: dict[int, RgbdFrame] = {}
    while len(clean) < FRAMES:
        frame = kinect.read(READ_S)
        clean[shown(frame, first_tick)] = frame
    indices = []

    def read_whole(wanted: Callable[[], bool]) -> None:
        """Reads while the condition does not hold; every frame must be one of the clean ones, in both halves."""
        while not wanted():
            try:
                frame = kinect.read(0.5)
            except SensorTimeout:
                continue
            indices.append(frame.index)
            for half in BOTH:
                assert np.array_equal(getattr(frame, half), getattr(clean[shown(frame, first_tick)], half))

    lost = bus.lost
    counters = {"lose": "lost", "shorten": "shortened", "garble": "garbled", "late": "delayed", "fail": "failed"}
    for fault, counter in counters.items():  # So few that some pictures come through.
        known, enough = len(indices), getattr(bus, counter) + 10
        bus.set(**{fault: 65 if fault != "fail" else 400})
        read_whole(lambda known=known, c=counter, e=enough: len(indices) >= known + 10 and getattr(bus, c) >= e)
        bus.set(**{fault: 0})
    for _ in range(5):  # Every fifth: none comes through, but not for so long that the camera counts as lost.
        begin = time.monotonic()
        bus.set(lose=13_000)
        read_whole(lambda begin=begin: time.monotonic() - begin > 0.8)
        bus.set(lose=0)
        known = len(indices)
        read_whole(lambda known=known: len(indices) >= known + 3)
    bus.set(lose=2000)
    read_whole(lambda: bus.lost >= lost + 10_000)
    bus.set(lose=0)
    known = len(indices)
    read_whole(lambda: len(indices) >= known + 10)
    assert indices == sorted(set(indices))
    assert indices[-1] - indices[0] > len(indices)  # What was left out is missing from the numbers.
    (warning,) = kinect.warnings
    assert warning.startswith("More than ")
    assert "have lost parts on the USB bus" in warning


def read_until_lost(sensor: Sensor) -> str:
    end = time.monotonic() + READ_S
    while time.monotonic() < end:
        try:
            sensor.read(0.5)
        except SensorTimeout:
            continue
        except SensorLost as error:
            return str(error)
    return "it was never lost"


def test_unplugged_in_the_middle_of_a_transfer_and_plugged_in_again(bus: Bus, kinect: Sensor):
    for _ in range(3):
        kinect.read(READ_S)
        bus.set(unplug_after=bus.packets + 500)
        assert "was unplugged" in read_until_lost(kinect)
        with pytest.raises(SensorError, match="Is it plugged in and powered"):
            kinect.reopen()
        bus.plug_in()
        kinect.reopen()
    kinect.read(READ_S)
    kinect.close()
    assert bus.in_flight == 0


def patient(open_s: float = READ_S) -> IsolatedSensor:
    info = SensorInfo("kinect1:0", "Kinect v1 0", "camera")
    limits = TimeLimits(open_s=open_s, answer_s=READ_S, control_s=READ_S, close_s=2.0)
    return IsolatedSensor("kinect1:0", info, Request(), DRIVER, limits)


@pytest.mark.parametrize("stuck", [False, True])
def test_a_camera_that_falls_silent_is_lost_and_closed_even_if_its_transfers_never_end(bus: Bus, stuck: bool):
    with patient() as sensor:
        sensor.read(READ_S)
        bus.set(silent=1, stuck=int(stuck))
        assert "has sent nothing for" in read_until_lost(sensor)
    assert sensor.child_pid is None


def test_refusals_say_why_and_what_to_do(bus: Bus):
    bus.set(open_error=3)
    with pytest.raises(SensorError, match="you have no right to use it: install the udev rules"):
        open_sensor("kinect1:0").open()
    bus.set(open_error=0)
    with open_sensor("kinect1:0") as first:
        first.read(READ_S)
        with pytest.raises(SensorError, match="it is in use by another program: close that one"):
            open_sensor("kinect1:0").open()
        first.read(READ_S)
    bus.set(plugged=0)
    with pytest.raises(SensorError, match=r"Couldn't find a device with serial .* Is it plugged in"):
        open_sensor(f"kinect1:{SERIAL}").open()


def test_a_camera_that_answers_no_command_is_given_up(bus: Bus):
    bus.set(mute_control=1)
    sensor = patient(open_s=5.0)
    with pytest.raises(SensorError, match=r"cannot open Kinect v1 0: .* did not answer within 5 s"):
        sensor.open()
    bus.set(mute_control=0)
    with patient() as sensor:
        until(lambda: sensor.read(READ_S).depth.any())
