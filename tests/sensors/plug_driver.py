"""A driver whose devices are the files of a folder: `PLUG_FOLDER` in the environment. Some files make it misbehave."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rgbd_seg.errors import SensorError
from rgbd_seg.sensors.sensor import SensorInfo

if TYPE_CHECKING:
    from collections.abc import Callable


def _names() -> list[str]:
    return sorted(path.name for path in Path(os.environ["PLUG_FOLDER"]).iterdir())


def list_devices() -> list[SensorInfo]:
    names = _names()
    if "crash" in names:
        ctypes.string_at(0)
    if "hang" in names:
        time.sleep(60)
    if "raise" in names:
        raise RuntimeError("libusb: -99")
    if "missing" in names:
        raise SensorError("the runtime is not installed: pip install it")
    return [SensorInfo(f"plug:{name}", f"Plugged {name}", "camera") for name in names]


def watch(changed: Callable[[], None]) -> threading.Thread:
    before = _names()

    def poll() -> None:
        while True:
            time.sleep(0.02)
            if _names() != before:
                changed()
                return

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    return thread
