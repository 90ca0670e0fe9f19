"""An X server without a monitor, for tests that open real windows."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def virtual_screen() -> Iterator[str]:
    """Starts Xvfb and yields its display's name.

    Raises:
        PermissionError: Xvfb or xdotool is not installed.
        RuntimeError: Xvfb did not start.
    """
    if shutil.which("Xvfb") is None or shutil.which("xdotool") is None:
        raise PermissionError("Xvfb and xdotool are not installed")
    read, write = os.pipe()
    # A number of its own: servers that look for the first free one race when tests run side by side.
    display = f":{1000 + os.getpid() % 30000}"
    # Without -noreset the server starts over whenever its last client leaves, and refuses whoever comes meanwhile.
    command = ["Xvfb", display, "-displayfd", str(write), "-screen", "0", "1280x720x24", "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(command, pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as ready:
            if not ready.readline():
                raise RuntimeError(f"Xvfb ended before its screen {display} could be used")
        yield display
    finally:
        server.terminate()
        server.wait(PATIENCE_S)
