"""Live semantic segmentation for RGB-D cameras.

`open_model`, `stream`, `record`, `open_recording` and `LiveServer` are the ways in for other programs; `rgbd-seg` is
the program with the window. Importing this package loads neither PyTorch nor Qt: each name brings its own on first use.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rgbd_seg.version import __version__

if TYPE_CHECKING:
    from rgbd_seg.api.dataset import RecordingDataset
    from rgbd_seg.api.model import Model, open_model
    from rgbd_seg.api.record import record
    from rgbd_seg.api.recording import open_recording
    from rgbd_seg.api.rerun import log_to_rerun
    from rgbd_seg.api.result import AssumedLens, Result
    from rgbd_seg.api.stream import Stream, stream
    from rgbd_seg.calibration import Calibration, Intrinsics
    from rgbd_seg.errors import ConfigurationError, ModelError, RecordingError, RgbdSegError, SensorError
    from rgbd_seg.frame import RgbdFrame, Segmentation, Truth
    from rgbd_seg.labels import LabelSet
    from rgbd_seg.serving.server import LiveServer

# Name -> the module that it comes from.
_OFFERED = {
    "AssumedLens": "api.result",
    "Calibration": "calibration",
    "ConfigurationError": "errors",
    "Intrinsics": "calibration",
    "LabelSet": "labels",
    "LiveServer": "serving.server",
    "Model": "api.model",
    "ModelError": "errors",
    "RecordingDataset": "api.dataset",
    "RecordingError": "errors",
    "Result": "api.result",
    "RgbdFrame": "frame",
    "RgbdSegError": "errors",
    "Segmentation": "frame",
    "SensorError": "errors",
    "Stream": "api.stream",
    "Truth": "frame",
    "log_to_rerun": "api.rerun",
    "open_model": "api.model",
    "open_recording": "api.recording",
    "record": "api.record",
    "stream": "api.stream",
}
__all__ = [  # Written out for type checkers; a test compares it with the table.
    "AssumedLens",
    "Calibration",
    "ConfigurationError",
    "Intrinsics",
    "LabelSet",
    "LiveServer",
    "Model",
    "ModelError",
    "RecordingDataset",
    "RecordingError",
    "Result",
    "RgbdFrame",
    "RgbdSegError",
    "Segmentation",
    "SensorError",
    "Stream",
    "Truth",
    "__version__",
    "log_to_rerun",
    "open_model",
    "open_recording",
    "record",
    "stream",
]


# Nothing leaves the machine: libraries that report home read these when they are loaded.
for _name, _value in {
    "ORT_DISABLE_TELEMETRY": "1",
    "ORT_TELEMETRY_DISABLED": "1",
    "NO_ALBUMENTATIONS_UPDATE": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RS2_RUM_CLOUD_ENABLED": "0",
}.items():
    os.environ.setdefault(_name, _value)


def __getattr__(name: str) -> Any:
    """Loads what is offered on first use."""
    if name in _OFFERED:
        value = getattr(import_module(f"{__name__}.{_OFFERED[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
