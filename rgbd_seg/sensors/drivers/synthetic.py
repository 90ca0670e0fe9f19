"""The built-in room as a source: a camera that walks through a procedural room, with exact labels in every frame.

`synthetic:?seed=7&room=kitchen&camera=kinect2&speed=1&size=320x240&noise=1&fps=30&infrared=1`; every option may be left
out: plain `synthetic:` is a walk through a living room.
"""

from __future__ import annotations

import re
from typing import TypeVar

import numpy as np

from rgbd_seg.calibration import Calibration
from rgbd_seg.errors import ConfigurationError, SensorError
from rgbd_seg.frame import Truth
from rgbd_seg.labels import LabelSet
from rgbd_seg.scenes import Room, RoomRenderer, Walk
from rgbd_seg.scenes.cameras import CAMERA_NAMES, camera_named
from rgbd_seg.scenes.furnishing import ROOM_KINDS
from rgbd_seg.sensors import Uri
from rgbd_seg.sensors.sensor import Capture, Control, ControlValue, Request, Sensor, SensorInfo, StreamMode

T = TypeVar("T", bound=str)

OPTIONS = ("seed", "room", "camera", "speed", "size", "noise", "fps", "infrared")
_MOST_FPS, _MOST_SPEED, _MOST_SEED = 120.0, 20.0, 2**40
_SIZES = ((640, 480), (320, 240), (512, 424), (1280, 960))


class SyntheticSensor(Sensor):
    """A walk through one room. Frame n shows the same pixels whenever the same URI is opened."""

    def __init__(self, uri: Uri, request: Request | None = None) -> None:
        """Reads the options of the URI.

        Raises:
            ConfigurationError: An option is unknown or out of its range.
        """
        uri.refuse_unknown(*OPTIONS)
        if uri.rest:
            raise ConfigurationError(f"{uri.text}: write options after a question mark, such as synthetic:?seed=3")
        given = uri.options
        self._seed = int(_number(uri, "seed", 7, 0, _MOST_SEED, whole=True))
        # The room that somebody meets first is one worth looking at.
        self._kind = _choice(uri, "room", ROOM_KINDS) or (None if "seed" in given else "living")
        self._camera = camera_named(_choice(uri, "camera", CAMERA_NAMES) or "xtion")
        self._speed = _number(uri, "speed", 1.0, 0.0, _MOST_SPEED)
        self._noise = bool(_number(uri, "noise", 1, 0, 1, whole=True))
        self._infrared = bool(_number(uri, "infrared", 0, 0, 1, whole=True))
        size = _size(uri) if "size" in given else (self._camera.width, self._camera.height)
        default = StreamMode(*size, _number(uri, "fps", 30.0, 0.0, _MOST_FPS))
        others = [StreamMode(w, h, default.fps) for w, h in _SIZES if (w, h) != size]
        self._modes = (default, *others)
        info = SensorInfo(
            uri=uri.text,
            name=f"Synthetic room {self._seed}{f' ({self._kind})' if self._kind else ''}",
            kind="synthetic",
            connection="built in",
            details={"camera": self._camera.title, "principle": self._camera.principle},
        )
        super().__init__(info, request)
        self._mode = self.request.mode or default
        if not (16 <= self._mode.width <= 4096 and 16 <= self._mode.height <= 4096):
            raise ConfigurationError(f"{uri.text}: {self._mode} is no size that a room can be drawn in")
        self.pace_hz = self._mode.fps or None
        self._labels = LabelSet.load("sunrgbd37")
        self._renderer: RoomRenderer | None = None
        self._room: Room | None = None
        self._walk: Walk | None = None
        self._number = 0
        self._walked_s = 0.0

    def modes(self) -> tuple[StreamMode, ...]:
        """The size of the URI (or the camera's own) first, then the usual ones."""
        return self._modes

    def controls(self) -> tuple[Control, ...]:
        """The pace of the walk, and whether the camera has its faults."""
        return (
            Control("speed", "Walking speed", float(self._speed), 0.0, _MOST_SPEED, 0.1, unit="x"),
            Control("noise", "Camera noise", self._noise),
        )

    def _set_control(self, control: Control, value: ControlValue) -> None:
        if control.name == "speed":
            self._speed = float(value)
        else:
            self._noise = bool(value)
            if self._renderer is not None:
                self._renderer.noise = self._noise

    def _open(self) -> Calibration:
        # Only here: the room's machinery loads when somebody opens a room, and OpenGL wants the reading thread.
        from rgbd_seg.scenes import RoomRenderer, build_room, walk_through

        self._room = build_room(self._seed, self._kind)
        self._walk = walk_through(self._room)
        self._renderer = RoomRenderer(self._mode.width, self._mode.height, self._camera.name, noise=self._noise)
        self._number = 0
        self._walked_s = 0.0
        return self._renderer.calibration

    def _grab(self, timeout_s: float) -> Capture | None:
        if self._renderer is None or self._room is None or self._walk is None:
            raise SensorError(f"{self.info.name} is not open")
        number, self._number = self._number, self._number + 1
        rate = self._mode.fps or 30.0
        view = self._renderer.render(self._room, self._walk.pose(self._walked_s), number)
        self._walked_s += self._speed / rate
        return Capture(
            color=view.color,
            depth=view.depth,
            number=number,
            device_us=round(number * 1e6 / rate),
            truth=Truth(view.labels, self._labels, view.instances),
            infrared=np.ascontiguousarray(view.infrared) if self._infrared else None,
        )

    def _close(self) -> None:
        renderer, self._renderer = self._renderer, None
        self._room = self._walk = None
        if renderer is not None:
            renderer.close()


def _number(uri: Uri, name: str, default: float, low: float, high: float, *, whole: bool = False) -> float:
    text = uri.options.get(name)
    if text is None:
        return default
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:  # False for NaN too.
        kind = "a whole number" if whole else "a number"
        raise ConfigurationError(f"{uri.text}: {name} must be {kind} {low:.15g} to {high:.15g}, not {text!r}")
    return value


def _choice(uri: Uri, name: str, choices: tuple[T, ...]) -> T | None:
    text = uri.options.get(name)
    if text is None:
        return None
    for choice in choices:
        if text == choice:
            return choice
    raise ConfigurationError(f"{uri.text}: {name} must be one of {', '.join(choices)}, not {text!r}")


def _size(uri: Uri) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{2,4})x(\d{2,4})", uri.options["size"])
    if not match or not all(16 <= int(side) <= 4096 for side in match.groups()):
        raise ConfigurationError(
            f"{uri.text}: size must be WIDTHxHEIGHT with 16 to 4096 pixels a side, not {uri.options['size']!r}"
        )
    return int(match[1]), int(match[2])


def list_devices() -> list[SensorInfo]:
    """The room is always there."""
    return [
        SensorInfo("synthetic:", "Synthetic room", "synthetic", connection="built in"),
    ]


def open_device(uri: Uri, request: Request) -> Sensor:
    """A room as a source, not opened yet."""
    return SyntheticSensor(uri, request)
