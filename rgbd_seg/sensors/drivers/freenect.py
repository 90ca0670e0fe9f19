"""Kinect v1 (Kinect for Xbox 360, and for Windows 1473) through libfreenect, and folders that `fakenect-record` wrote.

`kinect1:<serial>` or `kinect1:0` opens a camera, `kinect1:file:<folder>` plays a dump. One thread owns the device; its
callbacks run inside `process_events`.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import EndOfStream, SensorError, SensorLost
from rgbd_seg.sensors import Uri
from rgbd_seg.sensors.drivers import freenect_library as library
from rgbd_seg.sensors.drivers import modes
from rgbd_seg.sensors.drivers.pairing import Half, Pairing, Side
from rgbd_seg.sensors.drivers.vendor_recording import recording_of
from rgbd_seg.sensors.sensor import Capture, Control, ControlValue, Request, Sensor, SensorInfo, StreamMode

TICKS_PER_US = 60
NO_RETURN_11BIT = 2047
# Focal length in pixels from the zero plane that all devices share: 120 mm / (2 x 0.1042 mm).
_ASSUMED_FX = 575.8
_MAX_DEPTH_MM = 10_000
# The library caps a distance there in millimetre mode, where registered depth has holes.
_CAPPED_MM = 10_000
# So many pictures that arrive in part are no reason to bother a person: the first ones after a start often do.
_FEW_TORN = 10
# The device answers between two USB events, so a wait is cut into slices of this length (seconds).
_SLICE_S = 0.05


class TickClock:
    """Turns 60 MHz ticks in 32 bits, which wrap every 71.6 seconds, into microseconds that go on.

    Two streams share the clock, so that a tick may lie a little before the last one.
    """

    def __init__(self) -> None:
        self._last = 0
        self._total: int | None = None

    def microseconds(self, ticks: int) -> int:
        """Device time of a tick count."""
        if self._total is None:
            self._total = ticks
        else:
            step = (ticks - self._last) & 0xFFFFFFFF
            self._total += step - (1 << 32) if step >= 1 << 31 else step
        self._last = ticks
        return self._total // TICKS_PER_US


def raw_to_millimetres() -> NDArray[np.uint16]:
    """Millimetres by 11-bit disparity: (2048,) uint16, 0 where there is no return or no sense.

    z = 0.1236 m * tan(raw / 2842.5 + 1.1863): Stephane Magnenat's fit, which the OpenKinect wiki records.
    """
    raw = np.arange(2048)
    metres = 0.1236 * np.tan(raw / 2842.5 + 1.1863)
    sensible = (raw < NO_RETURN_11BIT) & (metres > 0) & (metres * 1000 <= _MAX_DEPTH_MM)
    return np.where(sensible, np.round(metres * 1000), 0).astype(np.uint16)


def choose_depth_mode(modes: Sequence[Any], width: int, height: int, registered: bool) -> Any:
    """The best depth mode of a size: registered if wanted, else millimetres, else raw disparity, or None."""
    order = [library.DEPTH_MM, library.DEPTH_11BIT]
    if registered:
        order.insert(0, library.DEPTH_REGISTERED)
    fitting = {mode.format: mode for mode in modes if (mode.width, mode.height) == (width, height)}
    return next((fitting[pixel_format] for pixel_format in order if pixel_format in fitting), None)


class FreenectSensor(Sensor):
    """One Kinect v1, or one dump.

    Args:
        name: Serial number or index of the camera, or the folder of a dump.
        info: What is known before it is open.
        request: Mode and registration.
    """

    def __init__(self, name: str, info: SensorInfo, request: Request) -> None:
        super().__init__(info, request)
        self._name = name
        self._freenect: library.Freenect | None = None
        self._device: ctypes.c_void_p | None = None
        self._modes: tuple[StreamMode, ...] = ()
        self._pairs: list[tuple[Half, Half]] = []
        self._torn = 0
        self._left = 0
        self._flags = {"auto_exposure": True, "auto_white_balance": True}

    def modes(self) -> tuple[StreamMode, ...]:
        """Sizes and rates of colour for which there is depth of the same size."""
        return self._modes

    def _open(self) -> Calibration:
        dump = None
        if self.info.kind == "recording":
            dump = str(Path(self._name).expanduser().absolute())
            self._left = check_dump(Path(dump))
        try:
            self._freenect = library.Freenect(dump)
            self._device = self._freenect.open(self._name if dump is None else "0")
            return self._start(self._freenect, self._device)
        except SensorError as error:
            self._close()
            if dump is None and "open_device" in str(error):
                raise SensorError(f"cannot open {self.info.name}: {_refusal(str(error))}") from error
            raise
        except BaseException:
            self._close()
            raise

    def _start(self, freenect: library.Freenect, device: ctypes.c_void_p) -> Calibration:
        depth_modes = freenect.depth_modes()
        choices = {
            StreamMode(video.width, video.height, float(video.fps)): (video, depth)
            for video in freenect.video_modes()
            if video.format == library.VIDEO_RGB
            and (depth := choose_depth_mode(depth_modes, video.width, video.height, self.request.registered))
        }
        self._modes = modes.in_order(choices)
        mode = modes.choose(self._modes, self.request, self.info.name)
        video, depth = choices[mode]
        self._depth_format = depth.format
        self._to_mm = raw_to_millimetres()
        self._pairing, self._clock = Pairing(1e6 / mode.fps), TickClock()
        self._numbers: dict[Side, tuple[int, int]] = {}
        self._period_us = 1e6 / mode.fps
        self._torn = 0
        self._pairs.clear()
        # ctypes frees callbacks that nobody holds, while the library still calls them.
        self._callbacks = (
            library.FrameCallback(lambda _, data, ticks: self._arrived("color", data, ticks, mode)),
            library.FrameCallback(lambda _, data, ticks: self._arrived("depth", data, ticks, mode)),
        )
        freenect.start(device, video, depth, *self._callbacks)
        focal = freenect.focal_length(device)
        fx = (focal or _ASSUMED_FX) * mode.width / 640
        intrinsics = Intrinsics(mode.width, mode.height, fx, fx, (mode.width - 1) / 2, (mode.height - 1) / 2)
        registered = depth.format == library.DEPTH_REGISTERED
        return Calibration(intrinsics, 0.001, registered, "device" if focal else "assumed")

    def _grab(self, timeout_s: float) -> Capture | None:
        deadline = time.monotonic() + timeout_s
        freenect, recording = self._freenect, self.info.kind == "recording"
        assert freenect is not None
        while not self._pairs:
            if recording and self._left <= 0:
                raise EndOfStream(f"{self.info.name} has ended")
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return None
            alive = freenect.process_events(min(left_s, _SLICE_S))
            self._left -= recording
            if not alive:
                if recording:
                    raise EndOfStream(f"{self.info.name} has ended")
                raise SensorLost(f"{self.info.name} was unplugged")
        color, depth = self._pairs.pop(0)
        return Capture(color.pixels, depth.pixels, color.number, color.time_us)

    def _arrived(self, side: Side, data: int, ticks: int, mode: StreamMode) -> None:
        """A callback of the library: copies the picture and pairs it, if it is whole."""
        time_us = self._clock.microseconds(ticks)
        number = self._number(side, time_us)
        if self._freenect is not None and self._freenect.log.is_torn("video" if side == "color" else "depth"):
            self._torn += 1
            return
        shape = (mode.height, mode.width)
        pixels: NDArray[Any]
        if side == "color":
            size = mode.height * mode.width * 3
            pixels = np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(data)).reshape(*shape, 3).copy()
        else:
            size = mode.height * mode.width
            counts = np.ctypeslib.as_array((ctypes.c_uint16 * size).from_address(data)).reshape(shape)
            if self._depth_format == library.DEPTH_11BIT:
                pixels = self._to_mm[counts & NO_RETURN_11BIT]
            elif self._depth_format == library.DEPTH_MM:
                pixels = np.where(counts >= _CAPPED_MM, 0, counts).astype(np.uint16)
            else:
                pixels = counts.copy()
        pair = self._pairing.add(side, Half(pixels, number, time_us))
        if pair is not None:
            self._pairs.append(pair)

    def _number(self, side: Side, time_us: int) -> int:
        """The picture's running number: periods of a camera's clock, so that losses are gaps; arrivals in a dump."""
        if side not in self._numbers:
            number = 0
        else:
            last_us, last = self._numbers[side]
            periods = round((time_us - last_us) / self._period_us)
            number = last + (max(periods, 1) if self.info.kind == "camera" else 1)
        self._numbers[side] = time_us, number
        return number

    @property
    def warnings(self) -> tuple[str, ...]:
        """That pictures arrive in part; told again when there are ten times as many."""
        if self._torn < _FEW_TORN:
            return ()
        many = 10 ** (len(str(self._torn)) - 1)
        return (
            f"More than {many} pictures of {self.info.name} have lost parts on the USB bus and were left out: plug it "
            "into a USB port whose controller it has for itself",
        )

    def controls(self) -> tuple[Control, ...]:
        """The two automatics of the colour camera."""
        if not self.is_open or self.info.kind == "recording" or not (self._freenect and self._freenect.has("set_flag")):
            return ()
        return (
            Control("auto_exposure", "Auto exposure", self._flags["auto_exposure"]),
            Control("auto_white_balance", "Auto white balance", self._flags["auto_white_balance"]),
        )

    def _set_control(self, control: Control, value: ControlValue) -> None:
        assert self._freenect is not None
        assert self._device is not None
        flag = {"auto_exposure": library.AUTO_EXPOSURE, "auto_white_balance": library.AUTO_WHITE_BALANCE}[control.name]
        self._freenect.set_flag(self._device, flag, bool(value))
        self._flags[control.name] = bool(value)

    def _close(self) -> None:
        freenect, device = self._freenect, self._device
        self._freenect = self._device = None
        if freenect is not None:
            freenect.close(device)


def _refusal(said: str) -> str:
    """What to do about a device that does not open, from libfreenect's own words."""
    if "BUSY" in said:
        return f"it is in use by another program: close that one ({said})"
    if "Could not open camera: -3" in said:
        return f"you have no right to use it: install the udev rules and plug it in again; run rgbd-seg doctor ({said})"
    return f"{said}. Is it plugged in and powered, with udev rules installed? Run rgbd-seg doctor"


