"""Signals at a real recording process, in every state of it: what is in its file afterwards."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from rgbd_seg.recording import open_recording
from tests.reliability.fault import Outcome, fault, until
from tests.reliability.recorded import recorded

if TYPE_CHECKING:
    from pathlib import Path

ROOM = "synthetic:?size=160x120&noise=0&fps=30"
ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def record_command(path: Path) -> list[str]:
    """`rgbd-seg record` of the built-in room."""
    return [sys.executable, "-m", "rgbd_seg", "record", ROOM, "-o", str(path)]


def start_recording(path: Path) -> subprocess.Popen[str]:
    """`rgbd-seg record`, running and writing."""
    process = subprocess.Popen(record_command(path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: path.exists() and path.stat().st_size > 20_000, 60)
    return process


def last_line(process: subprocess.Popen[str]) -> str:
    """Waits for the end of a process; the last that it said to its user."""
    _, errors = process.communicate(timeout=60)
    return errors.strip().splitlines()[-1] if errors.strip() else ""


def _signal_while_recording(number: signal.Signals, folder: Path) -> Outcome:
    path = folder / "a.mcap"
    process = start_recording(path)
    time.sleep(1.0)
    ended_ns = time.time_ns()
    process.send_signal(number)
    result = recorded(path, ended_ns, last_line(process))
    expected = -number if number is signal.SIGKILL else 128 + number
    assert process.returncode == expected, f"exit code {process.returncode}"
    assert result.kept == result.captured
    return result


for _number in ENDINGS:
    fault(f"{_number.name} while recording")(lambda folder, number=_number: _signal_while_recording(number, folder))
fault("kill -9 while recording")(lambda folder: _signal_while_recording(signal.SIGKILL, folder))


@fault("a signal while recording starts", in_suite=False)
def _while_starting(folder: Path) -> Outcome:
    """At a moment and with a signal that differ from time to time: a file that is there by then opens."""
    path, moment = folder / "a.mcap", time.time_ns()
    process = subprocess.Popen(record_command(path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(moment % 3_000_000_000 / 1e9)
    process.send_signal(ENDINGS[moment % len(ENDINGS)])
    process.communicate(timeout=60)
    frames = 0
    if path.exists():
        with open_recording(path) as reader:
            frames = len(list(reader))
    return Outcome("", frames, frames)


@fault("two signals while recording")
def _twice(folder: Path) -> Outcome:
    """An impatient Ctrl-C after the first one: what was written before stays whole."""
    path = folder / "a.mcap"
    process = start_recording(path)
    time.sleep(0.5)
    ended_ns = time.time_ns()
    process.send_signal(signal.SIGINT)
    time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    return recorded(path, ended_ns, last_line(process))


@fault("suspended and continued while recording")
def _suspended(folder: Path) -> Outcome:
    path = folder / "a.mcap"
    process = start_recording(path)
    process.send_signal(signal.SIGSTOP)
    time.sleep(1.0)
    process.send_signal(signal.SIGCONT)
    size = path.stat().st_size
    begin = time.monotonic()
    until(lambda: path.stat().st_size > size)
    recovered_s = time.monotonic() - begin
    time.sleep(0.5)
    ended_ns = time.time_ns()
    process.send_signal(signal.SIGINT)
    return recorded(path, ended_ns, last_line(process), recovered_s)
