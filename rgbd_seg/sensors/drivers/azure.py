"""Azure Kinect and Orbbec's Femto by the Azure Kinect SDK: cameras, and recordings of `k4arecorder` by its own player.

`azure:<serial or number>` opens a camera, `azure:` the first, `azure:file:<path>` plays an `.mkv` through the same
code, with `?realtime=no` as fast as it is read. Depth of the narrow field of view is moved to colour by the camera's
own calibration.
"""

from __future__ import annotations

import ctypes
import time
from ctypes import byref, c_void_p
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import Calibration, Intrinsics, register_depth
from rgbd_seg.errors import ConfigurationError, EndOfStream, RecordingError, SensorError, SensorLost
from rgbd_seg.recording.messages.encodings import RawPixels, color_pixels
from rgbd_seg.recording.pictures.codec import decode_color
from rgbd_seg.sensors import Uri
from rgbd_seg.sensors.drivers import azure_library as k4a
from rgbd_seg.sensors.drivers import modes
from rgbd_seg.sensors.drivers.vendor_recording import in_real_time, recording_of
from rgbd_seg.sensors.sensor import Capture, Request, Sensor, SensorInfo, StreamMode

_MILLIMETRE = 0.001
_TAG_SERIAL = b"K4A_DEVICE_SERIAL_NUMBER"
# Serial numbers have twelve digits; what is shorter counts cameras.
_LONGEST_NUMBER = 3
_RATE_OF = {number: fps for fps, number in k4a.RATES.items()}
_SIZE_OF = {number: size for size, number in k4a.COLOR_MODES.items()}
# The largest picture takes longer to read out than a thirtieth of a second.
_MODES = tuple(
    StreamMode(*size, float(fps)) for size in k4a.COLOR_MODES for fps in (30, 15) if (size, fps) != ((4096, 3072), 30)
)
_PACKED = {k4a.NV12: "nv12", k4a.YUY2: "yuyv", k4a.BGRA: "bgra8"}


