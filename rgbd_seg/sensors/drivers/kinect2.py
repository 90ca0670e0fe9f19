"""Kinect v2 (Xbox One) by whichever of three routes is installed, tried in this order.

1. `openni`: libfreenect2's own OpenNI2 driver, through our OpenNI2 adapter.
2. `libfreenect2`: its Python binding pylibfreenect2, with the factory's intrinsics.
3. `kinect-next`: Microsoft's runtime on Windows.

`kinect2:<serial>` opens a camera, `kinect2:` the first, `?backend=` picks a route, `?infrared=1` adds the
infrared picture (route 2), `kinect2:file:<path>` plays an .oni
recording. Frames have the depth camera's 512x424 grid, because that is where every depth value was measured.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from urllib.parse import unquote

from rgbd_seg.errors import ConfigurationError, SensorError
from rgbd_seg.sensors import Uri
from rgbd_seg.sensors.drivers import kinect2_libfreenect2, kinect2_windows, openni, openni_runtime
from rgbd_seg.sensors.drivers.vendor_recording import in_real_time, recording_of, wants_infrared
from rgbd_seg.sensors.sensor import Request, Sensor, SensorInfo

BACKENDS = ("openni", "libfreenect2", "kinect-next")
OPENNI_PREFIX = "freenect2://"
HOW_TO_INSTALL = (
    "install Microsoft's Kinect for Windows SDK 2.0, then: pip install kinect-next"
    if sys.platform == "win32"
    else "build libfreenect2 with its OpenNI2 driver: git clone https://github.com/OpenKinect/libfreenect2 && "
    "cmake -S libfreenect2 -B libfreenect2/build && sudo make -C libfreenect2/build install install-openni2"
)


def installed() -> list[str]:
    """The routes that are installed, in the order of trying; nothing is loaded."""
    found = []
    folder = openni_runtime.library_folder()
    if folder and find_spec("openni") and list((folder / "OpenNI2" / "Drivers").glob("*freenect2*")):
        found.append("openni")
    if find_spec("pylibfreenect2"):
        found.append("libfreenect2")
    if sys.platform == "win32" and find_spec("kinect_next"):
        found.append("kinect-next")
    return found


def openni_name(serial: str) -> str:
    """What libfreenect2's OpenNI2 driver calls a device whose depth it shall give at full size."""
    return f"{OPENNI_PREFIX}0?{f'serial={serial}&' if serial else ''}depth-size=512x424"


def list_devices() -> list[SensorInfo]:
    """The plugged-in devices, by the first installed route.

    Raises:
        SensorError: No route is installed, or it cannot look.
    """
    routes = installed()
    if not routes:
        raise SensorError(f"nothing that reads a Kinect v2 is installed: {HOW_TO_INSTALL}")
    if routes[0] == "libfreenect2":
        return kinect2_libfreenect2.list_devices()
    if routes[0] == "kinect-next":
        return kinect2_windows.list_devices()
    found = []
    for device in openni.all_devices():
        name = unquote(device.uri.removeprefix("openni:"))
        if name.startswith(OPENNI_PREFIX):
            serial = name.partition("serial=")[2].partition("&")[0]
            found.append(SensorInfo(f"kinect2:{serial}", "Kinect v2", "camera", serial, "USB 3"))
    return found


def open_device(uri: Uri, request: Request) -> Sensor:
    """A camera or a recording, not opened yet.

    Raises:
        ConfigurationError: An option is unknown, or names no route.
        SensorError: No route is installed.
    """
    uri.refuse_unknown("backend", "realtime", "infrared")
    infrared = wants_infrared(uri)
    rest = unquote(uri.rest)
    if recording := recording_of(uri):
        return openni.OpenNiSensor(recording.details["path"], recording, request, realtime=in_real_time(uri))
    route = uri.options.get("backend") or next(iter(installed()), "")
    if not route:
        raise SensorError(f"nothing that reads a Kinect v2 is installed: {HOW_TO_INSTALL}")
    if infrared and route != "libfreenect2":
        raise ConfigurationError(f"{uri.text}: infrared comes with backend=libfreenect2 alone, not with {route}")
    info = SensorInfo(uri.text, f"Kinect v2 {rest}".rstrip(), "camera", serial=rest)
    if route == "openni":
        return openni.OpenNiSensor(openni_name(rest), info, request)
    if route == "libfreenect2":
        return kinect2_libfreenect2.Libfreenect2Sensor(rest, info, request, infrared=infrared)
    if route == "kinect-next":
        return kinect2_windows.KinectNextSensor(info, request)
    raise ConfigurationError(f"{uri.text}: backend must be one of {', '.join(BACKENDS)}, not {route!r}")
