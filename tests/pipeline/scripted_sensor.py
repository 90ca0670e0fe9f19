"""A sensor that plays a script: frames, silence, losses and ends, in the order that a test writes down."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Literal

import numpy as np

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import EndOfStream, SensorError, SensorLost
from rgbd_seg.sensors.sensor import Capture, Control, ControlValue, Sensor, SensorInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Event = int | Literal["silence", "lost", "end", "bug", "refuse open"]
CALIBRATION = Calibration(Intrinsics(16, 12, 20.0, 20.0, 8.0, 6.0))


class ScriptedSensor(Sensor):
    """Plays `script`: a number is a frame with that device number, a word is what happens instead."""

    def __init__(self, script: Iterable[Event], kind: Literal["camera", "recording"] = "camera") -> None:
        super().__init__(SensorInfo("scripted:", "scripted camera", kind))
        self._script: Iterator[Event] = iter(script)
        self._waiting: Event | None = None
        self.opened = 0
        self.closed = 0
        self.gain = 1
        self.go_on = threading.Event()
        self.go_on.set()

    def _next(self) -> Event:
        if self._waiting is None:
            return next(self._script, "end")
        event, self._waiting = self._waiting, None
        return event

    def _open(self) -> Calibration:
        event = self._next()
        if event == "refuse open":
            raise SensorError("the scripted camera is not plugged in")
        self._waiting = event
        self.opened += 1
        return CALIBRATION

    def _grab(self, timeout_s: float) -> Capture | None:
        self.go_on.wait()
        event = self._next()
        if event == "silence":
            time.sleep(min(timeout_s, 0.01))
            return None
        if event == "lost":
            raise SensorLost("the scripted camera was unplugged")
        if event == "bug":
            raise ZeroDivisionError("a bug in a driver")
        if event == "end":
            raise EndOfStream("the script has ended")
        assert isinstance(event, int)
        color = np.full((12, 16, 3), event % 256, np.uint8)
        return Capture(color, np.full((12, 16), event, np.uint16), number=event)

    def _close(self) -> None:
        self.closed += 1

    def controls(self) -> tuple[Control, ...]:
        return (Control("gain", "Gain", self.gain, minimum=0, maximum=10),)

    def _set_control(self, control: Control, value: ControlValue) -> None:
        self.gain = int(value)
