"""Signals at a real recording process, in every state of it: what is in its file afterwards."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rgbd_seg.recording import open_recording
from rgbd_seg.recording.mcap.input import McapInput
from rgbd_seg.recording.mcap.scan import scan
from tests.reliability.fault import Outcome, fault
from tests.reliability.recorded import recorded
from tests.waiting import PATIENCE_S, program, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOM = "synthetic:?size=160x120&noise=0&fps=30"
ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def record_command(path: Path) -> list[str]:
    """`rgbd-seg record` of the built-in room."""
    return [sys.executable, "-m", "rgbd_seg", "record", ROOM, "-o", str(path)]


def chunks(path: Path) -> int:
    """How many whole chunks of frames a recording has by now."""
    if not path.exists():
        return 0
    source = McapInput(path)
    try:
        return len(scan(source).chunks)
    finally:
        source.close()


def wait_for_chunks(path: Path, more: int = 1) -> None:
    """Waits until so many more chunks are in a growing file."""
    known = chunks(path)
    until(lambda: chunks(path) >= known + more, f"the next chunk of {path.name}")


@contextmanager
def recording_program(path: Path) -> Iterator[subprocess.Popen[str]]:
    """`rgbd-seg record`, running and with frames in its file; it is gone afterwards."""
    with program(record_command(path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        until(lambda: chunks(path) or process.poll() is not None, "the first frame in the file")
        assert process.poll() is None, process.communicate()[1]
        yield process


def last_line(process: subprocess.Popen[str]) -> str:
    """Waits for the end of a process; the last that it said to its user."""
    _, errors = process.communicate(timeout=PATIENCE_S)
    return errors.strip().splitlines()[-1] if errors.strip() else ""


def _signal_while_recording(number: signal.Signals, folder: Path) -> Outcome:
    path = folder / "a.mcap"
    with recording_program(path) as process:
        wait_for_chunks(path, 2)
        ended_ns = time.time_ns()
        process.send_signal(number)
        said, _ = process.communicate(timeout=PATIENCE_S)
        result = recorded(path, ended_ns)
    killed = number is signal.SIGKILL
    assert process.returncode == (-number if killed else 128 + number), f"exit code {process.returncode}"
    assert result.kept == result.captured
    if not killed:
        assert "0 lost" in said
        assert not result.seen, "the file was not finished"
    return result


for _number in ENDINGS:
    fault(f"{_number.name} while recording")(lambda folder, number=_number: _signal_while_recording(number, folder))
fault("kill -9 while recording")(lambda folder: _signal_while_recording(signal.SIGKILL, folder))


@fault("a signal while recording starts", in_suite=False)
def _while_starting(folder: Path) -> Outcome:
    """At a moment and with a signal that differ from time to time: a file that is there by then opens."""
    path, moment = folder / "a.mcap", time.time_ns()
    with program(record_command(path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(moment % 3_000_000_000 / 1e9)
        process.send_signal(ENDINGS[moment % len(ENDINGS)])
        process.communicate(timeout=PATIENCE_S)
    frames = 0
    if path.exists():
        with open_recording(path) as reader:
            frames = len(list(reader))
    return Outcome("", frames, frames)


@fault("two signals while recording")
def _twice(folder: Path) -> Outcome:
    """An impatient Ctrl-C after the first one: what was written before stays whole."""
    path = folder / "a.mcap"
    with recording_program(path) as process:
        wait_for_chunks(path)
        ended_ns = time.time_ns()
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        return recorded(path, ended_ns, last_line(process))


@fault("suspended and continued while recording")
def _suspended(folder: Path) -> Outcome:
    path = folder / "a.mcap"
    with recording_program(path) as process:
        process.send_signal(signal.SIGSTOP)
        time.sleep(1.0)  # This is what is tested: a second that the program does not have.
        process.send_signal(signal.SIGCONT)
        begin = time.monotonic()
        wait_for_chunks(path)
        recovered_s = time.monotonic() - begin
        wait_for_chunks(path)
        ended_ns = time.time_ns()
        process.send_signal(signal.SIGINT)
        return recorded(path, ended_ns, last_line(process), recovered_s)
