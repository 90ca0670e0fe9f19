"""Signals at a real recording process: what is in its file afterwards."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from rgbd_seg.recording import open_recording
from tests.reliability.fault import Outcome, fault, until

if TYPE_CHECKING:
    from pathlib import Path

FPS = 30


def start_recording(path: Path) -> subprocess.Popen[str]:
    """`rgbd-seg record` of the built-in room, running and writing."""
    source = f"synthetic:?size=160x120&noise=0&fps={FPS}"
    command = [sys.executable, "-m", "rgbd_seg", "record", source, "-o", str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: path.exists() and path.stat().st_size > 20_000, 60)
    return process


def _outcome(path: Path, process: subprocess.Popen[str], ended_ns: int) -> Outcome:
    """Compares the last frame's time with the moment of the signal."""
    _, errors = process.communicate(timeout=60)
    with open_recording(path) as reader:
        frames = list(reader)
        start_ns = int(getattr(reader, "start_ns", 0))
        seen = " ".join((*reader.info.warnings, errors.strip().splitlines()[-1] if errors.strip() else ""))
    lost_s = (ended_ns - (start_ns + frames[-1].time_us * 1000)) / 1e9
    captured = frames[-1].index + 1
    return Outcome(seen.strip(), captured, len(frames), max(lost_s, 0.0))


def _signalled(number: signal.Signals, folder: Path) -> Outcome:
    path = folder / "a.mcap"
    process = start_recording(path)
    time.sleep(1.0)
    ended_ns = time.time_ns()
    process.send_signal(number)
    result = _outcome(path, process, ended_ns)
    expected = -number if number is signal.SIGKILL else 128 + number
    assert process.returncode == expected, f"exit code {process.returncode}"
    assert result.kept == result.captured
    return result


@fault("SIGTERM while recording")
def _sigterm(folder: Path) -> Outcome:
    return _signalled(signal.SIGTERM, folder)


@fault("SIGINT while recording")
def _sigint(folder: Path) -> Outcome:
    return _signalled(signal.SIGINT, folder)


@fault("SIGHUP while recording")
def _sighup(folder: Path) -> Outcome:
    return _signalled(signal.SIGHUP, folder)


@fault("kill -9 while recording")
def _sigkill(folder: Path) -> Outcome:
    return _signalled(signal.SIGKILL, folder)


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
    result = _outcome(path, process, ended_ns)
    return Outcome(result.seen, result.captured, result.kept, result.lost_s, recovered_s)
