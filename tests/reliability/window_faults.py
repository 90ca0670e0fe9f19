"""Signals at the real window while it records."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from rgbd_seg.recording import open_recording
from tests.reliability.fault import Outcome, fault
from tests.reliability.window_process import WindowProcess, virtual_screen

if TYPE_CHECKING:
    from pathlib import Path

_ROOM = "synthetic:?size=160x120&noise=0&fps=20"


def _signal_window(number: signal.Signals, folder: Path) -> Outcome:
    with virtual_screen() as display:
        window = WindowProcess(display, folder, [_ROOM, "--model", "none"])
        try:
            window.wait_until_shown()
            path = window.start_recording()
            time.sleep(1.0)
            ended_ns = time.time_ns()
            window.process.send_signal(number)
            begin = time.monotonic()
            window.process.wait(30)
            took_s = time.monotonic() - begin
        finally:
            window.end()
    with open_recording(path) as reader:
        frames = list(reader)
        start_ns = int(getattr(reader, "start_ns", 0))
        warnings = " ".join(reader.info.warnings)
    lost_s = max((ended_ns - start_ns) / 1e9 - frames[-1].time_us / 1e6, 0.0)
    captured = frames[-1].index - frames[0].index + 1
    return Outcome(warnings, captured, len(frames), lost_s, took_s)


@fault("SIGTERM at the window while recording")
def _sigterm(folder: Path) -> Outcome:
    return _signal_window(signal.SIGTERM, folder)


@fault("SIGHUP at the window while recording")
def _sighup(folder: Path) -> Outcome:
    return _signal_window(signal.SIGHUP, folder)


@fault("SIGINT at the window while recording")
def _sigint(folder: Path) -> Outcome:
    return _signal_window(signal.SIGINT, folder)


@fault("kill -9 at the window while recording")
def _sigkill(folder: Path) -> Outcome:
    return _signal_window(signal.SIGKILL, folder)
