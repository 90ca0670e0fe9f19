"""The running window as its user meets it: start, pictures a second, pauses of the event loop, memory, closing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rgbd_seg.assets import DEMO_RECORDING, asset
from rgbd_seg.errors import RgbdSegError
from rgbd_seg.machine import describe_machine
from rgbd_seg.report import Column, Report
from rgbd_seg.system.screen import screen_problem

_COLUMNS = (Column("what", "what"), Column("value", "value", 2), Column("unit", "unit"), Column("goal", "goal"))
_CLOSING_S = 60.0


def measure_session(seconds: float, minutes: float, source: str, model: str) -> Report:
    """Starts the window in a process of its own and reports what it saw.

    Args:
        seconds: Of each of the three measurements: on a quiet machine, while recording, on a busy machine.
        minutes: How long to watch the memory afterwards.
        source: What to look at; "" for the demo recording, again and again.
        model: A model file, "demo" or "none".

    Raises:
        RgbdSegError: The window could not be measured; the message says why.
    """
    source = source or f"{asset(DEMO_RECORDING)}?loop=1"
    environment = dict(os.environ)
    if screen_problem():
        environment["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryDirectory() as folder:
        started = time.time()
        arguments = [str(started), str(seconds), str(minutes), source, model, str(Path(folder) / "settings.json")]
        probe = subprocess.Popen(
            [sys.executable, "-m", "rgbd_seg.bench.window_probe", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert probe.stdout is not None
        try:
            line = probe.stdout.readline()
            code = probe.wait(_CLOSING_S)
        finally:
            probe.kill()
            probe.wait()
            probe.stdout.close()
        ended = time.time()
    if not line.startswith("{") or code != 0:
        raise RgbdSegError(f"the window ended with {code} before it was measured: run rgbd-seg window to see why")
    found: dict[str, Any] = json.loads(line)
    if found["problem"]:
        raise RgbdSegError(f"the window could not be measured: {found['problem']}")
    found["closing_s"] = ended - found["closed_at"]
    platform = environment.get("QT_QPA_PLATFORM", "the desktop's own")
    return Report("The running window", describe_machine(), _COLUMNS, _rows(found, minutes), _notes(seconds, platform))


def _rows(found: dict[str, Any], minutes: float) -> list[dict[str, str | float | int | None]]:
    rows: list[tuple[str, str, str, str]] = [
        ("window_s", "from the command to the window", "s", ""),
        ("first_picture_s", "from the command to the first picture", "s", ""),
        ("model_s", "from the command to the model's first use", "s", ""),
        ("quiet_fps", "pictures shown", "a second", ""),
        ("quiet_segmented_fps", "pictures segmented", "a second", ""),
        ("recording_fps", "pictures shown while recording", "a second", ""),
        ("recording_segmented_fps", "pictures segmented while recording", "a second", ""),
        ("recording_lost", "pictures missing in the recording", "", "0"),
        ("quiet_longest_ms", "longest pause of the event loop", "ms", "100"),
        ("busy_fps", "pictures shown, every core busy", "a second", ""),
        ("busy_usual_ms", "99 % of the pauses are shorter, every core busy", "ms", ""),
        ("busy_longest_ms", "longest pause, every core busy", "ms", "100"),
        ("memory_mb", "memory", "MB", ""),
        ("closing_s", "from closing to the end of the process", "s", "2"),
    ]
    if minutes:
        rows.insert(-1, ("memory_later_mb", f"memory {minutes:g} minutes later", "MB", ""))
    return [
        {"key": key, "what": what, "value": found.get(key), "unit": unit, "goal": goal}
        for key, what, unit, goal in rows
    ]


def _notes(seconds: float, platform: str) -> tuple[str, ...]:
    return (
        f"Two views, {seconds:g} s each: plainly, while recording, and with one busy process for each core; "
        f"Qt platform {platform}.",
        "A pause is by how much a timer of 5 ms comes late: so long the window would not have answered a click.",
    )
