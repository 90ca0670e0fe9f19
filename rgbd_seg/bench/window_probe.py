"""The process that `rgbd-seg bench window` measures: the real window, watched from inside, and closed at the end.

    python -m rgbd_seg.bench.window_probe STARTED SECONDS MINUTES SOURCE MODEL SETTINGS

STARTED is the time at which the process was asked for (seconds since 1970). Recordings go beside SETTINGS. Prints one
line of JSON when it closes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer

from rgbd_seg.app.application import Launch, run
from rgbd_seg.inference.cpu import permitted_cpus
from rgbd_seg.pipeline.session_recording import start_recording
from rgbd_seg.pipeline.status import ModelState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rgbd_seg.app.window import MainWindow

_BEAT_MS = 5
_LOADING_S = 300.0
_BUSY = "import sys, time\nend = time.monotonic() + float(sys.argv[1])\nwhile time.monotonic() < end: pass"


class Probe(QObject):
    """Goes through the phases, one after the other, as a generator that Qt's timer resumes."""

    def __init__(
        self, window: MainWindow, started: float, seconds: float, minutes: float, with_model: bool, folder: Path
    ) -> None:
        super().__init__(window)
        self._window, self._started, self._folder = window, started, folder
        self._seconds, self._minutes, self._with_model = seconds, minutes, with_model
        self.found: dict[str, Any] = {"window_s": time.time() - started, "problem": ""}
        self._shown = 0
        self._pauses_ms: list[float] = []
        self._clock = QElapsedTimer()
        self._clock.start()
        self._beat = QTimer(self)
        self._beat.setTimerType(Qt.TimerType.PreciseTimer)
        self._beat.setInterval(_BEAT_MS)
        self._beat.timeout.connect(self._count_pause)
        self._beat.start()
        window.presenter.shown.connect(self._count_picture)
        self._phases = self._run_phases()
        self._next = QTimer(self)
        self._next.setSingleShot(True)
        self._next.timeout.connect(self._go_on)
        self._go_on()

    def _count_picture(self) -> None:
        self._shown += 1
        if "first_picture_s" not in self.found:
            self.found["first_picture_s"] = time.time() - self._started

    def _count_pause(self) -> None:
        self._pauses_ms.append(self._clock.nsecsElapsed() / 1e6 - _BEAT_MS)
        self._clock.restart()

    def _go_on(self) -> None:
        wait_s = next(self._phases, None)
        if wait_s is not None:
            self._next.start(round(wait_s * 1000))
            return
        self.found["closed_at"] = time.time()
        print(json.dumps(self.found), flush=True)
        self._window.close_now()

    def _run_phases(self) -> Iterator[float]:
        end = time.monotonic() + _LOADING_S
        while not self._ready():
            if time.monotonic() > end or self.found["problem"]:
                self.found["problem"] = self.found["problem"] or "neither picture nor model came in time"
                return
            yield 0.1
        self.found["model_s"] = time.time() - self._started if self._with_model else None
        yield 1.0  # The first frames warm up.
        yield from self._measure("quiet")
        start_recording(self._window.session, self._folder)
        yield from self._measure("recording")
        recorder = self._window.session.status().recorder
        self.found["recording_lost"] = recorder.dropped if recorder else None
        self._window.session.stop_recording()
        command = [sys.executable, "-c", _BUSY, str(self._seconds + 2)]
        burners = [subprocess.Popen(command) for _ in range(permitted_cpus())]
        yield 1.0
        yield from self._measure("busy")
        for burner in burners:
            burner.kill()
            burner.wait()
        process = psutil.Process()
        self.found["memory_mb"] = process.memory_info().rss / 1e6
        yield self._minutes * 60
        self.found["memory_later_mb"] = process.memory_info().rss / 1e6

    def _ready(self) -> bool:
        status = self._window.session.status()
        if status.error or status.model.error:
            self.found["problem"] = status.error or status.model.error
        loaded = not self._with_model or status.model.state is ModelState.READY
        return loaded and "first_picture_s" in self.found

    def _measure(self, phase: str) -> Iterator[float]:
        self._pauses_ms.clear()
        shown, segmented, began = self._shown, self._window.session.status().segmented, time.monotonic()
        yield self._seconds
        seconds = time.monotonic() - began
        self.found[f"{phase}_fps"] = (self._shown - shown) / seconds
        if self._with_model:
            self.found[f"{phase}_segmented_fps"] = (self._window.session.status().segmented - segmented) / seconds
        pauses = sorted(self._pauses_ms) or [0.0]
        self.found[f"{phase}_longest_ms"] = pauses[-1]
        self.found[f"{phase}_usual_ms"] = pauses[int(0.99 * (len(pauses) - 1))]


def main(started: str, seconds: str, minutes: str, source: str, model: str, settings: str) -> int:
    """Runs the window until the probe closes it."""
    launch = Launch(source=source, model="" if model == "none" else model, settings=Path(settings), views=2)
    times = (float(started), float(seconds), float(minutes))
    return run(launch, lambda window: Probe(window, *times, model != "none", Path(settings).parent))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
