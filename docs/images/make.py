"""Takes the README's picture anew: the real window on a built-in room, on a screen without a monitor.

    python docs/images/make.py [SOURCE] [SECONDS]

Needs Xvfb and ffmpeg. After so many seconds (40) the picture is docs/images/window.png; look at it before it is kept.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIZE = "1280x720"
DISPLAY = f":{1000 + os.getpid() % 30000}"
OUTPUT = Path(__file__).with_name("window.png")


def main(source: str = "synthetic:?seed=7&room=living", seconds: str = "40") -> None:
    """Starts a screen and the window with new settings, waits, and takes the picture."""
    xvfb = shutil.which("Xvfb") or sys.exit("Xvfb is not installed")
    screen = subprocess.Popen([xvfb, DISPLAY, "-screen", "0", f"{SIZE}x24", "-nolisten", "tcp", "-noreset"])
    try:
        time.sleep(2)
        with tempfile.TemporaryDirectory() as folder:
            asked = ["--model", "real", "--views", "4", "--theme", "dark", "--settings", f"{folder}/settings.json"]
            command = [sys.executable, "-m", "rgbd_seg", "window", source, *asked, "--full-screen"]
            window = subprocess.Popen(command, env={**os.environ, "DISPLAY": DISPLAY, "QT_QPA_PLATFORM": "xcb"})
            try:
                time.sleep(float(seconds))
                grab = ["ffmpeg", "-loglevel", "error", "-y", "-f", "x11grab", "-video_size", SIZE, "-i", DISPLAY]
                subprocess.run([*grab, "-frames:v", "1", str(OUTPUT)], check=True)
            finally:
                window.terminate()
                try:
                    window.wait(60)
                finally:
                    window.kill()
    finally:
        screen.terminate()
        screen.wait(10)


if __name__ == "__main__":
    main(*sys.argv[1:3])
