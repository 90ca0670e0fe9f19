"""Kinect v2 through Microsoft's runtime and kinect-next (Windows): colour is brought onto the depth camera's grid."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import SensorError, SensorLost
from rgbd_seg.sensors.sensor import Capture, Request, Sensor, SensorInfo, StreamMode

WIDTH, HEIGHT = 512, 424


def load() -> Any:
    """The `kinect_next` module.

    Raises:
        SensorError: It is missing.
    """
    try:
        import kinect_next
    except ImportError as error:
        raise SensorError(f"kinect-next is not installed ({error}): pip install kinect-next (Windows only)") from error
    return kinect_next


class KinectNextSensor(Sensor):
    """The Kinect v2 of this computer: Microsoft's runtime knows one at a time.

    Args:
        info: What is known before it is open.
        request: Registration; there is one mode.
    """

    def __init__(self, info: SensorInfo, request: Request) -> None:
        super().__init__(info, request)
        self._kinect: Any = None

    def modes(self) -> tuple[StreamMode, ...]:
        return (StreamMode(WIDTH, HEIGHT, 30.0),)

    def _open(self) -> Calibration:
        self._library = library = load()
        streams = library.StreamType.COLOR | library.StreamType.DEPTH
        try:
            self._kinect = library.KinectSensor(streams, auto_open=False)
            self._kinect.open()
            fx, fy, cx, cy = self._kinect.mapper.get_depth_camera_intrinsics()
            if fx > 0:  # The runtime says zero until the sensor has sent its first frame.
                intrinsics, origin = Intrinsics(WIDTH, HEIGHT, fx, fy, cx, cy), "device"
            else:
                intrinsics, origin = Intrinsics(WIDTH, HEIGHT, 366.0, 366.0, WIDTH / 2, HEIGHT / 2), "assumed"
        except library.KinectError as error:
            self._close()
            raise SensorError(f"cannot open the Kinect v2: {error}") from error
        self.info = SensorInfo(
            "kinect2:", "Kinect v2", "camera", connection="USB 3", details={"runtime": "Kinect for Windows 2.0"}
        )
        return Calibration(intrinsics, 0.001, self.request.registered, origin)  # type: ignore[arg-type]

    def _grab(self, timeout_s: float) -> Capture | None:
        try:
            frames = self._kinect.wait_for_frames(max(int(timeout_s * 1000), 1))
            if frames.color is None or frames.depth is None:
                return None
            color, depth = frames.color.as_rgb(), frames.depth.data
            if self.request.registered:
                pixels = sample(color, self._kinect.mapper.map_depth_frame_to_color_space(frames.depth))
            else:
                pixels = np.asarray(cv2.resize(color, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)
        except self._library.KinectTimeoutError:
            return None
        except self._library.KinectError as error:
            raise SensorLost(f"the Kinect v2 failed: {error}") from error
        return Capture(pixels, np.array(depth, np.uint16), device_us=frames.depth.relative_time_ns // 1000)

    def _close(self) -> None:
        kinect, self._kinect = self._kinect, None
        if kinect is not None:
            kinect.close()


def sample(color: NDArray[np.uint8], places: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colours at given places: what each depth pixel sees.

    Args:
        color: (H, W, 3) uint8.
        places: (h, w, 2) float32 columns and rows in `color`, not finite where there is none.

    Returns:
        (h, w, 3) uint8, black where there is none.
    """
    seen: NDArray[np.bool_] = np.asarray(np.isfinite(places).all(axis=-1))
    at = np.rint(np.where(seen[..., None], places, -1)).astype(np.intp)
    columns, rows = at[..., 0], at[..., 1]
    seen &= (columns >= 0) & (columns < color.shape[1]) & (rows >= 0) & (rows < color.shape[0])
    pixels = np.zeros((*places.shape[:2], 3), np.uint8)
    pixels[seen] = color[rows[seen], columns[seen]]
    return pixels


def list_devices() -> list[SensorInfo]:
    """The Kinect v2 of this computer, if Microsoft's runtime sees one.

    Raises:
        SensorError: kinect-next or the runtime is missing.
    """
    library = load()
    try:
        kinect = library.KinectSensor(library.StreamType.DEPTH, auto_open=False)
        kinect.open()
        try:
            present = bool(kinect.is_available)
        finally:
            kinect.close()
    except library.KinectError as error:
        raise SensorError(f"Microsoft's Kinect runtime is not there: {error}") from error
    return [SensorInfo("kinect2:", "Kinect v2", "camera", connection="USB 3")] if present else []
