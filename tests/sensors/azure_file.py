"""Recordings of an Azure Kinect that Microsoft's own recorder writes, from pictures of ours."""

from __future__ import annotations

import ctypes
import json
from ctypes import byref, c_char_p, c_int, c_size_t, c_uint64, c_void_p
from typing import TYPE_CHECKING, Any

import numpy as np

from rgbd_seg.sensors.drivers import azure_library as k4a

if TYPE_CHECKING:
    from pathlib import Path

WIDTH, HEIGHT = 1280, 720
DEPTH_WIDTH, DEPTH_HEIGHT = 320, 288
FRAMES, STEP_US = 3, 33_333
SERIAL = "000123456789"
SHIFT_M = -0.032
LENS = (0.5, -2.7, 1.5, 0.38, -2.5, 1.4)  # k1 to k6
_DEPTH_BINNED, _DEPTH16 = 1, 4


def _camera(place: str, fx: float, shift_m: float, size: tuple[int, int]) -> dict[str, Any]:
    return {
        "Intrinsics": {
            "ModelParameterCount": 14,
            "ModelParameters": [0.51, 0.49, fx, fx * 1.01, *LENS, 0.0, 0.0, -0.0002, 0.0005],
            "ModelType": "CALIBRATION_LensDistortionModelBrownConrady",
        },
        "Location": f"CALIBRATION_CameraLocation{place}",
        "Purpose": "CALIBRATION_CameraPurposeDepth",
        "MetricRadius": 1.74,
        "Rt": {"Rotation": [1, 0, 0, 0, 1, 0, 0, 0, 1], "Translation": [shift_m, 0.0, 0.0]},
        "SensorHeight": size[1],
        "SensorWidth": size[0],
        "Shutter": "CALIBRATION_ShutterTypeUndefined",
        "ThermalAdjustmentParams": {"Params": [0.0] * 12},
    }


def _motion(kind: str) -> dict[str, Any]:
    return {
        "SensorType": f"CALIBRATION_InertialSensorType_{kind}",
        "BiasTemperatureModel": [0.0] * 12,
        "BiasUncertainty": [0.1] * 3,
        "Id": "x",
        "MixingMatrixTemperatureModel": [0.0] * 36,
        "ModelTypeMask": 16,
        "Noise": [0.0] * 6,
        "Rt": {"Rotation": [1, 0, 0, 0, 1, 0, 0, 0, 1], "Translation": [0.0, 0.0, 0.0]},
        "SecondOrderScaling": [0.0] * 9,
        "TemperatureBounds": [5.0, 60.0],
        "TemperatureC": 0.0,
    }


CALIBRATION = json.dumps(
    {
        "CalibrationInformation": {
            "Cameras": [_camera("D0", 0.49, 0.0, (1024, 1024)), _camera("PV0", 0.47, SHIFT_M, (4096, 3072))],
            "InertialSensors": [_motion("Gyro"), _motion("Accelerometer")],
        }
    }
)


def color(i: int) -> np.ndarray:
    """BGRA with a step in it."""
    picture = np.full((HEIGHT, WIDTH, 4), (90, 60, 40 * i, 255), np.uint8)
    picture[:, : WIDTH // 2, 1] = 200
    return picture


def depth(i: int) -> np.ndarray:
    """A wall with a bar before it."""
    counts = np.full((DEPTH_HEIGHT, DEPTH_WIDTH), 1500 + 10 * i, np.uint16)
    counts[:, 150:170] = 800
    return counts


def write_mkv(path: Path, frames: int = FRAMES) -> Path:
    """Records with the SDK: raw colour, depth, serial number and calibration."""
    camera, _ = k4a.load()
    recorder = ctypes.CDLL(k4a.find()[1])  # type: ignore[index]
    how = k4a.DeviceConfiguration(k4a.BGRA, 1, _DEPTH_BINNED, k4a.RATES[30], True)
    recording = c_void_p()
    _check(recorder.k4a_record_create(c_char_p(str(path).encode()), None, how, byref(recording)))
    text = CALIBRATION.encode() + b"\0"
    _check(recorder.k4a_record_add_tag(recording, b"K4A_DEVICE_SERIAL_NUMBER", SERIAL.encode()))
    _check(recorder.k4a_record_add_tag(recording, b"K4A_CALIBRATION_FILE", b"calibration.json"))
    _check(recorder.k4a_record_add_attachment(recording, b"calibration.json", text, c_size_t(len(text))))
    _check(recorder.k4a_record_write_header(recording))
    for i in range(frames):
        capture = c_void_p()
        _check(camera.k4a_capture_create(byref(capture)))
        for kind, pixels, put in (
            (k4a.BGRA, color(i), camera.k4a_capture_set_color_image),
            (_DEPTH16, depth(i), camera.k4a_capture_set_depth_image),
        ):
            image = c_void_p()
            height, width = pixels.shape[:2]
            step = pixels.nbytes // height
            _check(camera.k4a_image_create(c_int(kind), width, height, step, byref(image)))
            ctypes.memmove(camera.k4a_image_get_buffer(image), pixels.ctypes.data, pixels.nbytes)
            camera.k4a_image_set_device_timestamp_usec(image, c_uint64(i * STEP_US))
            put(capture, image)
            camera.k4a_image_release(image)
        _check(recorder.k4a_record_write_capture(recording, capture))
        camera.k4a_capture_release(capture)
    _check(recorder.k4a_record_flush(recording))
    recorder.k4a_record_close(recording)
    return path


def _check(result: int) -> None:
    assert result == k4a.SUCCEEDED
