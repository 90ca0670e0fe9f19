"""Asus Xtion, PrimeSense, Kinect v1 and everything else that has an OpenNI2 driver; also its recordings (.oni).

`openni:<uri>` opens a device by OpenNI2's own name (percent-encoded where it holds `?`), `openni:` the first one, and
`openni:file:<path>` a recording: every frame in order at its recorded rate, with `?realtime=no` as fast as it is read.
"""

from __future__ import annotations

import ctypes
import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import Calibration, Origin, register_depth
from rgbd_seg.errors import EndOfStream, RecordingError, SensorError, SensorLost
from rgbd_seg.recording.pictures.depth_as_gray import NO_COLOR, gray_of_depth
from rgbd_seg.sensors import Uri
from rgbd_seg.sensors.drivers import modes, openni_runtime
from rgbd_seg.sensors.drivers import openni_streams as streams
from rgbd_seg.sensors.drivers.pairing import Pairing, Side
from rgbd_seg.sensors.drivers.vendor_recording import in_real_time, recording_of
from rgbd_seg.sensors.sensor import Capture, Control, ControlValue, Request, Sensor, SensorInfo, StreamMode

# A recording that yields nothing for so long has ended; the runtime does not say so (seconds).
_END_OF_FILE_S = 1.0
# Destroying streams right after stopping them crashes inside the runtime (seconds).
_SETTLE_S = 0.1


