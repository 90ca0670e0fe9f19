"""`toy:0`: a camera of grey pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.sensors.sensor import Capture, Request, Sensor, SensorInfo

if TYPE_CHECKING:
    from rgbd_seg.sensors import Uri


class ToyCamera(Sensor):
    pace_hz = 30.0

    def _open(self) -> Calibration:
        return Calibration(Intrinsics(64, 48, 60.0, 60.0, 32.0, 24.0))

    def _grab(self, timeout_s: float) -> Capture | None:
        return Capture(np.full((48, 64, 3), 128, np.uint8), np.full((48, 64), 1500, np.uint16))

    def _close(self) -> None:
        pass


def list_devices() -> list[SensorInfo]:
    return [SensorInfo("toy:0", "Toy camera", "camera")]


def open_device(uri: Uri, request: Request) -> Sensor:
    return ToyCamera(SensorInfo(uri.text, "Toy camera", "camera"), request)
