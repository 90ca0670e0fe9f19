"""Whether a window can be opened here, asked before Qt is: Qt ends the whole process where it finds no screen."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

_PATIENCE_S = 5.0  # A screen on another machine that does not answer would hold Qt for minutes.
_XCB = "libxcb.so.1"
# What Qt's part for X11 is linked with and many systems do not bring along.
_XCB_CURSOR = "libxcb-cursor.so.0"


def screen_problem(environment: Mapping[str, str] = os.environ) -> str:
    """Why no window can be opened.

    Args:
        environment: Of the process that is to open it.

    Returns:
        A clause such as "there is no display to open a window on", "" if a window can be opened.
    """
    if not sys.platform.startswith("linux"):
        return ""
    wanted = [name.partition(":")[0] for name in environment.get("QT_QPA_PLATFORM", "").split(";") if name]
    if any(not name.startswith(("xcb", "wayland")) for name in wanted):
        return ""  # Chosen by hand: offscreen, vnc and the like need no screen.
    problems = []
    for platform, variable, ask in (("wayland", "WAYLAND_DISPLAY", _ask_wayland), ("xcb", "DISPLAY", _ask_x11)):
        name = environment.get(variable, "")
        if not name or (wanted and not any(one.startswith(platform) for one in wanted)):
            continue
        problem = ask(name, environment)
        if not problem:
            return ""
        problems.append(problem)
    return "; ".join(problems) or "there is no display to open a window on"


def _ask_wayland(name: str, environment: Mapping[str, str]) -> str:
    path = Path(environment.get("XDG_RUNTIME_DIR", "/")) / name
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_PATIENCE_S)
            probe.connect(str(path))
    except OSError as error:
        return f"the display WAYLAND_DISPLAY={name} cannot be reached ({error.strerror or error})"
    return ""


def _ask_x11(name: str, _environment: Mapping[str, str]) -> str:
    try:
        xcb = ctypes.CDLL(_XCB)
        ctypes.CDLL(_XCB_CURSOR)
    except OSError:
        return f"Qt needs {_XCB} and {_XCB_CURSOR} to open a window, and one is missing (apt install libxcb-cursor0)"
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = (ctypes.c_char_p, ctypes.c_void_p)
    xcb.xcb_connection_has_error.argtypes = (ctypes.c_void_p,)
    xcb.xcb_disconnect.argtypes = (ctypes.c_void_p,)
    errors: list[int] = []

    def connect() -> None:
        connection = xcb.xcb_connect(name.encode(), None)
        errors.append(xcb.xcb_connection_has_error(connection))
        xcb.xcb_disconnect(connection)

    thread = threading.Thread(target=connect, name="rgbd-seg ask for the display", daemon=True)
    thread.start()
    thread.join(_PATIENCE_S)
    if not errors:
        return f"the display DISPLAY={name} did not answer within {_PATIENCE_S:.0f} s"
    return f"the display DISPLAY={name} cannot be reached (is it running, and may you use it?)" if errors[0] else ""