class OpenNiSensor(Sensor):
    """One device or recording behind OpenNI2.

    Args:
        name: OpenNI2's URI of the device, "" for the first, or the path of a recording.
        info: What is known before it is open.
        request: Mode and registration.
        realtime: Whether a recording is played at its recorded rate.
    """

    def __init__(self, name: str, info: SensorInfo, request: Request, *, realtime: bool = True) -> None:
        super().__init__(info, request)
        self._name = name
        self._realtime = realtime
        self._device: Any = None
        self._color: Any = None
        self._depth: Any = None
        self._listener: Any = None
        self._disconnected = False
        self._modes: tuple[StreamMode, ...] = ()
        self._frames_in_file: dict[str, float] = {}
        self._warnings: list[str] = []
        self._last_number: dict[Side, int] = {}
        self._silent_s = 0.0

    def modes(self) -> tuple[StreamMode, ...]:
        """Sizes and rates that both streams offer."""
        return self._modes

    def _open(self) -> Calibration:
        openni2 = openni_runtime.start()
        self._silent_s, self._disconnected = 0.0, False
        self._last_number = {"color": 0, "depth": 0}
        recording = self.info.kind == "recording"
        try:
            self._device = openni2.Device(os_path(self._name) if recording else _find_device(openni2, self._name))
            calibration = self._start(openni2)
        except (openni2.OpenNIError, AssertionError) as error:
            self._release()
            raise SensorError(self._why_not(error)) from error
        except BaseException:
            self._release()
            raise
        if not recording:
            own = self._device.uri
            self._listener = openni_runtime.listen(lambda uri: self._lost() if uri == own else None)
        return calibration

    def _start(self, openni2: Any) -> Calibration:
        device = self._device
        if not device.has_sensor(openni2.SENSOR_DEPTH):
            raise SensorError(f"{self.info.name} has no depth")
        color_formats, depth_formats = streams.formats(openni2, device)
        self._encodings = streams.encodings(openni2)
        self._depth = device.create_depth_stream()
        if color_formats:
            is_color = device.has_sensor(openni2.SENSOR_COLOR)
            self._color = device.create_color_stream() if is_color else device.create_ir_stream()
        if device.is_file() and color_formats:
            offered = set(color_formats)  # Of each stream there is one, whatever the other's is.
        else:
            offered = set(color_formats) & set(depth_formats) if color_formats else set(depth_formats)
        self._modes = modes.in_order(offered)
        mode = modes.choose(self._modes, self.request, self.info.name)
        depth_mode = mode if mode in depth_formats else next(iter(depth_formats), mode)
        if depth_mode not in depth_formats:
            raise SensorError(f"{self.info.name} has depth in a format that is not known")
        if device.is_file():
            device.playback.set_speed(-1.0)  # Frame by frame, as they are read: nothing is lost.
            device.playback.set_repeat_enabled(False)
            counts = {side: stream.get_number_of_frames() for side, stream in self._streams}
            # A recorder that was killed leaves -1: the end is then where nothing comes any more.
            self._frames_in_file = {side: count if count >= 0 else math.inf for side, count in counts.items()}
            self._warnings = [*self._odd(openni2, has_color=bool(color_formats))]
            self.pace_hz = mode.fps if self._realtime and mode.fps > 0 else None
        else:
            for side, stream in self._streams:
                formats = color_formats if side == "color" else depth_formats
                streams.set_mode(stream, mode, formats[mode])
                # The default is a mirror image.
                _try(openni2, partial(stream.set_mirroring_enabled, False))
            _try(openni2, lambda: device.set_depth_color_sync_enabled(True))
        for _, stream in self._streams:
            stream.start()
        registered = self._register(openni2)
        self._pairing = Pairing(period_us=1e6 / mode.fps if mode.fps > 0 else 1e6 / 30)
        self.info = _device_info(openni2, device, self.info)
        unit_m = 0.0001 if depth_formats[depth_mode] == openni2.PIXEL_FORMAT_DEPTH_100_UM else 0.001
        intrinsics, origin = streams.intrinsics(openni2, self._color or self._depth, mode)
        depth_lens, depth_origin = streams.intrinsics(openni2, self._depth, depth_mode)
        self._depth_lens = None
        if (depth_mode.width, depth_mode.height) != (mode.width, mode.height):
            # Where only one of both tells its field of view, it is taken for the other's too.
            same = intrinsics.scaled(depth_mode.width, depth_mode.height)
            self._depth_lens = depth_lens if origin == depth_origin else same
            self._warnings.append(
                f"{self.info.name}: depth of {depth_mode.width}x{depth_mode.height} is brought to colour's "
                f"{mode.width}x{mode.height} by the field of view of both; where one camera stands beside the other, "
                "it is off near by"
            )
        self._lens, self._unit_m = intrinsics, unit_m
        said_by: Origin = "assumed" if device.is_file() else "device"  # A file does not say whether it is.
        return Calibration(intrinsics, unit_m, registered, origin, registration_origin=said_by)

    @property
    def _streams(self) -> tuple[tuple[Side, Any], ...]:
        """What is there; depth starts first."""
        both: tuple[tuple[Side, Any], ...] = (("depth", self._depth), ("color", self._color))
        return tuple((side, stream) for side, stream in both if stream is not None)

    def _odd(self, openni2: Any, *, has_color: bool) -> Iterator[str]:
        """What is odd about a recording, in whole sentences."""
        if math.inf in self._frames_in_file.values():
            yield f"{self.info.name} was not closed by its recorder: how many frames it has is not known"
        if not has_color:
            yield f"{self.info.name}: {NO_COLOR}"
        elif not self._device.has_sensor(openni2.SENSOR_COLOR):
            yield f"{self.info.name}: there is no colour; infrared is shown in its place"
        for side, stream in self._streams:
            name = "colour" if side == "color" else side
            try:
                mirrored = bool(stream.get_mirroring_enabled())
            except (openni2.OpenNIError, AttributeError):
                continue
            if mirrored:
                yield f"{self.info.name}: {name} was recorded as a mirror image, and is shown as it was recorded"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the recording, in whole sentences."""
        return tuple(self._warnings)

    def _register(self, openni2: Any) -> bool:
        """Asks for registration if wanted (it sticks only after both streams run); whether depth now is registered."""
        on, off = openni2.IMAGE_REGISTRATION_DEPTH_TO_COLOR, openni2.IMAGE_REGISTRATION_OFF
        mode = on if self.request.registered else off
        if self._device.is_image_registration_mode_supported(mode):
            _try(openni2, lambda: self._device.set_image_registration_mode(mode))
        try:
            return bool(self._device.get_image_registration_mode().value == on.value)
        except (openni2.OpenNIError, AttributeError):
            return False

    def _grab(self, timeout_s: float) -> Capture | None:
        openni2 = openni_runtime.start()
        deadline = time.monotonic() + timeout_s
        sides = self._streams
        while True:
            if self._disconnected:
                raise SensorLost(f"{self.info.name} was unplugged")
            last = self._last_number
            if self._frames_in_file and all(last[side] >= self._frames_in_file[side] for side, _ in sides):
                raise EndOfStream(f"{self.info.name} has ended")
            started = time.monotonic()
            try:
                ready = openni2.wait_for_any_stream([s for _, s in sides], timeout=max(deadline - started, 0.0))
                side = next((side for side, stream in sides if stream is ready), None)
                half = None if side is None else streams.read(ready, side, self._encodings)
            except openni2.OpenNIError as error:
                raise SensorLost(f"{self.info.name} failed: {openni_runtime.explain(error)}") from error
            except RecordingError as error:
                raise SensorLost(f"{self.info.name} delivered a broken picture: {error}") from error
            if half is None or side is None:
                self._silent_s += time.monotonic() - started
                if self._frames_in_file and self._silent_s >= _END_OF_FILE_S:
                    raise EndOfStream(f"{self.info.name} ends here, earlier than its header says")
                return None
            self._silent_s, self._last_number[side] = 0.0, half.number
            if self._color is None:
                shown = gray_of_depth(half.pixels, self._unit_m)
                return Capture(shown, half.pixels, half.number, half.time_us)
            pair = self._pairing.add(side, half)
            if pair is not None:
                color, depth = pair
                return Capture(color.pixels, self._on_color(depth.pixels), color.number, color.time_us)

    def _on_color(self, depth: NDArray[np.uint16]) -> NDArray[np.uint16]:
        """Depth of another size on colour's grid."""
        if self._depth_lens is None:
            return depth
        return register_depth(depth, self._depth_lens, self._lens, self._unit_m)

    def controls(self) -> tuple[Control, ...]:
        """Exposure, gain and white balance of the colour camera, where the device has them."""
        camera = self._color.camera if self.is_open and self._color is not None else None
        if camera is None or self.info.kind == "recording":
            return ()
        return (
            Control("auto_exposure", "Auto exposure", bool(camera.auto_exposure)),
            Control("auto_white_balance", "Auto white balance", bool(camera.auto_white_balance)),
            Control("exposure", "Exposure", int(camera.exposure), 0, 10_000, 1, unit="ms"),
            Control("gain", "Gain", int(camera.gain), 0, 1500, 1),
        )

    def _set_control(self, control: Control, value: ControlValue) -> None:
        try:
            setattr(self._color.camera, control.name, value)
        except openni_runtime.start().OpenNIError as error:
            text = openni_runtime.explain(error)
            raise SensorError(f"{self.info.name} refused {control.label} = {value}: {text}") from error

    def _close(self) -> None:
        self._release()

    def _lost(self) -> None:
        self._disconnected = True

    def _release(self) -> None:
        """Stops and frees everything that was opened, in the order that the runtime survives."""
        running = [s for s in (self._color, self._depth) if s is not None]
        openni2 = openni_runtime.start()
        for stream in running:
            _try(openni2, stream.stop)
        if running:
            time.sleep(_SETTLE_S)
        for item in (self._listener, *running, self._device):
            if item is not None:
                _try(openni2, item.close)
        self._color = self._depth = self._device = self._listener = None

    def _why_not(self, error: Exception) -> str:
        text = openni_runtime.explain(error)
        if self.info.kind == "recording":
            if not Path(self._name).is_file():
                return f"there is no file {self._name}"
            return f"{self._name} is not a whole OpenNI2 recording ({text})"
        return f"cannot open {self.info.name}: {text}. Is it plugged in, and not in use by another program?"


