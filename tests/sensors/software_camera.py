"""A live RealSense without hardware: librealsense's own software device, plugged in for as long as a file exists.

As a driver (`list_devices`, `watch`, `open_device`) it runs the program's RealSense code on the real librealsense,
in whichever process asks; the file's path is `SOFTWARE_CAMERA` in the environment.
"""

from __future__ import annotations

import os
import queue
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from rgbd_seg.sensors.drivers import realsense
from rgbd_seg.sensors.sensor import SensorInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from rgbd_seg.sensors import Uri
    from rgbd_seg.sensors.sensor import Request

WIDTH, HEIGHT, FX, FPS = 320, 240, 300.0, 30
UNIT_M = 0.001
DISTANCE = 1500  # Depth counts of every pixel.
INFRARED = 90  # Of every pixel.
SERIAL = "832112070255"
EXPOSURE = (1.0, 10_000.0, 1.0, 156.0)  # Least, most, step, at first.
LASER_MW = (0.0, 360.0, 30.0, 150.0)
PRESETS = 4  # A software device has no names for them.


class SoftwareCamera:
    """One software device with writable options in a context of its own; a thread feeds it while it is plugged in."""

    def __init__(self) -> None:
        self.rs: Any = realsense.load()
        self.context = self.rs.context()
        self.device = self._make_device()
        self._listed: Any = None  # While this list is kept, the context knows the device.
        self._unplugged = threading.Event()
        self._feeder: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.plug_in()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_frames()

    def plug_in(self) -> None:
        """The context has the camera from now on, and frames arrive."""
        lists: queue.Queue[Any] = queue.Queue()
        self.context.set_devices_changed_callback(lambda event: lists.put(event.get_new_devices()))
        self.device.add_to(self.context)
        self._listed = lists.get(timeout=60)
        self._feeder = threading.Thread(target=self._feed, daemon=True)
        self._feeder.start()

    def pull_out(self) -> None:
        """Frames stop, and librealsense tells whoever listens that its list has changed.

        It never says that a software device was removed; it says so of recordings that were loaded as devices.
        """
        self.stop_frames()
        self._listed, self._other = None, self.rs.software_device()
        self._other.add_to(self.context)

    def stop_frames(self) -> None:
        """The feeding thread ends; the device stays."""
        self._unplugged.set()
        if self._feeder is not None:
            self._feeder.join()

    def _make_device(self) -> Any:
        rs, lens = self.rs, self.rs.intrinsics()
        lens.width, lens.height, lens.fx, lens.fy = WIDTH, HEIGHT, FX, FX
        lens.ppx, lens.ppy, lens.model, lens.coeffs = WIDTH / 2, HEIGHT / 2, rs.distortion.none, [0.0] * 5
        device = rs.software_device()
        about = {"name": "Software D435", "serial_number": SERIAL, "firmware_version": "5.16.0.1"}
        for key, text in (about | {"usb_type_descriptor": "3.2", "product_line": "D400"}).items():
            device.register_info(getattr(rs.camera_info, key), text)
        self._cameras = device.add_sensor("Stereo Module"), device.add_sensor("RGB Camera")
        stereo, rgb = self._cameras
        kinds = (
            (stereo, rs.stream.depth, rs.format.z16, 2, 0),
            (rgb, rs.stream.color, rs.format.rgb8, 3, 0),
            (stereo, rs.stream.infrared, rs.format.y8, 1, 1),
        )
        self._streams = []
        for uid, (camera, kind, pixel_format, size, index) in enumerate(kinds):
            stream = rs.video_stream()
            stream.type, stream.fmt, stream.bpp, stream.uid, stream.index = kind, pixel_format, size, uid, index
            stream.width, stream.height, stream.fps, stream.intrinsics = WIDTH, HEIGHT, FPS, lens
            self._streams.append(camera.add_video_stream(stream))
        shift = rs.extrinsics()
        shift.rotation, shift.translation = [1, 0, 0, 0, 1, 0, 0, 0, 1], [0.0] * 3
        self._streams[0].register_extrinsics_to(self._streams[1], shift)
        depth, color = self._cameras
        depth.add_read_only_option(rs.option.depth_units, UNIT_M)
        color.add_read_only_option(rs.option.white_balance, 4600.0)
        for camera, option, limits in (
            (color, rs.option.enable_auto_exposure, (0.0, 1.0, 1.0, 1.0)),
            (color, rs.option.exposure, EXPOSURE),
            (depth, rs.option.visual_preset, (0.0, PRESETS - 1.0, 1.0, 0.0)),
            (depth, rs.option.emitter_enabled, (0.0, 1.0, 1.0, 1.0)),
            (depth, rs.option.laser_power, LASER_MW),
        ):
            span = rs.option_range()
            span.min, span.max, span.step, span.default = limits
            camera.add_option(option, span, True)
            camera.set_option(option, limits[3])
        device.create_matcher(rs.matchers.default)
        return device

    def _feed(self) -> None:
        number = 0
        while not self._unplugged.wait(1 / FPS):
            number += 1
            depth = np.full((HEIGHT, WIDTH), DISTANCE, np.uint16)
            color = np.full((HEIGHT, WIDTH, 3), number % 256, np.uint8)
            infrared = np.full((HEIGHT, WIDTH), INFRARED, np.uint8)
            cameras = (*self._cameras, self._cameras[0])
            for camera, stream, pixels in zip(cameras, self._streams, (depth, color, infrared), strict=True):
                frame = self.rs.software_video_frame()
                frame.pixels, frame.bpp = pixels, pixels.nbytes // (WIDTH * HEIGHT)
                frame.stride = WIDTH * frame.bpp
                frame.timestamp, frame.domain = 1000 + number * 1e3 / FPS, self.rs.timestamp_domain.hardware_clock
                frame.frame_number, frame.profile = number, stream.as_video_stream_profile()
                camera.on_video_frame(frame)


# As a driver.


def _plug() -> Path:
    return Path(os.environ["SOFTWARE_CAMERA"])


def _follow_the_file(camera: SoftwareCamera) -> None:
    """Pulls the camera out when the file goes."""

    def wait() -> None:
        while _plug().exists():
            threading.Event().wait(0.02)
        camera.pull_out()

    threading.Thread(target=wait, daemon=True).start()


def list_devices() -> list[SensorInfo]:
    if not _plug().exists():
        return realsense.list_devices()
    with SoftwareCamera() as camera:
        return realsense.list_devices(camera.context)


def watch(changed: Callable[[], None]) -> Any:
    """Follows the file for the whole life of the process; what is heard comes from librealsense's own callback."""
    camera = SoftwareCamera()
    plugged = _plug().exists()
    if plugged:
        camera.plug_in()
    kept = realsense.watch(changed, camera.context)

    def come_or_go() -> None:
        while _plug().exists() == plugged:
            threading.Event().wait(0.02)
        if plugged:
            camera.pull_out()
        else:
            camera.device.add_to(camera.context)  # The new camera is never listed here, but it is announced.

    threading.Thread(target=come_or_go, daemon=True).start()
    return kept, camera


def open_device(uri: Uri, request: Request) -> realsense.RealSenseSensor:
    camera = SoftwareCamera()
    if _plug().exists():
        camera.plug_in()
        _follow_the_file(camera)
    info = SensorInfo(uri.text, f"Intel RealSense {SERIAL}", "camera", serial=SERIAL)
    return realsense.RealSenseSensor(SERIAL, info, request, context=camera.context)
