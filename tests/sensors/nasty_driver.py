"""A driver that does what vendors' libraries do on bad days; `nasty:<what>` says which, `?at=N` at which frame.

Loaded by name in the driver's process, never in the tests' own.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import EndOfStream, SensorError
from rgbd_seg.sensors.sensor import Capture, Control, ControlValue, Request, Sensor, SensorInfo, StreamMode

if TYPE_CHECKING:
    from rgbd_seg.sensors import Uri

HEIGHT, WIDTH = 24, 32


def segfault() -> None:
    ctypes.string_at(0)


def hang() -> None:
    """Keeps the interpreter's lock, as a careless binding does."""
    ctypes.PyDLL(None).pause()


class NastySensor(Sensor):
    lost_after_s = 0.3

    def __init__(self, uri: Uri, request: Request) -> None:
        _, _, self.what = uri.rest.partition(":")
        kind = "recording" if self.what.startswith("recording") else "camera"
        super().__init__(SensorInfo(uri.text, "Nasty camera", kind), request)
        self.at = int(uri.options.get("at", 3))
        self.size = tuple(int(v) for v in uri.options.get("size", f"{WIDTH}x{HEIGHT}").split("x"))
        self.flag = Path(uri.options["while"]) if "while" in uri.options else None
        self.lock = Path(uri.options["lock"]).open("w") if "lock" in uri.options else None
        self.number = 0
        self.pause_s = 1 / float(uri.options.get("pace", 1000))
        self.gain = 5

    def _open(self) -> Calibration:
        if self.what == "hang in open":
            hang()
        if self.what == "segfault in open":
            segfault()
        if self.what == "fail in open" or (self.flag and not self.flag.exists()):
            raise SensorError("no such camera: plug it in")
        if self.lock is not None:  # As USB does it: the camera belongs to one process.
            try:
                fcntl.flock(self.lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SensorError("the camera is in use by another program: close that one") from None
        self.number = 0
        self.opened_us = time.monotonic_ns() // 1000
        width, height = self.size
        return Calibration(Intrinsics(width, height, 30, 30, width / 2, height / 2), 0.0005)

    def modes(self) -> tuple[StreamMode, ...]:
        return (StreamMode(*self.size, 30.0),)

    def controls(self) -> tuple[Control, ...]:
        return (Control("gain", "Gain", self.gain, 0, 16, 1),)

    def _set_control(self, control: Control, value: ControlValue) -> None:
        if value == 13:
            raise SensorError("the camera refused a gain of 13")
        self.gain = int(value)

    def _grab(self, timeout_s: float) -> Capture | None:
        time.sleep(self.pause_s)
        if self.flag and not self.flag.exists():
            segfault()
        number = self.number
        self.number += 1
        width, height = self.size
        if number >= self.at:
            if self.what == "segfault":
                segfault()
            elif self.what == "abort":
                os.abort()
            elif self.what == "hang":
                hang()
            elif self.what == "exit":
                ctypes.CDLL(None).exit(3)
            elif self.what == "raise":
                raise RuntimeError("libusb: -99")
            elif self.what == "silent":
                time.sleep(timeout_s)
                return None
            elif self.what == "pause" and number % self.at == 0:
                time.sleep(2.5)
            elif self.what == "stale":
                number = self.at - 1
            elif self.what == "torn":
                height //= 2
            elif self.what.startswith("recording"):
                raise EndOfStream("the recording has ended")
        value = number % 251
        device_us = self.opened_us + number if self.what == "stale" else time.monotonic_ns() // 1000
        color = np.full((height, width, 3), value, np.uint8)
        return Capture(color, np.full((height, width), value, np.uint16), number, device_us)

    def _close(self) -> None:
        if self.what == "hang in stop":
            hang()
        if self.what == "segfault in stop":
            segfault()


def open_device(uri: Uri, request: Request) -> NastySensor:
    return NastySensor(uri, request)
