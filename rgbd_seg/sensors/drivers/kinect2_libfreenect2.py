"""Kinect v2 through libfreenect2 and its binding pylibfreenect2: colour is brought onto the depth camera's grid."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import SensorError
from rgbd_seg.sensors.sensor import Capture, Request, Sensor, SensorInfo, StreamMode

WIDTH, HEIGHT = 512, 424
_POLL_S = 0.002


def load() -> Any:
    """The `pylibfreenect2` module.

    Raises:
        SensorError: It is missing, or libfreenect2 is.
    """
    try:
        import pylibfreenect2
    except ImportError as error:
        raise SensorError(f"pylibfreenect2 does not load ({error}): see docs/cameras.md for Kinect v2") from error
    return pylibfreenect2


class Libfreenect2Sensor(Sensor):
    """One Kinect v2. libfreenect2 gives no sign when it is unplugged: the base's silence limit finds out.

    Args:
        serial: Serial number, "" for the first device.
        info: What is known before it is open.
        request: Registration; there is one mode.
        infrared: Whether frames carry the picture of the depth camera.
    """

    def __init__(self, serial: str, info: SensorInfo, request: Request, *, infrared: bool = False) -> None:
        super().__init__(info, request)
        self._infrared = infrared
        self._serial = serial
        self._device: Any = None

    def modes(self) -> tuple[StreamMode, ...]:
        return (StreamMode(WIDTH, HEIGHT, 30.0),)

    def _open(self) -> Calibration:
        self._library = library = load()
        self._freenect2 = library.Freenect2()
        serials = serial_numbers(self._freenect2)
        if not serials or (self._serial and self._serial not in serials):
            present = ", ".join(serials) or "none"
            raise SensorError(f"there is no Kinect v2 {self._serial} (present: {present}): is it plugged into USB 3?")
        serial = self._serial or serials[0]
        device = self._freenect2.openDevice(serial.encode())
        if not device:
            raise SensorError(f"cannot open Kinect v2 {serial}: check the udev rules with rgbd-seg doctor")
        self._device = device
        try:
            kinds = library.FrameType.Color | library.FrameType.Depth
            self._listener = library.SyncMultiFrameListener(kinds | library.FrameType.Ir if self._infrared else kinds)
            device.setColorFrameListener(self._listener)
            device.setIrAndDepthFrameListener(self._listener)
            device.start()
            # The factory's parameters are there only after the start.
            lens = device.getIrCameraParams()
            self._registration = library.Registration(lens, device.getColorCameraParams())
        except BaseException:
            self._close()
            raise
        firmware = device.getFirmwareVersion()
        self.info = SensorInfo(
            f"kinect2:{serial}", "Kinect v2", "camera", serial, "USB 3", _text(firmware), {"runtime": "libfreenect2"}
        )
        return Calibration(
            Intrinsics(WIDTH, HEIGHT, lens.fx, lens.fy, lens.cx, lens.cy), 0.001, self.request.registered
        )

    def _grab(self, timeout_s: float) -> Capture | None:
        deadline = time.monotonic() + timeout_s
        while not self._listener.hasNewFrame():
            if time.monotonic() >= deadline:
                return None
            time.sleep(_POLL_S)
        frames = self._listener.waitForNewFrame()
        try:
            capture = self._capture(frames["color"], frames["depth"])
            return (
                replace(capture, infrared=_brightness(frames["ir"].asarray(np.float32))) if self._infrared else capture
            )
        finally:
            self._listener.release(frames)

    def _capture(self, color: Any, depth: Any) -> Capture:
        frame = self._library.Frame
        undistorted, registered = frame(WIDTH, HEIGHT, 4), frame(WIDTH, HEIGHT, 4)
        self._registration.apply(color, depth, undistorted, registered)
        if self.request.registered:
            pixels = registered.asarray(np.uint8)
        else:
            pixels = cv2.resize(color.asarray(), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        order = [0, 1, 2] if color.format == self._library.FrameFormat.RGBX else [2, 1, 0]
        millimetres = undistorted.asarray(np.float32)
        counts = np.where(np.isfinite(millimetres), np.clip(np.rint(millimetres), 0, 65535), 0).astype(np.uint16)
        return Capture(
            np.ascontiguousarray(pixels[..., order]), counts, int(depth.sequence), int(depth.timestamp) * 100
        )

    def _close(self) -> None:
        device, self._device = self._device, None
        if device is not None:
            device.stop()
            device.close()


def _brightness(returned: Any) -> Any:
    """(424, 512) uint8 of float32 0..65535: its root, since what returns falls with the square of the distance."""
    values = np.asarray(returned, np.float32)
    return np.sqrt(np.clip(np.nan_to_num(values), 0, 65535) * (255 * 255 / 65535)).astype(np.uint8)


def serial_numbers(freenect2: Any) -> list[str]:
    """Serial numbers of the devices that libfreenect2 sees."""
    return [_text(freenect2.getDeviceSerialNumber(i)) for i in range(freenect2.enumerateDevices())]


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def list_devices() -> list[SensorInfo]:
    """The plugged-in devices.

    Raises:
        SensorError: The library is missing.
    """
    serials = serial_numbers(load().Freenect2())
    return [SensorInfo(f"kinect2:{serial}", "Kinect v2", "camera", serial, "USB 3") for serial in serials]
