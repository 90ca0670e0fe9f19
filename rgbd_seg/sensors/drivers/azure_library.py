"""The functions of Microsoft's Azure Kinect SDK that we need, bound with ctypes.

Its libraries come with Orbbec's wrapper for Femto cameras, with Microsoft's own packages, or inside the wheel
`pyk4a-bundle`, whose Python module is not used: it is compiled for NumPy 1.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys
from ctypes import POINTER, byref, c_bool, c_char_p, c_float, c_int, c_int32, c_size_t, c_uint8, c_uint32, c_uint64
from ctypes import c_void_p as handle
from importlib import metadata
from pathlib import Path
from typing import Any

from rgbd_seg.errors import SensorError

HOW_TO_INSTALL = "pip install 'rgbd-seg[azure]'; for a Femto, Orbbec's wrapper of the Azure Kinect SDK"
_WHEEL = "pyk4a-bundle"

SUCCEEDED, FAILED, NO_MORE = 0, 1, 2  # NO_MORE: a time-out of a camera, the end of a file.
MJPEG, NV12, YUY2, BGRA = range(4)
#: Size of colour -> its number.
COLOR_MODES = {
    (1280, 720): 1, (1920, 1080): 2, (2560, 1440): 3, (2048, 1536): 4, (3840, 2160): 5, (4096, 3072): 6,
}  # fmt: skip
#: The narrow field of view with all its pixels: 640x576, up to 30 frames a second.
DEPTH_NARROW = 2
#: Frames a second -> its number.
RATES = {5: 0, 15: 1, 30: 2}
_COLOR, _DEPTH, _PLACES = 1, 0, 4


class DeviceConfiguration(ctypes.Structure):
    """`k4a_device_configuration_t`."""

    _fields_ = (
        ("color_format", c_int),
        ("color_mode", c_int),
        ("depth_mode", c_int),
        ("rate", c_int),
        ("pairs_only", c_bool),
        ("depth_delay_us", c_int32),
        ("wired_sync", c_int),
        ("subordinate_delay_us", c_uint32),
        ("no_light", c_bool),
    )


class RecordConfiguration(ctypes.Structure):
    """`k4a_record_configuration_t`."""

    _fields_ = (
        ("color_format", c_int),
        ("color_mode", c_int),
        ("depth_mode", c_int),
        ("rate", c_int),
        ("has_color", c_bool),
        ("has_depth", c_bool),
        ("has_infrared", c_bool),
        ("has_motion", c_bool),
        ("depth_delay_us", c_int32),
        ("wired_sync", c_int),
        ("subordinate_delay_us", c_uint32),
        ("start_us", c_uint32),
    )


class Extrinsics(ctypes.Structure):
    """`k4a_calibration_extrinsics_t`: millimetres."""

    _fields_ = (("rotation", c_float * 9), ("translation", c_float * 3))


class Lens(ctypes.Structure):
    """`k4a_calibration_camera_t`; the numbers are cx, cy, fx, fy, k1 to k6, codx, cody, p2, p1, radius."""

    _fields_ = (
        ("extrinsics", Extrinsics),
        ("model", c_int),
        ("count", c_uint32),
        ("numbers", c_float * 15),
        ("width", c_int),
        ("height", c_int),
        ("radius", c_float),
    )


class Calibration(ctypes.Structure):
    """`k4a_calibration_t`."""

    _fields_ = (
        ("depth", Lens),
        ("color", Lens),
        ("places", (Extrinsics * _PLACES) * _PLACES),
        ("depth_mode", c_int),
        ("color_mode", c_int),
    )

    @property
    def depth_to_color(self) -> Extrinsics:
        """Takes points of depth's camera to colour's."""
        place: Extrinsics = self.places[_DEPTH][_COLOR]
        return place


_CAMERA: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "k4a_device_get_installed_count": (c_uint32, ()),
    "k4a_device_open": (c_int, (c_uint32, POINTER(handle))),
    "k4a_device_close": (None, (handle,)),
    "k4a_device_get_serialnum": (c_int, (handle, c_char_p, POINTER(c_size_t))),
    "k4a_device_get_calibration": (c_int, (handle, c_int, c_int, POINTER(Calibration))),
    "k4a_device_start_cameras": (c_int, (handle, POINTER(DeviceConfiguration))),
    "k4a_device_stop_cameras": (None, (handle,)),
    "k4a_device_get_capture": (c_int, (handle, POINTER(handle), c_int32)),
    "k4a_capture_get_color_image": (handle, (handle,)),
    "k4a_capture_get_depth_image": (handle, (handle,)),
    "k4a_capture_release": (None, (handle,)),
    "k4a_image_get_buffer": (POINTER(c_uint8), (handle,)),
    "k4a_image_get_size": (c_size_t, (handle,)),
    "k4a_image_get_width_pixels": (c_int, (handle,)),
    "k4a_image_get_height_pixels": (c_int, (handle,)),
    "k4a_image_get_stride_bytes": (c_int, (handle,)),
    "k4a_image_get_format": (c_int, (handle,)),
    "k4a_image_get_device_timestamp_usec": (c_uint64, (handle,)),
    "k4a_image_release": (None, (handle,)),
}
_FILE: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "k4a_playback_open": (c_int, (c_char_p, POINTER(handle))),
    "k4a_playback_close": (None, (handle,)),
    "k4a_playback_get_calibration": (c_int, (handle, POINTER(Calibration))),
    "k4a_playback_get_record_configuration": (c_int, (handle, POINTER(RecordConfiguration))),
    "k4a_playback_get_next_capture": (c_int, (handle, POINTER(handle))),
    "k4a_playback_get_tag": (c_int, (handle, c_char_p, c_char_p, POINTER(c_size_t))),
}


def find() -> tuple[str, str] | None:
    """Paths or names of the libraries for cameras and for files, None if they are not installed."""
    installed = ctypes.util.find_library("k4a"), ctypes.util.find_library("k4arecord")
    if installed[0] and installed[1]:
        return installed[0], installed[1]
    try:
        files = metadata.files(_WHEEL) or []
    except metadata.PackageNotFoundError:
        return None
    ending = ".dll" if sys.platform == "win32" else ".so"
    libraries = {file.name: str(file.locate()) for file in files if ending in file.name}

    def named(name: str) -> str | None:
        return next((path for file, path in libraries.items() if file.removeprefix("lib").startswith(name)), None)

    camera, recording = named(f"k4a{ending}") or named("k4a-"), named("k4arecord")
    return (camera, recording) if camera and recording else None


def version() -> str:
    """Which library would be loaded, "" if none is installed."""
    found = find()
    return Path(found[0]).name if found else ""


def load() -> tuple[Any, Any]:
    """The library for cameras and the one for files, with their functions declared.

    Raises:
        SensorError: They are missing or do not load.
    """
    paths = find()
    if paths is None:
        raise SensorError(f"the Azure Kinect SDK is not installed: {HOW_TO_INSTALL}")
    # It would write of every camera that is not there.
    os.environ.setdefault("K4A_ENABLE_LOG_TO_STDOUT", "0")
    try:
        # The second wants the first by a name that only this makes known.
        libraries = [ctypes.CDLL(path, ctypes.RTLD_GLOBAL) for path in paths]
        for library, functions in zip(libraries, (_CAMERA, _FILE), strict=True):
            for name, (result, arguments) in functions.items():
                function = getattr(library, name)
                function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise SensorError(f"the Azure Kinect SDK does not load: {error}") from error
    return libraries[0], libraries[1]


def text_of(call: Any, *arguments: Any) -> str:
    """A text that a function writes into a buffer, "" if it has none."""
    size = c_size_t(256)
    buffer = ctypes.create_string_buffer(size.value)
    return buffer.value.decode(errors="replace") if call(*arguments, buffer, byref(size)) == SUCCEEDED else ""
