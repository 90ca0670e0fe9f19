"""The types of a sensor as plain data for JSON, and back: what the parent and the driver's process tell each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rgbd_seg import errors
from rgbd_seg.errors import SensorError, SensorLost
from rgbd_seg.sensors.sensor import Control, Request, SensorInfo, StreamMode

# The errors that a driver may raise; anything else is a fault of the driver.
_ERRORS = ("ConfigurationError", "SensorTimeout", "SensorLost", "SensorFrozen", "EndOfStream", "SensorError")


def info_to_dict(info: SensorInfo) -> dict[str, Any]:
    return asdict(info) | {"details": dict(info.details)}


def request_from_dict(data: Mapping[str, Any]) -> Request:
    mode = data["mode"]
    return Request(StreamMode(**mode) if mode else None, data["registered"])


def control_from_dict(data: Mapping[str, Any]) -> Control:
    return Control(**{**data, "choices": tuple(data["choices"])})


def error_to_dict(error: BaseException) -> dict[str, str]:
    """Name and text of an error; what no driver should raise becomes a SensorLost that names it."""
    name = type(error).__name__
    if name in _ERRORS:
        return {"error": name, "text": str(error)}
    return {"error": "SensorLost", "text": f"the driver failed: {name}: {error}"}


def error_from_dict(data: Mapping[str, Any]) -> SensorError | errors.ConfigurationError:
    kind = getattr(errors, data["error"], SensorLost) if data["error"] in _ERRORS else SensorLost
    error: SensorError | errors.ConfigurationError = kind(data["text"])
    return error
