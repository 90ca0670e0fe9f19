"""Signals at the real window, in every state of it: recording, starting with a model, replaying."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import psutil

from rgbd_seg.assets import asset
from tests.reliability.fault import Outcome, fault
from tests.reliability.process_faults import ENDINGS, wait_for_chunks
from tests.reliability.recorded import recorded
from tests.reliability.window_process import WindowProcess
from tests.virtual_screen import virtual_screen
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

_ROOM = "synthetic:?size=160x120&noise=0&fps=20"


def _end(window: WindowProcess, number: signal.Signals) -> float:
    """Sends a signal and waits for the program to end, its children included; how long that took in seconds."""
    children = psutil.Process(window.process.pid).children(recursive=True)
    begin = time.monotonic()
    window.process.send_signal(number)
    window.process.wait(PATIENCE_S)
    took_s = time.monotonic() - begin
    _, alive = psutil.wait_procs(children, PATIENCE_S)
    assert not alive, f"children outlived the window: {alive}"
    assert "Traceback" not in window.errors(), window.errors()
    return took_s


def _signal_while_recording(number: signal.Signals, folder: Path) -> Outcome:
    with virtual_screen() as display:
        window = WindowProcess(display, folder, [_ROOM, "--model", "none"])
        try:
            window.wait_until_shown()
            path = window.start_recording()
            wait_for_chunks(path, 2)
            ended_ns = time.time_ns()
            took_s = _end(window, number)
        finally:
            window.end()
    return recorded(path, ended_ns, recovered_s=took_s)


for _number in ENDINGS:
    fault(f"{_number.name} at the window while recording")(
        lambda folder, number=_number: _signal_while_recording(number, folder)
    )
fault("kill -9 at the window while recording")(lambda folder: _signal_while_recording(signal.SIGKILL, folder))


@fault("the window suspended and continued while recording", in_suite=False)
def _suspended(folder: Path) -> Outcome:
    with virtual_screen() as display:
        window = WindowProcess(display, folder, [_ROOM, "--model", "none"])
        try:
            window.wait_until_shown()
            path = window.start_recording()
            window.process.send_signal(signal.SIGSTOP)
            time.sleep(1.0)
            begin = time.monotonic()
            window.process.send_signal(signal.SIGCONT)
            wait_for_chunks(path)
            recovered_s = time.monotonic() - begin
            ended_ns = time.time_ns()
            _end(window, signal.SIGTERM)
        finally:
            window.end()
    return recorded(path, ended_ns, recovered_s=recovered_s)


def _signal_at(folder: Path, arguments: list[str], *, shown: bool) -> Outcome:
    """At a moment and with a signal that differ from time to time; `shown` waits for the window first."""
    moment = time.time_ns()
    with virtual_screen() as display:
        window = WindowProcess(display, folder, arguments)
        try:
            if shown:
                window.wait_until_shown()
            time.sleep(0.5 + moment % 4_000_000_000 / 1e9)
            took_s = _end(window, ENDINGS[moment % len(ENDINGS)])
        finally:
            window.end()
    return Outcome("", 0, 0, 0.0, took_s)


@fault("a signal while the window starts", in_suite=False)
def _while_starting(folder: Path) -> Outcome:
    return _signal_at(folder, [_ROOM, "--model", "none"], shown=False)


@fault("a signal while the window loads a model", in_suite=False)
def _while_loading(folder: Path) -> Outcome:
    return _signal_at(folder, [_ROOM, "--model", "demo"], shown=True)


@fault("a signal while the window replays", in_suite=False)
def _while_replaying(folder: Path) -> Outcome:
    return _signal_at(folder, [str(asset("recordings/demo.mcap")), "--model", "none"], shown=True)
