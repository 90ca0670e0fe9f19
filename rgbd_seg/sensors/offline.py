"""Plain loops over a source: every frame once, in order, without threads or slots."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from rgbd_seg.errors import EndOfStream, SensorTimeout
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.recording.reader import StoredFrame
from rgbd_seg.sensors.sensor import Sensor

_READ_TIMEOUT_S = 0.5
# A source that says nothing for so long has failed; cameras tell it themselves, mostly sooner.
_SILENCE_S = 15.0


def every_frame(
    sensor: Sensor, limit: int | None = None, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[RgbdFrame]:
    """Frames of an open source until it ends; a recording is read as fast as the caller takes them.

    Args:
        sensor: Open.
        limit: At most so many frames; None for all.
        cancelled: Asked before each frame; True ends the loop.

    Raises:
        SensorError: The source failed or fell silent.
    """
    if sensor.playback is not None:
        sensor.playback.paced = False
        sensor.playback.resume()
    given = 0
    last_s = time.monotonic()
    while (limit is None or given < limit) and not cancelled():
        try:
            frame = sensor.read(_READ_TIMEOUT_S)
        except EndOfStream:
            return
        except SensorTimeout:
            if time.monotonic() - last_s > _SILENCE_S:
                raise
            continue
        given += 1
        yield frame
        last_s = time.monotonic()


def frame_count(sensor: Sensor, limit: int | None = None) -> int | None:
    """How many frames `every_frame` will give at most, None if nobody knows (a camera without a limit)."""
    length = sensor.playback.length if sensor.playback is not None else None
    known = [count for count in (length, limit) if count is not None]
    return min(known, default=None)


def stored_frames_of(sensor: Sensor, limit: int | None = None) -> Iterator[StoredFrame]:
    """Frames of an open source as they would lie in a recording; times are those of its own clock where it has one."""
    first: RgbdFrame | None = None
    last_us = 0
    for frame in every_frame(sensor, limit):
        first = first or frame
        if frame.device_us is not None and first.device_us is not None:
            time_us = frame.device_us - first.device_us
        else:
            time_us = (frame.host_ns - first.host_ns) // 1000
        last_us = max(time_us, last_us)  # A clock that was reset must not turn the recording back.
        yield StoredFrame(
            frame.color,
            frame.depth,
            frame.calibration,
            frame.index,
            last_us,
            frame.device_us,
            frame.truth,
            frame.prediction,
        )
