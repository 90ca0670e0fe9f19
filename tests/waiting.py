"""How tests wait: for a condition, never for a time; and how they start what ends with the test, whatever happens.

How long a machine takes says nothing about the program, so that patience is long. It is used up only by a failure.
"""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rgbd_seg.pipeline.live import LivePipeline

PATIENCE_S = 300.0


def until(condition: Callable[[], object], what: str = "it", seconds: float = PATIENCE_S) -> None:
    """Waits for something that must happen.

    Raises:
        TimeoutError: It did not.
    """
    looked = time.monotonic()
    end, pause_s = looked + seconds, 0.005
    while not condition():
        if (now := time.monotonic()) > end:
            raise TimeoutError(f"{what} did not happen within {seconds:g} s")
        # What lasts is looked at more rarely, and for half of the time at most: some conditions start a program.
        time.sleep(max(pause_s, now - looked))
        looked, pause_s = time.monotonic(), min(1.1 * pause_s, 0.05)


def end_all(processes: Sequence[psutil.Process]) -> None:
    """Kills processes with all that they have started, and waits for their ends."""
    family: list[psutil.Process] = []
    for process in processes:
        try:
            family += [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
    for process in family:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(family, 20)


@contextmanager
def program(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """A program with its children, all of which are gone afterwards; `subprocess.Popen` alone would wait for them."""
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        if process.poll() is None:
            end_all([psutil.Process(process.pid)])
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


@contextmanager
def started(pipeline: LivePipeline) -> Iterator[LivePipeline]:
    """A pipeline that runs, and is stopped afterwards."""
    pipeline.start()
    try:
        yield pipeline
    finally:
        pipeline.stop()