def os_path(path: str) -> bytes:
    """A path as OpenNI2 takes it: absolute, because the runtime changes its idea of the working directory."""
    return str(Path(path).expanduser().absolute()).encode()


def _try(openni2: Any, call: Callable[[], Any]) -> None:
    """Makes a call that a device may refuse without harm."""
    try:
        call()
    except openni2.OpenNIError:
        pass


def _usb_id(uri: str) -> str:
    """Vendor and product of a device URI such as `1d27/0601@1/5`; what follows changes when it is plugged in again."""
    return uri.partition("@")[0]


def _find_device(openni2: Any, name: str) -> bytes | None:
    """The device with this URI, or after re-plugging the only one of the same kind; None lets OpenNI2 choose.

    Raises:
        SensorError: There is no such device, or several could be meant.
    """
    if not name or name == "Dummy" or "://" in name:
        return name.encode() if name else None
    present: list[str] = [uri.decode() for uri in openni2.Device.enumerate_uris()]
    if name in present:
        return name.encode()
    same_kind = [uri for uri in present if _usb_id(uri) == _usb_id(name)]
    if len(same_kind) == 1:
        return same_kind[0].encode()
    listed = ", ".join(present) or "none"
    raise SensorError(f"there is no OpenNI2 device {name} (present: {listed}): plug it in, and close other programs")


