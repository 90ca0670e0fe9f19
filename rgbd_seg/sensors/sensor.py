"""The one shape of a source of frames. A driver implements the hooks below; the base does everything else.

The base keeps the opening order, paces sources that have no clock of their own, turns silence into time-outs (and, for
cameras, long silence or repetition into a loss), counts frames and closes exactly once. To add a camera, write one
file with a `Sensor` and a `list_devices()`, name it in the driver table of `rgbd_seg.sensors`, and let its test inherit
the conformance suite in `rgbd_seg.testing.sensors`.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

import numpy as np

from rgbd_seg.errors import ConfigurationError, EndOfStream, SensorError, SensorLost, SensorTimeout
from rgbd_seg.frame import Prediction, RgbdFrame, Truth
from rgbd_seg.sensors.freshness import Freshness

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from rgbd_seg.calibration import Calibration
    from rgbd_seg.sensors.playback import Playback

ControlValue = bool | int | float | str


@dataclass(frozen=True, slots=True)
class StreamMode:
    """A picture size and rate that a source offers: pixels and frames per second (0 = as fast as it can)."""

    width: int
    height: int
    fps: float

    def __str__(self) -> str:
        return f"{self.width}x{self.height} {self.fps:g} fps"


@dataclass(frozen=True, slots=True)
class SensorInfo:
    """What is known of a source before and while it is open.

    Attributes:
        uri: Opens this very source again, such as `realsense:0123456789`.
        name: What people call it, such as "Intel RealSense D435".
        kind: A camera, a recording, or the synthetic room.
        serial: Serial number, "" if unknown.
        connection: "USB 3.2", "file", ... or "" if unknown.
        firmware: Firmware version, "" if unknown.
        details: Anything else worth recording, as plain text.
    """

    uri: str
    name: str
    kind: Literal["camera", "recording", "synthetic"]
    serial: str = ""
    connection: str = ""
    firmware: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Control:
    """One thing that can be set on a source while it runs: exposure, laser power, a filter.

    Attributes:
        name: Key for `Sensor.set_control`.
        label: What the window calls it.
        value: The present value; its type (bool, int, float, str) is the type to set.
        minimum: Smallest number, None for bool and str.
        maximum: Largest number, None for bool and str.
        step: Smallest useful change, None if any.
        choices: The permitted texts of a str control.
        unit: "us", "%", "m", ... or "".
        group: Where the window puts it: "camera", "depth" or "filters".
        cost_ms: What it adds to a frame in milliseconds, None if nothing or unknown.
    """

    name: str
    label: str
    value: ControlValue
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""
    group: str = "camera"
    cost_ms: float | None = None

    def accept(self, value: ControlValue) -> ControlValue:
        """The value in this control's own type.

        Raises:
            ConfigurationError: Wrong type or out of range; the message names both.
        """
        if isinstance(self.value, bool):
            if not isinstance(value, bool):
                raise ConfigurationError(f"{self.label} must be true or false, not {value!r}")
            return value
        if isinstance(self.value, str):
            if value not in self.choices:
                raise ConfigurationError(f"{self.label} must be one of {', '.join(self.choices)}, not {value!r}")
            return value
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            raise ConfigurationError(f"{self.label} must be a number, not {value!r}")
        low, high = self.minimum, self.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            raise ConfigurationError(f"{self.label} must be {low:g} to {high:g} {self.unit}, not {value:g}".rstrip())
        return type(self.value)(value)


@dataclass(frozen=True, slots=True)
class Request:
    """How a source is to be opened.

    Attributes:
        mode: One of the source's modes, or None for its default.
        registered: Whether depth is registered to colour.
    """

    mode: StreamMode | None = None
    registered: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """One pair as a driver hands it over: its own memory, never the SDK's.

    Attributes:
        color: (H, W, 3) uint8 RGB.
        depth: (H, W) uint16 counts on colour's grid, 0 = no return.
        number: The device's own running frame number (gaps are drops), or None to count arrivals.
        device_us: The device's clock in microseconds, or None.
        host_ns: `time.monotonic_ns()` at arrival where the driver knows better than the base, else None.
        calibration: Only where it changes from frame to frame (folders of single pictures), else None.
        truth: Labels that a prediction may be scored against, if the source has them.
        prediction: What a model saw in it when it was recorded, if that is known.
        infrared: (h, w) uint8 brightness in the view of the depth camera, if it was asked for.
    """

    color: NDArray[np.uint8]
    depth: NDArray[np.uint16]
    number: int | None = None
    device_us: int | None = None
    host_ns: int | None = None
    calibration: Calibration | None = None
    truth: Truth | None = None
    prediction: Prediction | None = None
    infrared: NDArray[np.uint8] | None = None


class PairBuffers(Protocol):
    """Memory for the pair that a driver is about to copy out of its library."""

    def __call__(self, height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
        """Colour (height, width, 3) and depth (height, width), contents undefined; used up by the next call."""


def own_memory(height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """`PairBuffers` in this process's own memory."""
    return np.empty((height, width, 3), np.uint8), np.empty((height, width), np.uint16)


