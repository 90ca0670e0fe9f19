"""All sources of frames by URI: the driver table, what is plugged in, and how to open it.

Another package adds a camera as an entry point of the group "rgbd_seg.sensors"; its test inherits
`rgbd_seg.testing.sensors`.

A URI is `scheme:rest?key=value`; anything without a known scheme is the path of a recording. A recording that a
vendor's library plays can be had from that driver as `scheme:file:<path>`, from its start to its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.sensors.sensor import Request, Sensor, SensorInfo
from rgbd_seg.system.extensions import extensions, load_extension

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rgbd_seg.recording.reader import RecordingReader

# Scheme -> module with list_devices() -> list[SensorInfo] and open_device(uri: Uri, request: Request) -> Sensor.
DRIVERS = {
    "realsense": "rgbd_seg.sensors.drivers.realsense",
    "openni": "rgbd_seg.sensors.drivers.openni",
    "kinect1": "rgbd_seg.sensors.drivers.freenect",
    "kinect2": "rgbd_seg.sensors.drivers.kinect2",
    "azure": "rgbd_seg.sensors.drivers.azure",
    "synthetic": "rgbd_seg.sensors.drivers.synthetic",
}
_REPLAY = "rgbd_seg.sensors.drivers.replay"
_GROUP = "rgbd_seg.sensors"
# All others load a vendor's library, or are somebody else's: they run in a child process unless told otherwise.
_OUR_OWN_CODE = frozenset({"synthetic", "file"})


@dataclass(frozen=True, slots=True)
class Uri:
    """A parsed source name: `scheme:rest?options`."""

    text: str
    scheme: str
    rest: str
    options: Mapping[str, str]

    def refuse_unknown(self, *known: str) -> None:
        """Raises ConfigurationError if an option is not among `known`."""
        for key in self.options:
            if key not in known:
                names = ", ".join(known) or "none"
                raise ConfigurationError(f"{self.text}: unknown option {key!r}; this source knows: {names}")


def parse_uri(text: str) -> Uri:
    """Takes a source name apart.

    Raises:
        ConfigurationError: The text is empty, too long or has an option twice.
    """
    text = str(text)
    if not text.strip() or len(text) > 4096 or "\0" in text:
        raise ConfigurationError("a source must be a URI such as synthetic:?seed=3, or a path")
    scheme, colon, rest = text.partition(":")
    if not colon or not _is_scheme(scheme):
        scheme, rest = "file", text
    rest, mark, query = rest.partition("?")
    if scheme == "file" and mark and "=" not in query:
        rest, query = rest + mark + query, ""
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) != len(pairs):
        raise ConfigurationError(f"{text}: an option is given twice")
    return Uri(text, scheme, rest, options)


def driver_modules() -> dict[str, str]:
    """Scheme -> name of the module that drives it: ours, then those of other packages."""
    return DRIVERS | {name: module for name, module in extensions(_GROUP).items() if name not in DRIVERS}


def _is_scheme(text: str) -> bool:
    # Other packages are looked for only where it can be no path, not even one of Windows.
    return text in DRIVERS or (len(text) > 1 and text.isidentifier() and text in extensions(_GROUP))


def driver_module(uri: Uri) -> str:
    """Name of the module that opens this source in-process."""
    return DRIVERS.get(uri.scheme) or extensions(_GROUP).get(uri.scheme, _REPLAY)


def open_sensor(uri: str, request: Request | None = None, *, isolated: bool | None = None) -> Sensor:
    """A source, not opened yet: call `open()` or use it in a `with` block.

    Args:
        uri: `realsense:<serial>`, `openni:<uri>`, `kinect1:0`, `kinect2:<serial>`, `azure:<serial>`,
            `synthetic:?seed=3`, or a path.
        request: Mode and registration; None for the source's default.
        isolated: Whether the driver runs in a child process; None: yes for drivers with a vendor's library and for
            those of other packages.

    Raises:
        ConfigurationError: The URI is malformed.
        SensorError: There is no such source.
    """
    parsed = parse_uri(uri)
    request = request or Request()
    if isolated or (isolated is None and parsed.scheme not in _OUR_OWN_CODE):
        module = import_module("rgbd_seg.sensors.isolation.isolated")
    elif parsed.scheme in extensions(_GROUP) and parsed.scheme not in DRIVERS:
        module = load_extension(_GROUP, parsed.scheme)
    else:
        module = import_module(driver_module(parsed))
    sensor: Sensor = module.open_device(parsed, request)
    return sensor


def open_any_recording(path: str | Path, **options: str) -> RecordingReader:
    """Opens everything recorded at random, also what only a vendor's library can play: see `sensors.vendor_copy`.

    Args:
        path: The file or folder.
        options: What the layout understands.

    Raises:
        RecordingError: It cannot be read.
    """
    vendor_copy = import_module("rgbd_seg.sensors.vendor_copy")
    reader: RecordingReader = vendor_copy.open_any_recording(path, open_sensor, **options)
    return reader


def discover(*, isolated: bool = True) -> tuple[list[SensorInfo], dict[str, str]]:
    """What can be opened now: cameras by driver, then the synthetic room.

    Args:
        isolated: Whether the vendors' libraries look in a child process, so that they cannot take this one down.

    Returns:
        The devices, and for each driver that could not look a sentence that says why.
    """
    hotplug = import_module("rgbd_seg.sensors.hotplug")
    look = hotplug.discover_isolated if isolated else hotplug.look
    devices: tuple[list[SensorInfo], dict[str, str]] = look(driver_modules())
    return devices