def _text_property(device: Any, number: int) -> str:
    """A text that a device may know about itself, else ""."""
    buffer = (ctypes.c_char * 128)()
    size = ctypes.c_int(ctypes.sizeof(buffer))
    from openni import _openni2

    try:
        _openni2.oniDeviceGetProperty(device._handle, number, ctypes.byref(buffer), ctypes.byref(size))  # noqa: SLF001
    except Exception:  # Whatever it raises, the device does not know.
        return ""
    return buffer.value.decode(errors="replace")


def _device_info(openni2: Any, device: Any, known: SensorInfo) -> SensorInfo:
    about = device.get_device_info()
    maker, name = about.vendor.decode(errors="replace"), about.name.decode(errors="replace")
    if known.kind == "recording":
        return known
    return SensorInfo(
        uri=known.uri if not known.uri.startswith("openni:") else f"openni:{quote(about.uri.decode(), safe='/@:')}",
        name=f"{maker} {name}".strip(),
        kind="camera",
        serial=_text_property(device, openni2.c_api.ONI_DEVICE_PROPERTY_SERIAL_NUMBER),
        connection="USB" if about.usbVendorId else "",
        firmware=_text_property(device, openni2.c_api.ONI_DEVICE_PROPERTY_FIRMWARE_VERSION),
        details={"runtime": f"OpenNI {openni_runtime.version()}"},
    )


def watch(changed: Callable[[], None]) -> Any:
    """Calls `changed` from a thread of OpenNI2 whenever a device comes or goes, while the result is kept.

    Raises:
        SensorError: The runtime is missing.
    """
    return openni_runtime.listen(lambda _: changed(), changed)


def list_devices() -> list[SensorInfo]:
    """The plugged-in devices that OpenNI2 has drivers for, but for Kinect v2, which has a list of its own.

    Raises:
        SensorError: The runtime is missing.
    """
    return [device for device in all_devices() if not device.uri.startswith("openni:freenect2:")]


def all_devices() -> list[SensorInfo]:
    """The plugged-in devices of all drivers; none is opened.

    Raises:
        SensorError: The runtime is missing.
    """
    openni2 = openni_runtime.start()
    api = openni2.c_api
    devices, count = ctypes.POINTER(api.OniDeviceInfo)(), ctypes.c_int()
    api.oniGetDeviceList(ctypes.byref(devices), ctypes.byref(count))
    try:
        return [
            SensorInfo(
                uri=f"openni:{quote(devices[i].uri.decode(), safe='/@:')}",
                name=f"{devices[i].vendor.decode(errors='replace')} {devices[i].name.decode(errors='replace')}".strip(),
                kind="camera",
                connection="USB" if devices[i].usbVendorId else "",
            )
            for i in range(count.value)
        ]
    finally:
        api.oniReleaseDeviceList(devices)


def open_device(uri: Uri, request: Request) -> OpenNiSensor:
    """A device or a recording, not opened yet.

    Raises:
        ConfigurationError: An option is unknown.
    """
    uri.refuse_unknown("realtime")
    rest = unquote(uri.rest)
    if recording := recording_of(uri):
        return OpenNiSensor(recording.details["path"], recording, request, realtime=in_real_time(uri))
    name = f"OpenNI2 device {rest}" if rest else "OpenNI2 device"
    return OpenNiSensor(rest, SensorInfo(uri.text, name, "camera"), request)