class Sensor(ABC):
    """A source of frames, used from one thread. Open it, read it, close it; or iterate in a `with` block.

    Attributes:
        info: What the source is; complete once it is open.
        request: How it was asked to be opened.
    """

    #: Frames per second at which the base releases frames; None where the device has a clock of its own.
    pace_hz: float | None = None
    #: The controls of a replay, safe to use from other threads; None for sources that cannot be paused or sought.
    playback: Playback | None = None
    #: Where a driver may put a pair that it copies out of its library: in a driver's process this is memory that is
    #: shared with the program, so that the pair need not be copied again. Arrays of one's own are as good, but slower.
    buffers: PairBuffers = staticmethod(own_memory)
    #: Seconds without a new frame after which a camera counts as lost; None where somebody else watches that.
    lost_after_s: float | None = 3.0

    def __init__(self, info: SensorInfo, request: Request | None = None) -> None:
        self.info = info
        self.request = request or Request()
        self._calibration: Calibration | None = None
        self._is_open = False
        self._next_index = 0
        self._first_number: int | None = None
        self._next_due_ns = 0
        self._freshness: Freshness | None = None

    # What a driver writes.

    @abstractmethod
    def _open(self) -> Calibration:
        """Starts the device and returns its calibration; on an error nothing stays open.

        Raises:
            SensorError: The device cannot be opened; the message says what to do.
        """

    @abstractmethod
    def _grab(self, timeout_s: float) -> Capture | None:
        """The next pair, or None if none came within `timeout_s` seconds. A camera may return the same pair twice.

        Raises:
            SensorLost: The device is gone.
            EndOfStream: There are no more frames.
        """

    @abstractmethod
    def _close(self) -> None:
        """Stops the device and frees what it held. Called once after `_open` succeeded."""

    def modes(self) -> tuple[StreamMode, ...]:
        """The modes that this very device offers, best default first; empty where there is nothing to choose."""
        return ()

    def controls(self) -> tuple[Control, ...]:
        """What can be set on the open device, with present values."""
        return ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was wrong with the source so far, in whole sentences; grows while it is read."""
        return ()

    def _set_control(self, control: Control, value: ControlValue) -> None:
        """Sets one control; `value` has been checked against it."""
        raise SensorError(f"{self.info.name} has no control {control.name}")

    # What everybody else uses.

    @property
    def calibration(self) -> Calibration:
        """Calibration of the open source.

        Raises:
            SensorError: The source is not open.
        """
        if self._calibration is None:
            raise SensorError(f"{self.info.name} is not open")
        return self._calibration

    @property
    def is_open(self) -> bool:
        """Whether frames can be read."""
        return self._is_open

    def open(self) -> None:
        """Starts the source. Opening an open source does nothing.

        Raises:
            SensorError: It cannot be opened; the message says what to do.
        """
        if self._is_open:
            return
        self._calibration = self._open()
        self._is_open = True
        self._next_due_ns = time.monotonic_ns()
        self._first_number = None
        if self.info.kind != "camera":  # A camera that comes back goes on counting; a recording starts again.
            self._next_index = 0
        watched = self.info.kind == "camera" and self.lost_after_s is not None
        self._freshness = Freshness(self.info.name, self.lost_after_s or 0.0) if watched else None

    def read(self, timeout_s: float = 1.0) -> RgbdFrame:
        """The next frame.

        Args:
            timeout_s: Longest wait in seconds.

        Raises:
            SensorTimeout: None came in time.
            SensorFrozen: A camera has delivered nothing but old pictures for `lost_after_s` seconds of reading.
            SensorLost: The device is gone, sent something broken, or was silent for `lost_after_s` seconds of reading.
            EndOfStream: There are no more frames.
            SensorError: The source is not open.
        """
        calibration = self.calibration
        self._wait_for_pace(timeout_s)
        capture = self._grab_new(timeout_s)
        try:
            return RgbdFrame(
                color=capture.color,
                depth=capture.depth,
                calibration=capture.calibration or calibration,
                index=self._count(capture.number),
                host_ns=capture.host_ns or time.monotonic_ns(),
                device_us=capture.device_us,
                truth=capture.truth,
                prediction=capture.prediction,
                infrared=capture.infrared,
            )
        except ConfigurationError as error:
            raise SensorLost(f"{self.info.name} delivered a broken picture: {error}") from error

    def set_control(self, name: str, value: ControlValue) -> None:
        """Sets a control of the open source.

        Raises:
            ConfigurationError: There is no such control, or the value is out of its range.
            SensorError: The device refused.
        """
        for control in self.controls():
            if control.name == name:
                self._set_control(control, control.accept(value))
                return
        known = ", ".join(c.name for c in self.controls()) or "none"
        raise ConfigurationError(f"{self.info.name} has no control {name!r}; it has: {known}")

    def close(self) -> None:
        """Stops the source. Closing twice, or before opening, does nothing."""
        if not self._is_open:
            return
        self._is_open = False
        try:
            self._close()
        finally:
            self._calibration = None

    def reopen(self) -> None:
        """Opens a lost source again; may be tried as often as it fails. `close` still ends everything.

        Raises:
            SensorError: It is not back yet.
        """
        self.close()
        self.open()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __iter__(self) -> Iterator[RgbdFrame]:
        """Frames until the source ends; a time-out or a loss is raised."""
        while True:
            try:
                frame = self.read()
            except EndOfStream:
                return
            yield frame

    def _grab_new(self, timeout_s: float) -> Capture:
        """The next pair that a camera has not delivered before; raises what `read` raises."""
        started = time.monotonic()
        left_s = timeout_s
        while True:
            capture = self._grab(left_s)
            if capture and (
                not self._freshness or self._freshness.is_new(capture.number, capture.device_us, time.monotonic_ns())
            ):
                return capture
            waited_s = time.monotonic() - started
            left_s = timeout_s - waited_s
            if capture is None or left_s <= 0:
                if self._freshness:
                    self._freshness.waited(waited_s)
                raise SensorTimeout(f"no frame from {self.info.name} within {timeout_s:g} s")
            time.sleep(0.001)  # A driver that repeats a picture without waiting must not take a whole core.

    def _count(self, number: int | None) -> int:
        if number is None:
            index = self._next_index
        else:
            if self._first_number is None:
                self._first_number = number - self._next_index
            index = number - self._first_number
            if index < self._next_index and self.info.kind == "camera":  # The device began to count anew.
                index = self._next_index
                self._first_number = number - index
        self._next_index = index + 1
        return index

    def _wait_for_pace(self, timeout_s: float) -> None:
        """Sleeps until the next frame of a source without a clock is due; late sources do not catch up."""
        if not self.pace_hz:
            return
        now = time.monotonic_ns()
        wait_s = (self._next_due_ns - now) / 1e9
        if wait_s > timeout_s:
            time.sleep(timeout_s)
            raise SensorTimeout(f"no frame from {self.info.name} within {timeout_s:g} s")
        if wait_s > 0:
            time.sleep(wait_s)
        self._next_due_ns = max(self._next_due_ns, now) + round(1e9 / self.pace_hz)
