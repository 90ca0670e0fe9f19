"""What people call a source, and the few facts that tell two of the same name apart."""

from __future__ import annotations

from pathlib import Path

from rgbd_seg.sensors import parse_uri
from rgbd_seg.sensors.drivers.replay import OWN_OPTIONS
from rgbd_seg.sensors.sensor import SensorInfo

_CAMERAS = {
    "realsense": "RealSense",
    "openni": "OpenNI camera",
    "kinect1": "Kinect v1",
    "kinect2": "Kinect v2",
    "azure": "Azure Kinect",
}


def short_name(uri: str) -> str:
    """A few words for buttons and menus: "RealSense 0123", "Synthetic room 3", "kitchen.mcap"."""
    scheme, _, rest = uri.partition(":")
    if scheme == "synthetic":
        seed = rest.partition("seed=")[2].split("&")[0]
        return f"Synthetic room {seed}".rstrip()
    if scheme in _CAMERAS:
        return f"{_CAMERAS[scheme]} {rest.split('?')[0]}".rstrip()
    path = Path(uri.split("?")[0] if "=" in uri.partition("?")[2] else uri)
    parent = path.parent.name
    return path.name if path.suffix or not parent else f"{parent}/{path.name}"


def picture_of(uri: str) -> str:
    """The icon of a source."""
    scheme = uri.partition(":")[0]
    if scheme in _CAMERAS:
        return "camera"
    if scheme == "synthetic":
        return "room"
    return "file" if "." in short_name(uri) else "folder"


def from_anywhere(uri: str) -> str:
    """The same source, named so that it is found again from another folder: an existing path becomes absolute."""
    path, mark, query = uri.partition("?")
    if mark and "=" not in query:
        path, mark, query = uri, "", ""
    try:
        local = Path(path).expanduser()
        return f"{local.absolute()}{mark}{query}" if path and local.exists() else uri
    except (OSError, RuntimeError, ValueError):  # No path at all: opening it will say so.
        return uri


def facts(info: SensorInfo) -> str:
    """Serial number, connection and firmware, as far as known."""
    return " · ".join(part for part in (info.serial, info.connection, info.firmware) if part)


def recording_of(uri: str) -> tuple[Path, dict[str, str]]:
    """The file or folder that a recording's URI names, and the options of its reader."""
    parsed = parse_uri(uri)
    options = {key: value for key, value in parsed.options.items() if key not in OWN_OPTIONS}
    return Path(parsed.rest).expanduser(), options
