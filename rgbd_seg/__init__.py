"""Live semantic segmentation for RGB-D cameras.

`stream` is the way in for other programs; `rgbd-seg` is the program with the window. Importing this package loads
neither PyTorch nor Qt.
"""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rgbd_seg.streaming import stream

__version__ = "0.1.0"
__all__ = ["__version__", "stream"]


# Nothing leaves the machine: libraries that report home read these when they are loaded.
for _name, _value in {
    "ORT_DISABLE_TELEMETRY": "1",
    "ORT_TELEMETRY_DISABLED": "1",
    "NO_ALBUMENTATIONS_UPDATE": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}.items():
    os.environ.setdefault(_name, _value)


def __getattr__(name: str) -> Any:
    """Loads `stream` on first use."""
    if name == "stream":
        from rgbd_seg.streaming import stream

        return stream
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
