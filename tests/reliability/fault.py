"""What a fault leaves behind, and the list of all faults that the reliability tests cause."""

from __future__ import annotations

import gc
import threading
import time
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FAULTS: dict[str, Callable[[Path], Outcome]] = {}
#: Those that take too long for the suite: only the long run causes them.
LONG: set[str] = set()
_MODULES = (
    "camera_faults",
    "disk_faults",
    "model_faults",
    "process_faults",
    "second_program",
    "stored_faults",
    "window_faults",
)


@dataclass(frozen=True)
class Outcome:
    """How the program took a fault.

    Attributes:
        seen: What the user reads, "" where there is nothing to say.
        captured: Frames that were captured before and after the fault.
        kept: How many of them are in the recording (or were shown, where nothing is recorded).
        lost_s: Seconds of frames that are missing before the end of what was kept; must stay below 1 on a machine that
            gives the program a processor.
        recovered_s: Seconds until frames flowed again, None where nothing was to recover.
    """

    seen: str
    captured: int
    kept: int
    lost_s: float = 0.0
    recovered_s: float | None = None


def all_faults() -> dict[str, Callable[[Path], Outcome]]:
    """Every fault by name."""
    for module in _MODULES:
        import_module(f"tests.reliability.{module}")
    return FAULTS


def fault(name: str, *, in_suite: bool = True) -> Callable[[Callable[[Path], Outcome]], Callable[[Path], Outcome]]:
    """Adds the decorated function to `FAULTS`: it causes one fault in an empty folder."""

    def add(cause: Callable[[Path], Outcome]) -> Callable[[Path], Outcome]:
        FAULTS[name] = cause
        if not in_suite:
            LONG.add(name)
        return cause

    return add


class Leaks:
    """Compares threads, child processes, open files and shared memory before and after a fault."""

    def __init__(self) -> None:
        self._me = psutil.Process()
        self._before = self._state()

    def _state(self) -> tuple[int, int, int, int]:
        gc.collect()
        children = self._me.children(recursive=True)
        shared = [m.path for m in self._me.memory_maps(grouped=False) if "memfd:rgbd-seg-" in m.path]
        return threading.active_count(), len(children), self._me.num_fds(), len(shared)

    def found(self) -> str:
        """What is more than before, "" if nothing is. Gives finished threads a moment to go."""
        for _ in range(100):
            now = self._state()
            more = [
                f"{after - before} {what}"
                for what, before, after in zip(
                    ("threads", "processes", "open files", "shared memory maps"), self._before, now, strict=True
                )
                if after > before
            ]
            if not more:
                return ""
            time.sleep(0.02)
        return ", ".join(more)
