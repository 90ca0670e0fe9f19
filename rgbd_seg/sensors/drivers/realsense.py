"""Intel RealSense through librealsense (pyrealsense2), and its recordings (.db3, .bag).

`realsense:<serial>` opens one camera, `realsense:` the first, and `realsense:file:<path>` a recording: every pair in
order at its recorded rate, with `?realtime=no` as fast as it is read. `?infrared=1` adds the picture of the first
infrared camera, where there is one. Depth is aligned to colour by `rs.align`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import Calibration
from rgbd_seg.errors import EndOfStream, SensorError, SensorLost
from rgbd_seg.sensors import Uri
from rgbd_seg.sensors.drivers import modes
from rgbd_seg.sensors.drivers.realsense_devices import (
    color_intrinsics,
    device_info,
    find_device,
    has_color,
    infrared_index,
    is_aligned,
    load,
    mode_pairs,
)
from rgbd_seg.sensors.drivers.realsense_filters import DepthFilters
from rgbd_seg.sensors.drivers.realsense_options import DeviceOptions
from rgbd_seg.sensors.drivers.vendor_recording import in_real_time, recording_of, wants_infrared
from rgbd_seg.sensors.sensor import Capture, Control, ControlValue, Request, Sensor, SensorInfo, StreamMode

# Playback's `resume` returns once frames flow; it is not waited for longer than this (seconds).
_RESUME_S = 2.0
_LOOK_S = 0.25  # How often a wait looks whether a recording has ended or the camera has gone.


class RealSenseSensor(Sensor):
    """One camera, or one recording of such a camera.

    Args:
        name: Serial number, "" for the first camera, or the path of a recording.
        info: What is known before it is open.
        request: Mode and registration.
        realtime: Whether a recording is played at its recorded rate.
        context: The librealsense context to look for the camera in; None for a new one each time it is opened.
        infrared: Whether frames carry the picture of the first infrared camera.
    """

    def __init__(
        self,
        name: str,
        info: SensorInfo,
        request: Request,
        *,
        realtime: bool = True,
        context: Any = None,
        infrared: bool = False,
    ) -> None:
        super().__init__(info, request)
        self._infrared = infrared
        self._name = name
        self._realtime = realtime
        self._given_context = context
        self._pipeline: Any = None
        self._playback: Any = None
        self._modes: tuple[StreamMode, ...] = ()
        self._resuming: threading.Thread | None = None
        self._warnings: list[str] = []
        self._forget()
        self._sample: Any = None
        self._removed = threading.Event()

    def _forget(self) -> None:
        """Nothing was read yet."""
        self._numbers: tuple[int | None, int | None] = (None, None)
        self._marks: tuple[tuple[float, ...], ...] = ((), ())
        self._unmarked: list[Any] = []
        self._counts_anew = False
        self._last_us: int | None = None
        self._clock_offset_us = 0
        self._resuming = None

    def modes(self) -> tuple[StreamMode, ...]:
        """Colour sizes and rates for which the camera has depth at the same rate."""
        return self._modes

    def _open(self) -> Calibration:
        rs = load()
        recording = self.info.kind == "recording"
        if recording and not Path(self._name).is_file():
            raise SensorError(f"there is no file {self._name}")
        self._removed.clear()
        self._forget()
        try:
            self._context = self._given_context or rs.context()
            self._pipeline = rs.pipeline(self._context)
            calibration = self._start_file(rs) if recording else self._start_camera(rs)
        except RuntimeError as error:
            self._stop()
            raise SensorError(self._why_not(error)) from error
        except BaseException:
            self._stop()
            raise
        return calibration

    def _start_file(self, rs: Any) -> Calibration:
        config = rs.config()
        config.enable_device_from_file(str(Path(self._name).expanduser().absolute()), False)
        device = config.resolve(rs.pipeline_wrapper(self._pipeline)).get_device()
        self._playback = device.as_playback()
        self._playback.set_real_time(False)  # Frame by frame, as they are read: nothing is lost.
        self._playback.pause()  # Else the first frames are gone before the first read.
        calibration = self._started(rs, self._pipeline.start(config), device)
        self.pace_hz = self._modes[0].fps if self._realtime else None
        return calibration

    def _start_camera(self, rs: Any) -> Calibration:
        device = find_device(self._context, rs, self._name)
        pairs = mode_pairs(rs, device)
        self._modes = modes.in_order(pairs)
        mode = modes.choose(self._modes, self.request, self.info.name)
        config = rs.config()
        config.enable_device(device.get_info(rs.camera_info.serial_number))
        config.enable_stream(rs.stream.color, mode.width, mode.height, rs.format.rgb8, int(mode.fps))
        config.enable_stream(rs.stream.depth, *pairs[mode], rs.format.z16, int(mode.fps))
        if self._infrared:  # Of the imager through which depth is seen; in its size, pixel on pixel with raw depth.
            index = infrared_index(rs, device, (*pairs[mode], int(mode.fps)), self.info.name)
            config.enable_stream(rs.stream.infrared, index, *pairs[mode], rs.format.y8, int(mode.fps))
        calibration = self._started(rs, self._pipeline.start(config), device)
        self._context.set_devices_changed_callback(self._check_removed(device))
        return calibration

    def _started(self, rs: Any, profile: Any, device: Any) -> Calibration:
        streams = {stream.stream_type(): stream.as_video_stream_profile() for stream in profile.get_streams()}
        if rs.stream.color not in streams or rs.stream.depth not in streams:
            raise SensorError(f"{self.info.name} has no colour and depth pair")
        color = streams[rs.stream.color]
        if self._playback is not None:
            self._modes = (StreamMode(color.width(), color.height(), float(color.fps())),)
        depth_camera = device.first_depth_sensor()
        color_camera = next((s for s in device.query_sensors() if has_color(rs, s)), depth_camera)
        self._options = DeviceOptions(rs, color_camera, depth_camera)
        self._filters = DepthFilters(rs)
        aligned = is_aligned(color, streams[rs.stream.depth])
        self._align = rs.align(rs.stream.color) if self.request.registered and not aligned else None
        intrinsics, note = color_intrinsics(rs, color.get_intrinsics())
        self.info = device_info(rs, device, self.info, note)
        registered = self.request.registered or aligned
        return Calibration(intrinsics, depth_camera.get_depth_scale(), registered, "device")

    def _grab(self, timeout_s: float) -> Capture | None:
        deadline = time.monotonic() + timeout_s
        self._resume()
        while True:
            if self._removed.is_set():
                raise SensorLost(f"{self.info.name} was unplugged")
            left_ms = max(int(min(deadline - time.monotonic(), _LOOK_S) * 1e3), 1)
            try:
                arrived, frames = self._pipeline.try_wait_for_frames(left_ms)
                pair = (frames.get_color_frame(), frames.get_depth_frame()) if arrived else None
                if pair is not None and all(pair) and (capture := self._capture(frames, *pair)):
                    return capture
            except RuntimeError as error:
                raise SensorLost(f"{self.info.name} failed: {error}") from error
            if not arrived and self._ended():
                raise EndOfStream(f"{self.info.name} has ended")
            if time.monotonic() >= deadline:
                return None

    def _capture(self, frames: Any, color: Any, depth: Any) -> Capture | None:
        """One pair in our own memory; None where half of it has been seen: librealsense re-uses it to fill pairs up.

        A live camera that repeats a whole pair is frozen: that pair goes out again with its number, for the base to
        judge.
        """
        numbers = (color.get_frame_number(), depth.get_frame_number())
        is_recording, last = self.info.kind == "recording", self._numbers
        marks = tuple(map(_mark, (color, depth)))
        repeated = [mark == before for mark, before in zip(marks, self._marks, strict=True)]
        if any(repeated):
            if not all(repeated) or is_recording:
                return None
        elif is_recording and not _has_record(color):
            self._counts_anew = True
            self._warn("pictures without a record of their number and time: they count as one interval after the last")
        elif last[0] is not None and numbers[0] <= last[0] and is_recording:
            self._counts_anew = True
            self._warn("the camera's frame numbers repeat or go back: frames are counted as they come")
        self._numbers, self._marks = numbers, marks
        # Held, so that another picture cannot come to lie in its memory.
        self._unmarked = [one for one in (color, depth) if not _has_record(one)]
        device_us = self._last_us if all(repeated) else self._clock_us(color)
        if not self._filters.measured:
            self._sample = frames
        infrared = frames.get_infrared_frame() if self._infrared else None
        brightness = np.array(infrared.get_data(), np.uint8) if infrared else None
        frames = self._filters.apply(frames)
        if self._align is not None:
            frames = self._align.process(frames)
        pixels, counts = self.buffers(color.get_height(), color.get_width())
        _copy_rgb(color, pixels)
        _copy_counts(frames.get_depth_frame(), counts)
        return Capture(pixels, counts, None if self._counts_anew else numbers[0], device_us, infrared=brightness)

    def _clock_us(self, color: Any) -> int:
        """The camera's clock, made to go on where it was set back: two frames must not share one instant."""
        time_us = round(color.get_timestamp() * 1e3)
        interval_us = round(1e6 / max(self._modes[0].fps if self._modes else 30.0, 1.0))
        if self._last_us is not None and not _has_record(color):
            self._last_us += interval_us
            return self._last_us
        if self._last_us is not None and time_us + self._clock_offset_us <= self._last_us:
            self._clock_offset_us = self._last_us + interval_us - time_us
            self._warn(
                "the camera's clock was set back: its times go on from there, one frame's interval after the last"
            )
        self._last_us = time_us + self._clock_offset_us
        return self._last_us

    def _warn(self, sentence: str) -> None:
        if sentence not in self._warnings:
            self._warnings.append(sentence)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was odd about its numbers and clock, in whole sentences."""
        return tuple(f"{self.info.name}: {sentence}" for sentence in self._warnings)

    def _resume(self) -> None:
        """Lets a recording run from the first read on. `resume` itself waits for frames to be taken: not in here."""
        if self._playback is not None and self._resuming is None:
            self._resuming = threading.Thread(target=self._playback.resume, name="realsense resume", daemon=True)
            self._resuming.start()

    def _ended(self) -> bool:
        return self._playback is not None and "stopped" in str(self._playback.current_status())

    def controls(self) -> tuple[Control, ...]:
        """What the cameras offer, and the post-processing filters with the cost of each."""
        if not self.is_open:
            return ()
        if self._sample is not None:
            self._filters.measure(self._sample)
            self._sample = None
        own = [] if self.info.kind == "recording" else self._options.controls()
        return (*own, *self._filters.controls())

    def _set_control(self, control: Control, value: ControlValue) -> None:
        if self._filters.owns(control.name):
            self._filters.set(control.name, value)
        else:
            self._options.set(control.name, value)

    def _close(self) -> None:
        self._stop()

    def _stop(self) -> None:
        """Stops what runs and lets go of everything; a pipeline that never started says so, which is fine."""
        pipeline, self._pipeline = self._pipeline, None
        self._playback = self._align = self._sample = None
        self._unmarked = []
        if pipeline is not None:
            try:
                pipeline.stop()
            except RuntimeError:
                pass
        if self._resuming is not None:
            self._resuming.join(_RESUME_S)
            self._resuming = None
        self._context = None

    def _check_removed(self, device: Any) -> Callable[[Any], None]:
        def changed(event: Any) -> None:
            if event.was_removed(device):
                self._removed.set()

        return changed

    def _why_not(self, error: Exception) -> str:
        if self.info.kind == "recording":
            return f"{self._name} is not a whole RealSense recording: {error}"
        return f"cannot open {self.info.name}: {error}. Is it plugged in, and not in use by another program?"


def _has_record(picture: Any) -> bool:
    """Whether a recording says when a picture was taken: librealsense gives zeros where that record is missing."""
    return bool(picture.get_frame_number() or picture.get_timestamp())


def _mark(picture: Any) -> tuple[float, ...]:
    """What tells a picture from another one.

    A number that comes again with another time is another picture: some recorders count wrongly. Without both, it is
    the place of its pixels.
    """
    if _has_record(picture):
        return (picture.get_frame_number(), picture.get_timestamp())
    return (np.asanyarray(picture.get_data()).ctypes.data,)


def _copy_rgb(frame: Any, pixels: NDArray[np.uint8]) -> None:
    """Copies a colour frame into (H, W, 3) RGB.

    Raises:
        SensorLost: The pixel format is none that we read.
    """
    data = np.asanyarray(frame.get_data())
    name = str(frame.get_profile().format()).rpartition(".")[2]
    codes = {
        "bgr8": cv2.COLOR_BGR2RGB,
        "rgba8": cv2.COLOR_RGBA2RGB,
        "bgra8": cv2.COLOR_BGRA2RGB,
        "y8": cv2.COLOR_GRAY2RGB,
    }
    if name == "rgb8":
        np.copyto(pixels, data)
    elif name in codes:
        cv2.cvtColor(data, codes[name], dst=pixels)
    elif name == "yuyv":
        two_bytes = data.view(np.uint8).reshape(*data.shape[:2], 2)
        cv2.cvtColor(two_bytes, cv2.COLOR_YUV2RGB_YUYV, dst=pixels)
    else:
        raise SensorLost(f"colour comes as {name}, which is not supported; record it as RGB8")


def _copy_counts(depth: Any, counts: NDArray[np.uint16]) -> None:
    """Copies a depth frame into (H, W); it is of another size only where depth is not aligned."""
    data = np.asanyarray(depth.get_data())
    if data.shape == counts.shape:
        np.copyto(counts, data)
    else:
        cv2.resize(data, counts.shape[::-1], dst=counts, interpolation=cv2.INTER_NEAREST)


def list_devices(context: Any = None) -> list[SensorInfo]:
    """The plugged-in cameras; none is opened.

    Args:
        context: A librealsense context to ask, None for a new one.

    Raises:
        SensorError: librealsense is missing.
    """
    rs = load()
    try:
        devices = (context or rs.context()).query_devices()
        unnamed = SensorInfo("realsense:", "Intel RealSense", "camera")
        return [device_info(rs, device, unnamed) for device in devices]
    except RuntimeError as error:
        raise SensorError(f"librealsense cannot list its devices: {error}") from error


def watch(changed: Callable[[], None], context: Any = None) -> Any:
    """Calls `changed` from a thread of librealsense whenever a camera comes or goes, while the result is kept.

    Args:
        changed: Called without arguments; must return soon.
        context: A librealsense context to watch, None for a new one.

    Raises:
        SensorError: librealsense is missing.
    """
    context = context or load().context()
    context.set_devices_changed_callback(lambda _: changed())
    return context


def open_device(uri: Uri, request: Request) -> RealSenseSensor:
    """A camera or a recording, not opened yet.

    Raises:
        ConfigurationError: An option is unknown.
    """
    uri.refuse_unknown("realtime", "infrared")
    infrared = wants_infrared(uri)
    rest = unquote(uri.rest)
    if recording := recording_of(uri):
        return RealSenseSensor(
            recording.details["path"], recording, request, realtime=in_real_time(uri), infrared=infrared
        )
    name = f"Intel RealSense {rest}".rstrip()
    return RealSenseSensor(rest, SensorInfo(uri.text, name, "camera", serial=rest), request, infrared=infrared)
