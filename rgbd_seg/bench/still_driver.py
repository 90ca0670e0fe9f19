"""A camera that shows one picture 30 times a second: what `bench isolation` runs in-process and in a child process.

Like a real driver it copies the picture out of memory that belongs to somebody else; `host_ns` is from before that.
"""

from __future__ import annotations

import time

import numpy as np

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import ConfigurationError
from rgbd_seg.sensors import Uri
from rgbd_seg.sensors.sensor import Capture, Request, Sensor, SensorInfo

FPS = 30
SCHEME = "still"


class StillCamera(Sensor):
    """Delivers one random picture at `FPS`."""

    def __init__(self, width: int, height: int, request: Request) -> None:
        super().__init__(SensorInfo(f"still:{width}x{height}", "Still picture", "camera"), request)
        self._size = (height, width)

    def _open(self) -> Calibration:
        height, width = self._size
        rng = np.random.default_rng(0)
        self._color = rng.integers(0, 256, (height, width, 3), np.uint8)
        self._depth = rng.integers(400, 8000, (height, width), np.uint16)
        self._due_s = time.monotonic()
        return Calibration(Intrinsics(width, height, width, width, width / 2, height / 2))

    def _grab(self, timeout_s: float) -> Capture | None:
        self._due_s += 1 / FPS
        now_s = time.monotonic()
        if self._due_s > now_s:
            time.sleep(self._due_s - now_s)
        host_ns = time.monotonic_ns()
        color, depth = self.buffers(*self._size)
        np.copyto(color, self._color)
        np.copyto(depth, self._depth)
        return Capture(color, depth, host_ns=host_ns, device_us=host_ns // 1000)

    def _close(self) -> None:
        pass


def open_device(uri: Uri, request: Request) -> StillCamera:
    """`still:<width>x<height>`.

    Raises:
        ConfigurationError: The size is malformed.
    """
    width, cross, height = uri.text.partition(":")[2].partition("x")
    if not (cross and width.isdigit() and height.isdigit()):
        raise ConfigurationError(f"{uri.text}: expected still:<width>x<height>")
    return StillCamera(int(width), int(height), request)
