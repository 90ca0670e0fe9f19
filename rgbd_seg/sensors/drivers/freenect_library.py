"""The dozen functions of libfreenect that we need, bound with ctypes; found where systems put the library.

`fakenect` is libfreenect's own stand-in: the same functions, playing a folder that `fakenect-record` wrote.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import glob
import os
import re
import sys
from collections import deque
from ctypes import POINTER, byref, c_char_p, c_double, c_int, c_int8, c_int16, c_int32, c_uint32, c_void_p
from typing import Any

from rgbd_seg.errors import SensorError

HOW_TO_INSTALL = {
    "darwin": "brew install libfreenect",
    "win32": "build libfreenect from its repository; on Windows the Kinect v1 usually runs through OpenNI2",
}.get(sys.platform, "sudo apt-get install libfreenect0.5")
HOW_TO_INSTALL_FAKENECT = "sudo apt-get install libfreenect-bin"

CAMERA_ONLY = 0x02  # The motors of some models need firmware that is not free.
VIDEO_RGB = 0
DEPTH_11BIT, DEPTH_REGISTERED, DEPTH_MM = 0, 4, 5
AUTO_EXPOSURE, AUTO_WHITE_BALANCE = 1 << 14, 1 << 1
_LOG_ERRORS, _LOG_EVERYTHING_OF_A_PICTURE = 1, 6


class FrameMode(ctypes.Structure):
    """`freenect_frame_mode`: one size, format and rate."""

    _fields_ = (
        ("reserved", c_uint32),
        ("resolution", c_int32),
        ("format", c_int32),
        ("bytes", c_int32),
        ("width", c_int16),
        ("height", c_int16),
        ("data_bits", c_int8),
        ("padding_bits", c_int8),
        ("fps", c_int8),
        ("is_valid", c_int8),
    )


class _Attributes(ctypes.Structure):
    """`freenect_device_attributes`: a linked list of serial numbers."""


_Attributes._fields_ = (("next", POINTER(_Attributes)), ("serial", c_char_p))


class _TimeValue(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("microseconds", ctypes.c_long))


FrameCallback = ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_uint32)
_LogCallback = ctypes.CFUNCTYPE(None, c_void_p, c_int, c_char_p)
# What libfreenect says of a picture just before it hands it over, and of a packet that is shorter than it should be.
_GOT = re.compile(r"Got (depth|video) frame of size (\d+)/(\d+), (\d+)/(\d+) packets arrived")
_SHORT = re.compile(r"\[Stream ([78])0\] Expected \d+ data bytes, but got")


class Log:
    """What libfreenect says, which alone tells whether a picture is whole: it fills lost parts from the one before.

    Attributes:
        errors: Its last errors, in its own words.
    """

    def __init__(self) -> None:
        self.errors: deque[str] = deque(maxlen=8)
        self._torn = {"depth": False, "video": False}
        self._short = {"depth": False, "video": False}
        self.callback = _LogCallback(self._hear)

    def is_torn(self, stream: str) -> bool:
        """Whether the picture of "depth" or "video" that is being handed over lacks a part."""
        return self._torn[stream]

    def _hear(self, _: int, level: int, message: bytes) -> None:
        text = message.decode(errors="replace").strip()
        if level <= _LOG_ERRORS:
            self.errors.append(text)
        elif got := _GOT.match(text):
            self._torn[got[1]] = got[2] != got[3] or got[4] != got[5] or self._short[got[1]]
            self._short[got[1]] = False
        elif short := _SHORT.match(text):
            self._short["depth" if short[1] == "7" else "video"] = True


def find(fake: bool = False) -> str | None:
    """Path or name of libfreenect (or of fakenect), None if it is not installed."""
    if fake:
        found = sorted(glob.glob("/usr/lib*/*/fakenect/libfreenect.so.*") + glob.glob("/usr/*/lib*/fakenect/lib*.so.*"))
        return found[0] if found else None
    return ctypes.util.find_library("freenect")


class Freenect:
    """A loaded library with a context.

    Args:
        dump: A folder that fakenect plays, None for real devices.

    Raises:
        SensorError: The library is missing or does not start.
    """

    def __init__(self, dump: str | None = None) -> None:
        path = find(fake=dump is not None)
        if path is None:
            how = HOW_TO_INSTALL if dump is None else HOW_TO_INSTALL_FAKENECT
            raise SensorError(f"libfreenect{'' if dump is None else ' (fakenect)'} is not installed: {how}")
        if dump is not None:
            os.environ["FAKENECT_PATH"] = dump
        try:
            self._library = ctypes.CDLL(path)
        except OSError as error:
            raise SensorError(f"libfreenect does not load: {error}") from error
        for name in ("get_video_mode", "get_depth_mode"):
            self._function(name).restype = FrameMode
        for name in ("set_video_mode", "set_depth_mode"):
            self._function(name).argtypes = (c_void_p, FrameMode)
        self.log = Log()
        self._context = c_void_p()
        self._check("init", byref(self._context), None)
        if self.has("set_log_callback"):
            self._function("set_log_callback")(self._context, self.log.callback)
        self._function("set_log_level")(self._context, _LOG_EVERYTHING_OF_A_PICTURE)
        self._function("select_subdevices")(self._context, CAMERA_ONLY)

    def has(self, name: str) -> bool:
        """Whether this build of the library has a function; fakenect lacks many."""
        return hasattr(self._library, f"freenect_{name}")

    def serials(self) -> list[str]:
        """Serial numbers of the plugged-in cameras in the library's order; "" where there is none to read."""
        if not self.has("list_device_attributes"):
            return [""] * max(int(self._function("num_devices")(self._context)), 0)
        first = POINTER(_Attributes)()
        self._check("list_device_attributes", self._context, byref(first))
        serials, item = [], first
        while item:
            serials.append((item.contents.serial or b"").decode(errors="replace"))
            item = item.contents.next
        self._function("free_device_attributes")(first)
        return serials

    def open(self, which: str) -> c_void_p:
        """Opens a device by its serial number, or by its number in the list where that is short and digits.

        Raises:
            SensorError: There is no such device, or it is not permitted or in use.
        """
        device = c_void_p()
        if which.isdigit() and len(which) < 4:
            self._check("open_device", self._context, byref(device), int(which))
        else:
            self._check("open_device_by_camera_serial", self._context, byref(device), which.encode())
        return device

    def video_modes(self) -> list[FrameMode]:
        return self._modes("get_video_mode")

    def depth_modes(self) -> list[FrameMode]:
        return self._modes("get_depth_mode")

    def start(self, device: c_void_p, video: FrameMode, depth: FrameMode, on_video: Any, on_depth: Any) -> None:
        """Sets the modes and starts both streams; the callbacks (kept by the caller) run inside `process_events`.

        Raises:
            SensorError: The device refused.
        """
        self._check("set_video_mode", device, video)
        self._check("set_depth_mode", device, depth)
        self._function("set_video_callback")(device, on_video)
        self._function("set_depth_callback")(device, on_depth)
        self._check("start_depth", device)
        self._check("start_video", device)

    def process_events(self, timeout_s: float) -> bool:
        """Handles USB events for at most `timeout_s` seconds; False when the device is gone."""
        seconds, fraction = divmod(max(timeout_s, 0.0), 1)
        limit = _TimeValue(int(seconds), int(fraction * 1e6))
        return int(self._function("process_events_timeout")(self._context, byref(limit))) >= 0

    def focal_length(self, device: c_void_p) -> float | None:
        """The focal length in pixels with which the library itself turns depth into metres, None if it cannot."""
        if not self.has("camera_to_world"):
            return None
        x, y = c_double(), c_double()
        self._function("camera_to_world")(device, 320 + 1, 240, 1000, byref(x), byref(y))
        return 1000 / x.value if x.value > 0 else None

    def set_flag(self, device: c_void_p, flag: int, value: bool) -> None:
        """Switches something of the colour camera on or off.

        Raises:
            SensorError: The device refused.
        """
        self._check("set_flag", device, flag, int(value))

    def close(self, device: c_void_p | None) -> None:
        """Stops and closes the device, if any, and ends the library."""
        if device:
            for name in ("stop_video", "stop_depth", "close_device"):
                self._function(name)(device)
        self._function("shutdown")(self._context)

    def _modes(self, name: str) -> list[FrameMode]:
        count = int(self._function(f"{name}_count")())
        modes: list[FrameMode] = [self._function(name)(i) for i in range(count)]
        return [mode for mode in modes if mode.is_valid]

    def _function(self, name: str) -> Any:
        return getattr(self._library, f"freenect_{name}")

    def _check(self, name: str, *arguments: Any) -> None:
        self.log.errors.clear()
        code = int(self._function(name)(*arguments))
        if code < 0:
            said = f" ({self.log.errors[0]})" if self.log.errors else ""  # The others follow from it.
            raise SensorError(f"libfreenect's {name} failed with {code}{said}")
