"""Which cameras are plugged in, asked in a child process: vendors' libraries crash and hang while looking, too.

`discover_isolated` looks once. `DeviceWatcher` keeps looking: by the SDK's own callbacks where there are any, by the
list of USB devices on Linux, and by a poll elsewhere.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from rgbd_seg.errors import SensorError
from rgbd_seg.sensors import driver_modules
from rgbd_seg.sensors.isolation import messages
from rgbd_seg.sensors.isolation.child_process import Channel, ChildEnded, ChildProcess, Message
from rgbd_seg.sensors.sensor import SensorInfo

Devices = tuple[list[SensorInfo], dict[str, str]]

_log = logging.getLogger(__name__)
_USB_DEVICES = Path("/sys/bus/usb/devices")
#: One driver may look for so long, in seconds.
LOOK_LIMIT_S = 15.0
#: Pause between two looks at what tells of changes, in seconds.
POLL_S = 1.0
# Where nothing tells of changes, the libraries themselves are asked, and not so often.
_ASK_EVERY_S = 5.0
# Libraries leave open files behind when asked (Azure Kinect's three each time): a fresh child goes on after so many.
_MOST_LOOKS = 20
# A device that has just appeared is not ready at once: a second look follows after this time (seconds).
SETTLE_S = 1.5
# How often a wait asks whether it still makes sense (seconds).
_SLICE_S = 0.25
# A child that dies is started again after this pause, in seconds.
_RESTART_S = 5.0


def discover_isolated(
    drivers: Mapping[str, str] | None = None,
    limit_s: float = LOOK_LIMIT_S,
    cancelled: Callable[[], bool] = lambda: False,
) -> Devices:
    """The same as `rgbd_seg.sensors.discover`, in a child process.

    A driver that crashes or hangs is named among the problems, and a fresh child asks the others.

    Args:
        drivers: Module by scheme; None for all.
        limit_s: Longest time for one driver, in seconds.
        cancelled: Asked while waiting; once it says yes, what is known by then is returned.

    Returns:
        The devices, and for each driver that could not look a sentence that says why.
    """
    left = dict(driver_modules() if drivers is None else drivers)
    found: list[SensorInfo] = []
    problems: dict[str, str] = {}
    while left and not cancelled():
        child = ChildProcess("rgbd_seg.sensors.hotplug:look_once", {"drivers": left})
        try:
            while left:
                scheme = next(iter(left))
                answer = _receive(child, limit_s, cancelled)
                if answer is None:
                    problems[scheme] = f"the driver did not answer within {limit_s:g} s while looking for devices"
                    break
                found += [SensorInfo(**row) for row in answer["devices"]]
                problems |= answer["problems"]
                del left[scheme]
        except ChildEnded as end:
            problems[scheme] = f"the driver's library {end} while looking for devices"
        finally:
            child.end()
        left.pop(scheme, None)
    return found, problems


def _receive(child: ChildProcess, limit_s: float, cancelled: Callable[[], bool]) -> Message | None:
    """The child's next message, None if it did not come in time or nobody waits for it any more."""
    deadline = time.monotonic() + limit_s
    while (left_s := deadline - time.monotonic()) > 0 and not cancelled():
        message = child.receive(min(left_s, _SLICE_S))
        if message is not None:
            return message
    return None


def look_once(channel: Channel, *, drivers: Mapping[str, str]) -> None:
    """Runs in the child: one message for each driver, in order."""
    for scheme, module in drivers.items():
        devices, problems = look({scheme: module})
        channel.send({"devices": [messages.info_to_dict(device) for device in devices], "problems": problems})


def look(drivers: Mapping[str, str]) -> Devices:
    """The devices of these drivers (module by scheme), asked in this process, and the drivers that could not look."""
    found: list[SensorInfo] = []
    problems: dict[str, str] = {}
    for scheme, module in drivers.items():
        try:
            found += import_module(module).list_devices()
        except SensorError as error:
            problems[scheme] = str(error)
        except Exception as error:  # A library that fails in its own way must not hide the others' devices.
            problems[scheme] = f"the driver failed while looking: {type(error).__name__}: {error}"
    return found, problems


