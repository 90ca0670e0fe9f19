"""What can be set on a RealSense while it streams: librealsense's options as controls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rgbd_seg.errors import SensorError
from rgbd_seg.sensors.sensor import Control, ControlValue


@dataclass(frozen=True, slots=True)
class _Option:
    name: str
    label: str
    camera: str  # "color" or "depth"
    option: str  # Name in rs.option
    kind: type[bool] | type[float] | type[str]
    unit: str = ""


_OPTIONS = (
    _Option("auto_exposure", "Auto exposure", "color", "enable_auto_exposure", bool),
    _Option("exposure", "Exposure", "color", "exposure", float, "100 us"),
    _Option("gain", "Gain", "color", "gain", float),
    _Option("auto_white_balance", "Auto white balance", "color", "enable_auto_white_balance", bool),
    _Option("white_balance", "White balance", "color", "white_balance", float, "K"),
    _Option("depth_preset", "Preset", "depth", "visual_preset", str),
    _Option("emitter", "Infrared emitter", "depth", "emitter_enabled", bool),
    _Option("laser_power", "Laser power", "depth", "laser_power", float, "mW"),
    _Option("depth_auto_exposure", "Auto exposure", "depth", "enable_auto_exposure", bool),
    _Option("depth_exposure", "Exposure", "depth", "exposure", float, "us"),
    _Option("depth_gain", "Gain", "depth", "gain", float),
)


class DeviceOptions:
    """The options that one open device supports and lets us write.

    Args:
        rs: The `pyrealsense2` module.
        color: Its colour sensor.
        depth: Its depth sensor.
    """

    def __init__(self, rs: Any, color: Any, depth: Any) -> None:
        self._rs = rs
        cameras = {"color": color, "depth": depth}
        self._options: dict[str, tuple[_Option, Any, Any]] = {}
        for option in _OPTIONS:
            camera, key = cameras[option.camera], getattr(rs.option, option.option)
            if camera.supports(key) and not camera.is_option_read_only(key):
                self._options[option.name] = (option, camera, key)

    def controls(self) -> list[Control]:
        """Present values and ranges; what the device fails to tell is left out."""
        rows = []
        for option, camera, key in self._options.values():
            try:
                rows.append(self._control(option, camera, key))
            except RuntimeError:  # Some options come and go with the mode.
                continue
        return rows

    def set(self, name: str, value: ControlValue) -> None:
        """Sets one of `controls`.

        Raises:
            SensorError: The device refused.
        """
        option, camera, key = self._options[name]
        number = self._choices(camera, key).index(str(value)) if option.kind is str else float(value)
        try:
            camera.set_option(key, number)
        except RuntimeError as error:
            raise SensorError(f"the camera refused {option.label} = {value}: {error}") from error

    def _control(self, option: _Option, camera: Any, key: Any) -> Control:
        group = "camera" if option.camera == "color" else "depth"
        now = camera.get_option(key)
        if option.kind is bool:
            return Control(option.name, option.label, bool(now), group=group)
        if option.kind is str:
            choices = self._choices(camera, key)
            return Control(option.name, option.label, choices[int(now)], choices=choices, group=group)
        limits = camera.get_option_range(key)
        return Control(
            option.name, option.label, float(now), limits.min, limits.max, limits.step, unit=option.unit, group=group
        )

    @staticmethod
    def _choices(camera: Any, key: Any) -> tuple[str, ...]:
        """The names of an option's values 0..max; the number where there is no name."""
        largest = int(camera.get_option_range(key).max)
        return tuple(camera.get_option_value_description(key, float(i)) or str(i) for i in range(largest + 1))
