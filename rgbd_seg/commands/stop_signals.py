"""Ctrl-C, `kill` and a closed terminal as something to look at between two frames, so that files are finished first."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Notes the first such signal instead of ending the program; a second one interrupts.

    Yields:
        The number of the signal once it has come, empty before. 128 and that number is the exit code a shell expects.
    """
    received: list[int] = []

    def note(number: int, _: object) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
    before = {number: signal.signal(number, note) for number in (getattr(signal, name) for name in names)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
