"""The real program with its window on a screen of its own, driven by key strokes as a person would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil

from tests.reliability.process_faults import chunks
from tests.waiting import end_all, until

if TYPE_CHECKING:
    from pathlib import Path


class WindowProcess:
    """`rgbd-seg` with its window, and what can be done to it from outside."""

    def __init__(self, display: str, folder: Path, arguments: list[str]) -> None:
        """Starts the program; it keeps its settings and recordings in `folder`."""
        settings = folder / "settings.json"
        settings.write_text(json.dumps({"record_folder": str(folder)}))
        self._environment = os.environ | {"DISPLAY": display, "RGBD_SEG_LOG_DIR": str(folder / "log")}
        self._environment.pop("QT_QPA_PLATFORM", None)
        command = [sys.executable, "-m", "rgbd_seg", "window", *arguments, "--settings", str(settings)]
        self._errors = (folder / "stderr.txt").open("w+")
        self.process = subprocess.Popen(command, env=self._environment, stdout=self._errors, stderr=self._errors)
        self.folder = folder
        self._window = ""

    def wait_until_shown(self) -> None:
        """Waits for the window itself."""
        until(self._find, "the window")

    def _find(self) -> str:
        if self.process.poll() is not None:
            raise RuntimeError(f"the window ended: {self.errors()}")
        found = self._xdotool("search", "--onlyvisible", "--pid", str(self.process.pid), "--name", "rgbd")
        self._window = found.split()[0] if found.split() else ""
        return self._window

    def _xdotool(self, *arguments: str) -> str:
        command = ["xdotool", *arguments]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False).stdout

    def press(self, key: str, *, focus: bool = True) -> None:
        """Types one key into the window; without `focus` into what has popped up in it."""
        if focus:
            self._xdotool("windowfocus", "--sync", self._window)
        self._xdotool("key", key)

    def stroke(self, begin: tuple[int, int], end: tuple[int, int]) -> None:
        """Draws a line with the left button held, in pixels of the screen."""
        self._xdotool("mousemove", *map(str, begin), "mousedown", "1")
        self._xdotool("mousemove", *map(str, end), "mouseup", "1")

    def start_recording(self) -> Path:
        """Presses R once the source runs; returns the file when its first frame is in it."""
        until(lambda: "opened " in self.log() or self.process.poll() is not None, "the source")
        for _ in range(3):  # A press may be lost; one too many would stop the recording.
            self.press("r")
            with suppress(TimeoutError):
                until(self.recordings, "a recording", 100)
                break
        else:
            raise TimeoutError(f"no recording began: {self.errors()}")
        path = self.recordings()[0]
        until(lambda: chunks(path), "the first frame in the file")
        return path

    def recordings(self) -> list[Path]:
        """The recordings so far."""
        return sorted(self.folder.glob("*.mcap"))

    def errors(self) -> str:
        """What the program wrote to its terminal."""
        self._errors.flush()
        self._errors.seek(0)
        return self._errors.read()

    def log(self) -> str:
        """The program's log so far."""
        path = self.folder / "log" / "rgbd-seg.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def resources(self) -> dict[str, float]:
        """Memory (MB), threads, open files and child processes of the program, its children included."""
        main = psutil.Process(self.process.pid)
        family = [main, *main.children(recursive=True)]
        return {
            "memory_mb": sum(p.memory_info().rss for p in family) / 1e6,
            "threads": sum(p.num_threads() for p in family),
            "open_files": sum(p.num_fds() for p in family),
            "children": len(family) - 1,
            "shared_memory": sum("memfd:rgbd-seg-" in m.path for p in family for m in p.memory_maps(grouped=False)),
        }

    def end(self) -> None:
        """Makes sure that nothing of it is left."""
        if self.process.poll() is None:
            end_all([psutil.Process(self.process.pid)])
        self.process.wait()
        self._errors.close()
