"""Finds and starts OpenNI2, the runtime for PrimeSense-like cameras, and hides the traps of starting it."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from rgbd_seg.errors import SensorError

LIBRARY = {"win32": "OpenNI2.dll", "darwin": "libOpenNI2.dylib"}.get(sys.platform, "libOpenNI2.so")
HOW_TO_INSTALL = {
    "win32": "install the OpenNI 2.2 runtime, or set OPENNI2_REDIST to the folder of OpenNI2.dll",
    "darwin": "brew install openni2 (or set OPENNI2_REDIST to the folder of libOpenNI2.dylib)",
}.get(sys.platform, "sudo apt-get install libopenni2-0 libopenni2-dev")


def library_folder() -> Path | None:
    """The folder that holds OpenNI2's library, or None: OPENNI2_REDIST first, then where systems put it."""
    folders = [os.environ.get("OPENNI2_REDIST64", ""), os.environ.get("OPENNI2_REDIST", "")]
    if sys.platform == "win32":
        folders.append(str(Path(os.environ.get("PROGRAMFILES", "C:/Program Files")) / "OpenNI2" / "Redist"))
    else:
        multiarch = sysconfig.get_config_var("MULTIARCH") or ""
        folders += [f"/usr/lib/{multiarch}", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/opt/homebrew/lib"]
    return next((Path(folder) for folder in folders if folder and (Path(folder) / LIBRARY).is_file()), None)


@cache
def start() -> Any:
    """The started `openni.openni2` module; the first call loads the library.

    Raises:
        SensorError: The runtime or its Python binding is missing or does not start; the message says what to install.
    """
    try:
        from openni import openni2
    except ImportError as error:
        raise SensorError(f"the Python binding of OpenNI2 is not installed ({error}): pip install openni") from error
    folder = library_folder()
    if folder is None:
        raise SensorError(f"OpenNI2 is not installed: {HOW_TO_INSTALL}")
    here = os.getcwd()
    try:
        openni2.initialize(str(folder))
    except Exception as error:  # The binding raises several kinds, and OSError from the loader.
        raise SensorError(f"OpenNI2 in {folder} does not start: {error}") from error
    finally:
        os.chdir(here)  # The binding may leave us in the library's folder.
    return openni2


def listen(lost: Callable[[bytes], None], found: Callable[[], None] = lambda: None) -> Any:
    """Tells of devices from a thread of OpenNI2, while the result is kept.

    Args:
        lost: Called with the URI of a device that was unplugged.
        found: Called when one has come.

    Raises:
        SensorError: As for `start`.
    """

    class Listener(start().DeviceListener):  # type: ignore[misc]
        def on_connected(self, devinfo: Any) -> None:
            found()

        def on_disconnected(self, devinfo: Any) -> None:
            lost(devinfo.uri)

    return Listener()


def version() -> str:
    """The runtime's version, such as "2.2.0.33".

    Raises:
        SensorError: As for `start`.
    """
    number = start().get_version()
    return f"{number.major}.{number.minor}.{number.maintenance}.{number.build}"


def explain(error: Exception) -> str:
    """A runtime error in words; truncated files and failing devices come with an empty text."""
    code = str(getattr(error, "code", type(error).__name__)).removeprefix("OniStatus.")
    text = error.args[1] if len(error.args) > 1 else ""
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    return f"{code}: {text.strip()}" if text else code