class AzureSensor(Sensor):
    """One camera or recording behind the Azure Kinect SDK.

    Args:
        name: Serial number or number of a camera, "" for the first; or the path of a recording.
        info: What is known before it is open.
        request: Mode and registration.
        realtime: Whether a recording is played at its recorded rate.
    """

    def __init__(self, name: str, info: SensorInfo, request: Request, *, realtime: bool = True) -> None:
        super().__init__(info, request)
        self._name, self._realtime = name, realtime
        self._is_file = info.kind == "recording"
        self._camera: Any = None
        self._file: Any = None
        self._handle = c_void_p()
        self._running = False
        self._mode = _MODES[0]

    def modes(self) -> tuple[StreamMode, ...]:
        """Sizes and rates of colour; depth has 640x576 pixels in all of them."""
        return (self._mode,) if self._is_file else _MODES

    def _open(self) -> Calibration:
        self._camera, self._file = k4a.load()
        try:
            found = self._open_file() if self._is_file else self._open_camera()
            self._depth_lens, color = brown_intrinsics(found.depth), brown_intrinsics(found.color)
        except BaseException:
            self._close()
            raise
        place = found.depth_to_color
        rotation = np.array(place.rotation, np.float64).reshape(3, 3)
        self._way = rotation, np.array(place.translation, np.float64) * _MILLIMETRE
        self._lens = color
        return Calibration(color, _MILLIMETRE, self.request.registered, "file" if self._is_file else "device")

    def _open_file(self) -> k4a.Calibration:
        path = Path(self._name).expanduser()
        if self._file.k4a_playback_open(str(path).encode(), byref(self._handle)) != k4a.SUCCEEDED:
            problem = "is no recording of an Azure Kinect" if path.is_file() else "does not exist"
            raise SensorError(f"{path} {problem}")
        how, found = k4a.RecordConfiguration(), k4a.Calibration()
        failed = self._file.k4a_playback_get_record_configuration(self._handle, byref(how))
        if failed or not (how.has_color and how.has_depth):
            raise SensorError(f"{path} has no colour and depth of an Azure Kinect")
        if self._file.k4a_playback_get_calibration(self._handle, byref(found)) != k4a.SUCCEEDED:
            raise SensorError(f"{path} has no calibration that its SDK understands; open it as a file, not as azure:")
        fps = float(_RATE_OF.get(how.rate, 30))
        self._mode = StreamMode(*_SIZE_OF[how.color_mode], fps)
        self.pace_hz = fps if self._realtime else None
        serial = k4a.text_of(self._file.k4a_playback_get_tag, self._handle, _TAG_SERIAL)
        self.info = SensorInfo(self.info.uri, self.info.name, "recording", serial, "file", details=self.info.details)
        return found

    def _open_camera(self) -> k4a.Calibration:
        self._mode = modes.choose(_MODES, self.request, self.info.name)
        self._handle, serial = self._find()
        found = k4a.Calibration()
        how = k4a.DeviceConfiguration(
            color_format=k4a.MJPEG,  # All others are made of it inside the SDK, or are small.
            color_mode=k4a.COLOR_MODES[self._mode.width, self._mode.height],
            depth_mode=k4a.DEPTH_NARROW,
            rate=k4a.RATES[int(self._mode.fps)],
            pairs_only=True,
        )
        read = self._camera.k4a_device_get_calibration(self._handle, how.depth_mode, how.color_mode, byref(found))
        if read != k4a.SUCCEEDED:
            raise SensorError(f"{self.info.name} does not tell its calibration: unplug it, and plug it in again")
        if self._camera.k4a_device_start_cameras(self._handle, byref(how)) != k4a.SUCCEEDED:
            raise SensorError(
                f"{self.info.name} does not start: it needs a USB 3 port, its own power, and an OpenGL display for the "
                "SDK's depth engine"
            )
        self._running = True
        self.info = SensorInfo(f"azure:{serial}", "Azure Kinect", "camera", serial, "USB 3")
        return found

    def _find(self) -> tuple[c_void_p, str]:
        """The camera, open, and its serial number."""
        count = self._camera.k4a_device_get_installed_count()
        by_number = len(self._name) <= _LONGEST_NUMBER and (not self._name or self._name.isdigit())
        for number in [int(self._name or 0)] if by_number else range(count):
            device = c_void_p()
            if number >= count or self._camera.k4a_device_open(number, byref(device)) != k4a.SUCCEEDED:
                continue
            serial = k4a.text_of(self._camera.k4a_device_get_serialnum, device)
            if by_number or serial == self._name:
                return device, serial
            self._camera.k4a_device_close(device)
        raise SensorError(
            f"there is no {self.info.name} that can be opened ({count} are plugged in): close other programs, and see "
            "rgbd-seg doctor"
        )

    def _grab(self, timeout_s: float) -> Capture | None:
        deadline = time.monotonic() + timeout_s
        while True:
            capture = c_void_p()
            if self._is_file:
                result = self._file.k4a_playback_get_next_capture(self._handle, byref(capture))
                if result == k4a.NO_MORE:
                    raise EndOfStream(f"{self.info.name} has ended")
            else:
                left_ms = max(round((deadline - time.monotonic()) * 1000), 0)
                result = self._camera.k4a_device_get_capture(self._handle, byref(capture), left_ms)
                if result == k4a.NO_MORE:
                    return None
            if result != k4a.SUCCEEDED:
                raise SensorLost(f"{self.info.name} {'cannot be read further' if self._is_file else 'was unplugged'}")
            try:
                pair = self._pair(capture)
            finally:
                self._camera.k4a_capture_release(capture)
            if pair is not None or time.monotonic() > deadline:
                return pair

    def _pair(self, capture: c_void_p) -> Capture | None:
        """Both pictures of a capture, None if it lacks one."""
        color, depth = self._camera.k4a_capture_get_color_image(capture), None
        try:
            depth = self._camera.k4a_capture_get_depth_image(capture)
            if not color or not depth:
                return None
            time_us = int(self._camera.k4a_image_get_device_timestamp_usec(depth))
            return Capture(self._color_of(color), self._depth_of(depth), device_us=time_us)
        except RecordingError as error:
            raise SensorLost(f"{self.info.name} delivered a broken picture: {error}") from error
        finally:
            for image in (color, depth):
                if image:
                    self._camera.k4a_image_release(image)

    def _color_of(self, image: Any) -> NDArray[np.uint8]:
        kind = self._camera.k4a_image_get_format(image)
        data = self._bytes(image)
        if kind == k4a.MJPEG:
            color = decode_color(data)
        else:
            step = self._camera.k4a_image_get_stride_bytes(image)
            color = color_pixels(
                RawPixels(_PACKED.get(kind, ""), self._lens.width, self._lens.height, step, False, data)
            )
        if color.shape[:2] != (self._lens.height, self._lens.width):
            raise RecordingError(f"colour of {color.shape[1]}x{color.shape[0]}")
        return color

    def _depth_of(self, image: Any) -> NDArray[np.uint16]:
        lens = self._depth_lens
        data = self._bytes(image)
        if len(data) != lens.width * lens.height * 2:
            raise RecordingError(f"depth of {len(data)} bytes")
        counts = np.frombuffer(data, "<u2").reshape(lens.height, lens.width).astype(np.uint16, copy=False)
        if self.request.registered:
            return register_depth(counts, lens, self._lens, _MILLIMETRE, *self._way)
        size = (self._lens.width, self._lens.height)
        return cv2.resize(counts, size, interpolation=cv2.INTER_NEAREST).astype(np.uint16, copy=False)

    def _bytes(self, image: Any) -> bytes:
        buffer = self._camera.k4a_image_get_buffer(image)
        return ctypes.string_at(buffer, self._camera.k4a_image_get_size(image)) if buffer else b""

    def _close(self) -> None:
        if not self._handle:
            return
        if self._running:
            self._camera.k4a_device_stop_cameras(self._handle)
        (self._file.k4a_playback_close if self._is_file else self._camera.k4a_device_close)(self._handle)
        self._handle, self._running = c_void_p(), False


