"""What vendors' drivers read from a source's name: recordings (`scheme:file:<path>`), and the wish for infrared."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.sensors import Uri
from rgbd_seg.sensors.sensor import SensorInfo

_PREFIX = "file:"


def recording_of(uri: Uri) -> SensorInfo | None:
    """The recording that a source names, its path under `details["path"]`; None if the source is a device."""
    rest = unquote(uri.rest)
    if not rest.startswith(_PREFIX):
        return None
    path = rest.removeprefix(_PREFIX)
    return SensorInfo(uri.text, Path(path).name, "recording", connection="file", details={"path": path})


def wants_infrared(uri: Uri) -> bool:
    """Whether frames are to carry the infrared picture, which costs a stream more: `?infrared=1`.

    Raises:
        ConfigurationError: It says neither 0 nor 1.
    """
    value = uri.options.get("infrared", "0")
    if value not in ("0", "1"):
        raise ConfigurationError(f"{uri.text}: infrared must be 0 or 1, not {value!r}")
    return value == "1"


def in_real_time(uri: Uri) -> bool:
    """Whether a recording is to be played at its recorded rate; `?realtime=no` plays it as fast as it is read."""
    return uri.options.get("realtime", "yes") != "no"
