"""Tells a live camera from a silent one and from one that repeats old pictures.

After a cable comes out, some runtimes fall silent and others deliver the last picture again and again, with the same
frame number, the same device time, or a device time that falls further and further behind.
"""

from __future__ import annotations

from rgbd_seg.errors import SensorFrozen, SensorLost

#: A frame this far behind the quickest one seen counts as old, in seconds.
MAX_AGE_S = 3.0
#: Cameras may need this long for their first frame, in seconds (lamps, firmware, exposure).
FIRST_FRAME_S = 10.0
# Crystals in cameras and computers differ by up to about 100 parts in a million; twice that is not ageing.
_CLOCK_DRIFT = 200e-6


class Freshness:
    """Judges what one open camera delivers. Only time spent waiting in `read` counts as silence.

    Args:
        name: What messages call the camera.
        lost_after_s: Seconds without a new frame until the camera counts as lost.
    """

    def __init__(self, name: str, lost_after_s: float) -> None:
        self._name = name
        self._lost_after_s = lost_after_s
        self._limit_s = max(FIRST_FRAME_S, lost_after_s)
        self._waited_s = 0.0
        self._repeats = 0
        self._number: int | None = None
        self._device_us: int | None = None
        self._host_us = 0.0
        self._lag_us: float | None = None

    def is_new(self, number: int | None, device_us: int | None, host_ns: int) -> bool:
        """Whether this is a picture that has not been delivered before, and a recent one.

        Args:
            number: The camera's own count of its frames, None where it has none.
            device_us: The camera's own clock, microseconds, None where it has none.
            host_ns: `time.monotonic_ns()` at its arrival.
        """
        repeated = (number is not None and number == self._number) or (
            device_us is not None and device_us == self._device_us
        )
        if repeated or self._is_old(device_us, host_ns / 1e3):
            self._repeats += 1
            return False
        self._number, self._device_us = number, device_us
        self._limit_s, self._waited_s, self._repeats = self._lost_after_s, 0.0, 0
        return True

    def waited(self, seconds: float) -> None:
        """Notes that a reader waited this long without getting a new picture.

        Raises:
            SensorFrozen: For too long only old pictures came.
            SensorLost: For too long nothing came.
        """
        self._waited_s += seconds
        if self._waited_s < self._limit_s:
            return
        if self._repeats:
            raise SensorFrozen(
                f"{self._name} has repeated old pictures for {self._waited_s:.1f} s: check its cable and USB port"
            )
        raise SensorLost(f"{self._name} has sent nothing for {self._waited_s:.1f} s: check its cable and USB port")

    def _is_old(self, device_us: int | None, host_us: float) -> bool:
        """Compares the lag of host behind device with the smallest lag so far, allowing for drift of the clocks."""
        if device_us is None:
            return False
        lag = host_us - device_us
        if self._lag_us is None or (self._device_us is not None and device_us < self._device_us):
            self._lag_us = lag  # The first frame, or the device's clock started again.
        else:
            self._lag_us = min(lag, self._lag_us + (host_us - self._host_us) * _CLOCK_DRIFT)
        self._host_us = host_us
        return lag - self._lag_us > MAX_AGE_S * 1e6
