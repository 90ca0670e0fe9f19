"""Which of a camera's stream modes to use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rgbd_seg.errors import ConfigurationError, SensorError
from rgbd_seg.sensors.sensor import Request, StreamMode


def in_order(modes: Iterable[StreamMode]) -> tuple[StreamMode, ...]:
    """The modes, best default first: 640x480 at 30, then the larger and faster."""

    def rank(mode: StreamMode) -> tuple[bool, int, float]:
        return (mode.width, mode.height, mode.fps) != (640, 480, 30), -mode.width * mode.height, -mode.fps

    return tuple(sorted(modes, key=rank))


def choose(modes: Sequence[StreamMode], request: Request, name: str) -> StreamMode:
    """The mode that was asked for, or the first one.

    Args:
        modes: What the device offers as it is connected now, best first.
        request: What was asked for.
        name: What the error calls the device.

    Raises:
        SensorError: Nothing is offered.
        ConfigurationError: What was asked for is not offered.
    """
    if not modes:
        raise SensorError(f"{name} offers no mode that its colour and its depth share: try another USB port")
    if request.mode is None:
        return modes[0]
    if request.mode not in modes:
        offered = ", ".join(map(str, modes))
        raise ConfigurationError(f"{name} has no mode {request.mode}; as it is connected now it offers: {offered}")
    return request.mode
