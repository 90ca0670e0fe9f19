"""Looking for devices survives any library, and new devices are announced without being asked for."""

from __future__ import annotations

import queue
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import psutil
import pytest

from rgbd_seg.sensors import discover, hotplug
from rgbd_seg.sensors.hotplug import DeviceWatcher, discover_isolated
from tests.waiting import PATIENCE_S, until

if TYPE_CHECKING:
    from rgbd_seg.sensors.sensor import SensorInfo

DRIVERS = {"first": "plug_driver", "second": "plug_driver"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLUG_FOLDER", str(tmp_path))
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return tmp_path


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def test_devices_of_all_drivers_are_found(folder: Path):
    (folder / "one").touch()
    devices, problems = discover_isolated(DRIVERS)
    assert [device.uri for device in devices] == ["plug:one", "plug:one"]
    assert problems == {}


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("crash", "the driver's library crashed with SIGSEGV"),
        ("hang", "did not answer within 4 s"),
        ("raise", "the driver failed while looking: RuntimeError: libusb: -99"),
        ("missing", "the runtime is not installed: pip install it"),
    ],
)
def test_a_driver_that_misbehaves_is_named_and_hides_no_other(folder: Path, what: str, said: str):
    (folder / what).touch()
    before = children()
    drivers = {"bad": "plug_driver", "openni": "rgbd_seg.sensors.drivers.openni"}
    hangs = what == "hang"
    _, problems = discover_isolated(drivers, limit_s=4.0 if hangs else PATIENCE_S)
    assert said in problems["bad"]
    other = problems.get("openni", "OpenNI2 answered")
    assert "OpenNI2" in other or (hangs and "did not answer" in other)  # The limit is the same for all.
    assert children() == before


def test_everything_that_is_installed_here_can_be_asked():
    devices, problems = discover()
    assert all(device.uri and device.name for device in devices)
    assert all(sentence for sentence in problems.values())


def test_coming_and_going_is_announced(folder: Path):
    heard: queue.Queue[list[SensorInfo]] = queue.Queue()
    before = children()
    watcher = DeviceWatcher(lambda devices, problems: heard.put(devices), {"plug": "plug_driver"})
    watcher.start()
    try:
        assert heard.get(timeout=PATIENCE_S) == []
        (folder / "camera").touch()
        assert [device.uri for device in heard.get(timeout=PATIENCE_S)] == ["plug:camera"]
        (folder / "camera").unlink()
        assert heard.get(timeout=PATIENCE_S) == []
    finally:
        watcher.stop()
    watcher.stop()
    assert children() == before


def test_a_listener_that_fails_does_not_end_the_watch(folder: Path):
    heard: queue.Queue[int] = queue.Queue()

    def listen(devices: list[SensorInfo], problems: dict[str, str]) -> None:
        heard.put(len(devices))
        raise ValueError("the list is broken")

    watcher = DeviceWatcher(listen, {"plug": "plug_driver"})
    watcher.start()
    try:
        assert heard.get(timeout=PATIENCE_S) == 0
        (folder / "camera").touch()
        assert heard.get(timeout=PATIENCE_S) == 1
    finally:
        watcher.stop()


def test_a_look_that_was_asked_for_is_answered_even_if_nothing_has_changed(folder: Path):
    heard: queue.Queue[list[SensorInfo]] = queue.Queue()
    watcher = DeviceWatcher(lambda devices, problems: heard.put(devices), {"plug": "plug_driver"})
    watcher.start()
    try:
        assert heard.get(timeout=PATIENCE_S) == []
        watcher.look_now()
        assert heard.get(timeout=PATIENCE_S) == []
    finally:
        watcher.stop()


def test_stopping_does_not_wait_for_a_driver_that_hangs(folder: Path):
    (folder / "hang").touch()
    before = children()
    watcher = DeviceWatcher(lambda devices, problems: None, {"plug": "plug_driver"})
    watcher.start()
    try:
        # The one on the lookout, and the one that hangs while looking.
        until(lambda: len(children()) >= len(before) + 2)
        stopper = threading.Thread(target=watcher.stop)
        stopper.start()
        stopper.join(hotplug.LOOK_LIMIT_S / 2)
        assert not stopper.is_alive()
    finally:
        watcher.stop()
    assert children() == before


@pytest.mark.skipif(hotplug.sys.platform != "linux", reason="only Linux lists the bus in files")
def test_usb_bus_tells_of_replugging(tmp_path: Path):
    device = tmp_path / "1-2"
    device.mkdir()
    (tmp_path / "1-2:1.0").mkdir()  # An interface has no device number.
    (device / "devnum").write_text("7\n")
    assert hotplug.usb_devices(tmp_path) == ["1-2 7"]
    (device / "devnum").write_text("8\n")
    assert hotplug.usb_devices(tmp_path) == ["1-2 8"]
    assert hotplug.usb_devices(tmp_path / "absent") is None


def test_where_libraries_are_asked_again_and_again_a_fresh_process_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """They leave open files behind."""
    sent: list[dict[str, object]] = []
    channel = SimpleNamespace(send=sent.append, receive=lambda _: None)
    for name, value in {"usb_devices": lambda: None, "POLL_S": 0.0, "_ASK_EVERY_S": 0.0, "_MOST_LOOKS": 3}.items():
        monkeypatch.setattr(hotplug, name, value)
    looks: list[object] = []
    monkeypatch.setattr(hotplug, "look", lambda drivers: looks.append(drivers))
    hotplug.announce(channel, drivers={})
    assert sent == [{"ready": True}, {"changed": True}]
    assert len(looks) == 3