def check_dump(folder: Path) -> int:
    """Counts the entries of a dump, and refuses one on which fakenect would end the whole process.

    Raises:
        SensorError: It is no dump, or files are missing or too short; the message names the first one.
    """
    index = folder / "INDEX.txt"
    if not index.is_file():
        raise SensorError(f"{folder} is no fakenect dump: it has no INDEX.txt")
    names = index.read_text(errors="replace").split("\n")
    names = names[:-1] if names[-1] == "" else names
    smallest = {"d": 640 * 480 * 2, "r": 640 * 480 * 3}
    for name in names:
        file = folder / name
        if not name or Path(name).name != name or not file.is_file():
            raise SensorError(f"{folder} is no whole fakenect dump: {name!r} is missing")
        with file.open("rb") as opened:
            header = opened.readline(64)
        if name[0] in smallest and file.stat().st_size < len(header) + smallest[name[0]]:
            raise SensorError(f"{folder} is no whole fakenect dump: {name} is too short")
        if name[0] in smallest and not header.endswith(b"\n"):
            raise SensorError(f"{folder} is no whole fakenect dump: {name} has no header")
    return len(names)


def list_devices() -> list[SensorInfo]:
    """The plugged-in cameras.

    Raises:
        SensorError: libfreenect is missing or cannot look.
    """
    freenect = library.Freenect()
    try:
        serials = freenect.serials()
    finally:
        freenect.close(None)
    found = []
    for number, serial in enumerate(serials):
        unique = serial.strip("0") != "" and serials.count(serial) == 1
        uri = f"kinect1:{serial if unique else number}"
        found.append(SensorInfo(uri, "Kinect v1", "camera", serial=serial if unique else "", connection="USB 2"))
    return found


def open_device(uri: Uri, request: Request) -> FreenectSensor:
    """A camera or a dump, not opened yet.

    Raises:
        ConfigurationError: There is an option (this source knows none).
    """
    uri.refuse_unknown()
    rest = unquote(uri.rest)
    if recording := recording_of(uri):
        return FreenectSensor(recording.details["path"], recording, request)
    return FreenectSensor(rest or "0", SensorInfo(uri.text, f"Kinect v1 {rest or 0}", "camera"), request)
