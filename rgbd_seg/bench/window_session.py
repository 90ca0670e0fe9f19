"""The running window as its user meets it: start, a camera's way to the screen, pauses, memory, closing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from rgbd_seg.assets import DEMO_RECORDING, asset
from rgbd_seg.bench.probe_plan import ProbePlan
from rgbd_seg.errors import RgbdSegError
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.machine import describe_machine
from rgbd_seg.recording.mcap.writer import RecordingWriter
from rgbd_seg.report import Column, Report
from rgbd_seg.sensors import open_any_recording
from rgbd_seg.system.screen import screen_problem

_COLUMNS = (Column("what", "what"), Column("value", "value", 2), Column("unit", "unit"), Column("goal", "goal"))
_CLOSING_S = 60.0
_CAMERA = "still:640x480"
_WALK_SIZE, _WALK_FRAMES, _WALK_NS = (640, 480), 240, 33_333_333
_Row = tuple[str, str, str, str]  # Key, words, unit, goal.

_START: tuple[_Row, ...] = (
    ("window_s", "from the command to the window", "s", ""),
    ("first_picture_s", "from the command to the first picture", "s", ""),
    ("first_labels_s", "from the command to the first labels", "s", ""),
    ("first_labels_cpu_s", "processor time until then", "s", ""),
)
_SESSION: tuple[_Row, ...] = (
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
)
_LIVE: tuple[_Row, ...] = (
    ("live_captured_fps", "frames of the camera", "a second", ""),
    ("live_fps", "of these shown", "a second", "all"),
    ("live_segmented_fps", "segmented", "a second", ""),
    ("picture_ms", "from the camera to the screen, the picture, median", "ms", "20"),
    ("picture_late_ms", "of 95 % of the pictures less than", "ms", ""),
    ("labels_ms", "the labels, median", "ms", ""),
    ("labels_late_ms", "of 95 % of the labels less than", "ms", ""),
    ("live_longest_ms", "longest pause of the event loop", "ms", "100"),
)


_CLOSING: tuple[_Row, ...] = (("closing_s", "from closing to the end of the process", "s", "2"),)


def _rows_of_acts(phase: str) -> tuple[_Row, ...]:
    """What a phase that does one thing after another tells."""
    return (
        ("acts", "things done", "", ""),
        (f"{phase}_longest_ms", "longest pause of the event loop", "ms", "100"),
        (f"{phase}_longest_act", "after", "", ""),
        (f"{phase}_computing_ms", "processor time of the dearest event in the window's thread", "ms", "50"),
        (f"{phase}_computing_act", "after", "", ""),
        (f"{phase}_slowest", "the six dearest", "ms", ""),
        (f"{phase}_waiting_ms", "longest wait of that thread for others of the program, or for the screen", "ms", "50"),
        (f"{phase}_waiting_act", "after", "", ""),
    )


@dataclass(frozen=True, slots=True)
class Part:
    """One measurement of the window in a process of its own.

    Attributes:
        title: What it is about.
        phases: Of the probe.
        rows: What is reported.
        note: How it was done.
        source: Where none was asked for; "" for the demo recording, again and again.
        slow_s: So long the model takes for a frame at least.
        empty_cache: Whether nothing was compiled before, as at the first start after an installation.
        copied: Whether it looks at a copy, because it writes beside the recording.
    """

    title: str
    phases: tuple[str, ...]
    rows: tuple[_Row, ...]
    note: str
    source: str = ""
    slow_s: float = 0.0
    empty_cache: bool = False
    copied: bool = False


PARTS = {
    "session": Part(
        "The running window",
        ("quiet", "recording", "busy", "memory"),
        (*_START, *_SESSION, *_CLOSING),
        "{seconds:g} s each: plainly, while recording, and with one busy process for each core.",
    ),
    "live": Part(
        "A camera in the window",
        ("live",),
        (*_LIVE,),
        "A camera of 30 still pictures a second, {seconds:g} s; from their arrival until Qt has painted them.",
        _CAMERA,
    ),
    "slow": Part(
        "A camera with a model that takes a second",
        ("live",),
        (*_LIVE,),
        "The same with a model that takes a second for a frame.",
        _CAMERA,
        slow_s=1.0,
    ),
    "first": Part(
        "The first start after an installation",
        (),
        (*_START,),
        "With an empty cache of compiled models.",
        empty_cache=True,
    ),
    "everything": Part(
        "Everything in the window, again and again",
        ("everything",),
        _rows_of_acts("everything"),
        "{minutes:g} min of views, panels, layouts, dialogs, tools, themes, recordings, snapshots and label mode, one "
        "act every 0.4 s.",
    ),
    "labelling": Part(
        "Label mode",
        ("labelling",),
        _rows_of_acts("labelling"),
        "Every tool, undo, classes, zoom, frames, drafts, travel, the 3D view and the choice of the next frame, on a "
        "copy of the first 240 frames, in windows of 1280x720 and 3840x2160.",
        copied=True,
    ),
}


def measure_session(name: str, seconds: float, minutes: float, source: str, model: str) -> Report:
    """Starts the window in a process of its own and reports what it saw.

    Args:
        name: Of `PARTS`.
        seconds: Of each measurement.
        minutes: How long to watch the memory afterwards, or to do everything.
        source: What to look at; "" for what the part has.
        model: A model file, "real", "real-fine", "demo" or "none".

    Raises:
        RgbdSegError: The window could not be measured; the message says why.
    """
    part = PARTS[name]
    source = source or part.source or ("" if part.copied else f"{asset(DEMO_RECORDING)}?loop=1")
    environment = dict(os.environ)
    if screen_problem():
        environment["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryDirectory() as folder:
        if part.empty_cache:
            environment |= {"XDG_CACHE_HOME": folder, "LOCALAPPDATA": folder}
        if part.copied:
            source = str(_walk(source, Path(folder) / "walk.mcap"))
        settings = Path(folder) / "settings.json"
        settings.write_text(json.dumps({"record_folder": folder, "model": ""}), encoding="utf-8")
        plan = ProbePlan(time.time(), part.phases, seconds, minutes, source, model, str(settings), part.slow_s)
        probe = subprocess.Popen(
            [sys.executable, "-m", "rgbd_seg.bench.window_probe", json.dumps(asdict(plan))],
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
    rows = list(part.rows)
    if minutes and "memory" in part.phases:
        rows.insert(-1, ("memory_later_mb", f"memory {minutes:g} minutes later", "MB", ""))
    table: list[dict[str, str | float | int | None]] = [
        {"key": key, "what": what, "value": found.get(key), "unit": unit, "goal": goal}
        for key, what, unit, goal in rows
    ]
    notes = (
        f"{part.note.format(seconds=seconds, minutes=minutes)} Two views at first; Qt platform "
        f"{environment.get('QT_QPA_PLATFORM', 'of the desktop')}.",
        "A pause is by how much a timer of 5 ms comes late: so long the window would not have answered a click.",
    )
    return Report(part.title, describe_machine(), _COLUMNS, table, notes)


def _walk(source: str, path: Path) -> Path:
    """Copies the first frames of a recording; without one those of the demo, again and again, at 640x480."""
    size = None if source else _WALK_SIZE
    with open_any_recording(Path(source) if source else asset(DEMO_RECORDING)) as reader:
        count = min(len(reader), _WALK_FRAMES) if source else _WALK_FRAMES
        first = _resized(reader.read(0).as_captured(), size)
        with RecordingWriter(path, first.calibration, name="walk") as writer:
            for number in range(count):
                frame = _resized(reader.read(number % len(reader)).as_captured(), size)
                writer.write(replace(frame, index=number, host_ns=first.host_ns + number * _WALK_NS))
    return path


def _resized(frame: RgbdFrame, size: tuple[int, int] | None) -> RgbdFrame:
    if size is None:
        return frame
    color = np.asarray(cv2.resize(frame.color, size), np.uint8)
    depth = np.asarray(cv2.resize(frame.depth, size, interpolation=cv2.INTER_NEAREST), np.uint16)
    lens = frame.calibration.color.scaled(*size)
    return RgbdFrame(color, depth, replace(frame.calibration, color=lens), frame.index, frame.host_ns)