def brown_intrinsics(lens: k4a.Lens) -> Intrinsics:
    """A camera as OpenCV has it: pixel centres are at integers in both.

    Raises:
        SensorError: Its numbers are no camera's.
    """
    cx, cy, fx, fy, k1, k2, k3, k4, k5, k6, _, _, p2, p1 = (float(value) for value in lens.numbers[:14])
    try:
        return Intrinsics(lens.width, lens.height, fx, fy, cx, cy, (k1, k2, p1, p2, k3, k4, k5, k6))
    except ConfigurationError as error:
        raise SensorError(f"the camera's calibration is damaged: {error}") from error


def list_devices() -> list[SensorInfo]:
    """The plugged-in cameras by number; none is opened, for that would disturb who uses it.

    Raises:
        SensorError: The SDK is missing.
    """
    camera, _ = k4a.load()
    count = int(camera.k4a_device_get_installed_count())
    return [SensorInfo(f"azure:{i}", "Azure Kinect", "camera", connection="USB 3") for i in range(count)]


def open_device(uri: Uri, request: Request) -> AzureSensor:
    """A camera or a recording, not opened yet.

    Raises:
        ConfigurationError: An option is unknown.
    """
    uri.refuse_unknown("realtime")
    rest = unquote(uri.rest)
    if recording := recording_of(uri):
        return AzureSensor(recording.details["path"], recording, request, realtime=in_real_time(uri))
    return AzureSensor(rest, SensorInfo(uri.text, f"Azure Kinect {rest}".rstrip(), "camera", serial=rest), request)