class DeviceWatcher:
    """Calls back with all devices at the start, whenever the list changes, and after every look that was asked for.

    Args:
        found: Called from the watcher's thread with the devices and the problems by driver; must return soon.
        drivers: Module by scheme; None for all.
    """

    def __init__(
        self,
        found: Callable[[list[SensorInfo], dict[str, str]], None],
        drivers: Mapping[str, str] | None = None,
    ) -> None:
        self._found = found
        self._drivers = dict(driver_modules() if drivers is None else drivers)
        self._stopped = False
        self._asked = False
        self._wake = threading.Event()  # To stop, or to look now.
        self._thread = threading.Thread(target=self._run, name="rgbd-seg device watcher", daemon=True)
        self._last: Devices | None = None

    def start(self) -> None:
        self._thread.start()

    def look_now(self) -> None:
        """Looks again as soon as possible, and calls back even if nothing has changed."""
        self._asked = True
        self._wake.set()

    def stop(self) -> None:
        """Ends the watch, waits for its thread, and leaves no process behind. Stopping twice is harmless."""
        self._stopped = True
        self._wake.set()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped:
            try:
                self._look_and_wait()
            except (ChildEnded, OSError) as error:
                _log.warning("the process that watches for cameras %s", error)
                self._look()
                self._wake.wait(_RESTART_S)

    def _look_and_wait(self) -> None:
        """Lists the devices, and returns when something was plugged in or out, or on stop.

        The lookout is posted first: what comes while we look would be missed otherwise.
        """
        child = ChildProcess("rgbd_seg.sensors.hotplug:announce", {"drivers": self._drivers})
        try:
            _receive(child, LOOK_LIMIT_S, self._is_stopped)
            self._look()
            while not self._stopped:
                if child.receive(_SLICE_S) is not None:
                    self._look()
                    self._wake.wait(SETTLE_S)
                    return
                if self._asked:
                    self._look()
        finally:
            child.end()

    def _is_stopped(self) -> bool:
        return self._stopped

    def _look(self) -> None:
        """Asks all drivers, and tells the result if it is new or was asked for."""
        asked, self._asked = self._asked, False
        if not self._stopped:
            self._wake.clear()
        try:
            devices = discover_isolated(self._drivers, cancelled=self._is_stopped)
        except OSError as error:
            devices = [], {"cameras": f"the process that looks for cameras does not start: {error}"}
        if self._stopped or (devices == self._last and not asked):
            return
        self._last = devices
        try:
            self._found(*devices)
        except Exception:  # The watch must outlive a fault of whoever listens.
            _log.exception("listing the cameras failed")


def announce(channel: Channel, *, drivers: Mapping[str, str]) -> None:
    """Runs in the child: one message when it is on the lookout, another when a device may have come or gone."""
    happened = threading.Event()
    watches: list[Any] = []
    for module in drivers.values():
        watch = getattr(import_module(module), "watch", None)
        if watch is not None:
            try:
                watches.append(watch(happened.set))
            except SensorError:
                continue  # The runtime is missing, so its devices cannot come.
    before = usb_devices()
    channel.send({"ready": True})
    asked, known, looks = time.monotonic(), None, 0
    while looks < _MOST_LOOKS and not happened.wait(POLL_S):
        if before is not None:
            if usb_devices() != before:
                break
        elif time.monotonic() - asked >= _ASK_EVERY_S:
            now = look(drivers)
            if known is not None and now != known:
                break
            asked, known, looks = time.monotonic(), now, looks + 1
    channel.send({"changed": True})
    channel.receive(None)


def usb_devices(folder: Path = _USB_DEVICES) -> Sequence[str] | None:
    """What hangs on the USB bus, by port and number, None where the system does not tell (only Linux does)."""
    if sys.platform != "linux" or not folder.is_dir():
        return None
    rows = []
    for device in sorted(folder.iterdir()):
        try:
            rows.append(f"{device.name} {(device / 'devnum').read_text().strip()}")
        except OSError:
            continue  # An interface, or a device that is just going.
    return rows
