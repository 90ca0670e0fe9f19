"""The process that `rgbd-seg bench window` measures: the real window, watched from inside, and closed at the end.

    python -m rgbd_seg.bench.window_probe PLAN

PLAN is JSON with the fields of `ProbePlan`. Recordings go beside the settings. Prints one line of JSON when it closes.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from PySide6.QtCore import QElapsedTimer, QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from rgbd_seg.app.application import Launch, run
from rgbd_seg.app.window import MainWindow
from rgbd_seg.bench.labeller import Labeller
from rgbd_seg.bench.probe_plan import ProbePlan
from rgbd_seg.bench.still_driver import SCHEME, open_device
from rgbd_seg.bench.window_acts import acts
from rgbd_seg.frame import RgbdFrame, Segmentation
from rgbd_seg.inference.cpu import permitted_cpus
from rgbd_seg.inference.segmenter import Segmenter, SegmenterOptions
from rgbd_seg.pipeline.model_slot import open_model
from rgbd_seg.pipeline.session import Session
from rgbd_seg.pipeline.session_recording import start_recording
from rgbd_seg.pipeline.status import ModelState
from rgbd_seg.sensors import open_sensor, parse_uri
from rgbd_seg.sensors.sensor import Request, Sensor

_BEAT_MS = 5
_LOADING_S = 300.0
_ACT_S = 0.4
_LABELLING_SIZES = ((1280, 720), (3840, 2160))
_BUSY = "import sys, time\nend = time.monotonic() + float(sys.argv[1])\nwhile time.monotonic() < end: pass"


class WatchedApplication(QApplication):
    """Measures what each event costs the window's thread, with all that it sets off at once.

    Attributes:
        longest_ms: Processor time of the dearest event since this was set to 0.
    """

    longest_ms = 0.0
    _inside = False

    def notify(self, receiver: QObject, event: QEvent) -> bool:
        """Delivers an event."""
        if self._inside:
            return super().notify(receiver, event)
        self._inside, started = True, time.thread_time()
        try:
            return super().notify(receiver, event)
        finally:
            self._inside = False
            self.longest_ms = max(self.longest_ms, (time.thread_time() - started) * 1000)


@dataclass(frozen=True, slots=True)
class _Pause:
    """Between two turns of Qt's loop.

    Attributes:
        late_ms: How much longer it was than asked for.
        computing_ms: Processor time of the dearest event in it.
        waited_ms: How much of it the thread neither worked nor was kept off the processor by other programs, nor any
            other thread that it may have waited for: it waited for a thread that worked, or for the screen. None where
            the system does not tell.
        act: After which act.
    """

    late_ms: float
    computing_ms: float
    waited_ms: float | None
    act: str


def _threads_ms() -> dict[int, tuple[float, float]]:
    """So long each of Python's threads has worked, and waited for a processor, since it began; {} where unknown."""
    found = {}
    for thread in threading.enumerate():
        with contextlib.suppress(OSError):  # It has ended, or this system does not tell.
            text = Path(f"/proc/self/task/{thread.native_id}/schedstat").read_text(encoding="ascii")
            worked, queued, _ = (int(part) / 1e6 for part in text.split())
            found[thread.native_id or 0] = (worked, queued)
    return found


def _waited_ms(
    late_ms: float, before: dict[int, tuple[float, float]], now: dict[int, tuple[float, float]]
) -> float | None:
    own = threading.get_native_id()
    if own not in before or own not in now:
        return None
    worked, queued = (now[own][i] - before[own][i] for i in (0, 1))
    others = max((now[one][1] - before[one][1] for one in now.keys() & before.keys() if one != own), default=0.0)
    return max(late_ms - worked - queued - others, 0.0)


class Probe(QObject):
    """Goes through the phases, one after the other, as a generator that Qt's timer resumes."""

    def __init__(self, window: MainWindow, plan: ProbePlan) -> None:
        super().__init__(window)
        self._window, self._plan, self._with_model = window, plan, plan.model != "none"
        self.found: dict[str, Any] = {"window_s": time.time() - plan.started, "problem": ""}
        self._shown = 0
        self._act = ""
        self._pauses_ms: list[_Pause] = []
        self._threads_ms = _threads_ms()
        self._picture: RgbdFrame | None = None
        self._labels: Segmentation | None = None
        self._picture_ms: list[float] = []
        self._labels_ms: list[float] = []
        self._clock = QElapsedTimer()
        self._clock.start()
        self._beat = QTimer(self)
        self._beat.setTimerType(Qt.TimerType.PreciseTimer)
        self._beat.setInterval(_BEAT_MS)
        self._beat.timeout.connect(self._count_pause)
        self._beat.start()
        window.presenter.shown.connect(self._count_picture)
        self._phases = self._run_phases()
        self._next = QTimer(self)
        self._next.setSingleShot(True)
        self._next.timeout.connect(self._go_on)
        self._go_on()

    def _count_picture(self) -> None:
        presenter = self._window.presenter
        if presenter.frame is not self._picture:
            self._picture = presenter.frame
            self._shown += 1
            # When Qt comes back to its loop, what was asked for is painted.
            QTimer.singleShot(0, partial(self._painted, self._picture, self._picture_ms))
        if "first_picture_s" not in self.found:
            self.found["first_picture_s"] = time.time() - self._plan.started
        one = presenter.segmentation
        new = one if one is not self._labels and one is not None and one.labels is not None else None
        if new is not None:
            self._labels = new
            if "first_labels_s" not in self.found:
                self.found["first_labels_s"] = time.time() - self._plan.started
                times = psutil.Process().cpu_times()
                self.found["first_labels_cpu_s"] = times.user + times.system
            QTimer.singleShot(0, partial(self._painted, new.frame, self._labels_ms))

    def _painted(self, frame: RgbdFrame | None, times_ms: list[float]) -> None:
        if frame is not None:
            times_ms.append((time.monotonic_ns() - frame.host_ns) / 1e6)

    def _count_pause(self) -> None:
        late_ms, application, computed_ms = self._clock.nsecsElapsed() / 1e6 - _BEAT_MS, QApplication.instance(), 0.0
        if isinstance(application, WatchedApplication):
            computed_ms, application.longest_ms = application.longest_ms, 0.0
        threads = _threads_ms()
        waited_ms = _waited_ms(late_ms, self._threads_ms, threads)
        self._threads_ms = threads
        self._pauses_ms.append(_Pause(late_ms, computed_ms, waited_ms, self._act))
        self._clock.restart()

    def _go_on(self) -> None:
        wait_s = next(self._phases, None)
        if wait_s is not None:
            self._next.start(round(wait_s * 1000))
            return
        self.found["closed_at"] = time.time()
        print(json.dumps(self.found), flush=True)
        self._window.close_now()

    def _run_phases(self) -> Iterator[float]:
        end = time.monotonic() + _LOADING_S
        while not self._ready():
            if time.monotonic() > end or self.found["problem"]:
                self.found["problem"] = self.found["problem"] or "neither picture nor model came in time"
                return
            yield 0.1
        self.found["model_s"] = time.time() - self._plan.started if self._with_model else None
        yield 1.0  # The first frames warm up.
        phases: dict[str, Callable[[], Iterator[float]]] = {
            "quiet": partial(self._measure, "quiet"),
            "recording": self._record,
            "busy": self._crowd,
            "memory": self._remember,
            "live": self._follow,
            "everything": self._do_everything,
            "labelling": self._label,
        }
        for name in self._plan.phases:
            yield from phases[name]()

    def _ready(self) -> bool:
        status = self._window.session.status()
        if status.error or status.model.error:
            self.found["problem"] = status.error or status.model.error
        loaded = not self._with_model or (status.model.state is ModelState.READY and "first_labels_s" in self.found)
        return loaded and "first_picture_s" in self.found

    def _record(self) -> Iterator[float]:
        start_recording(self._window.session, Path(self._plan.settings).parent)
        yield from self._measure("recording")
        recorder = self._window.session.status().recorder
        self.found["recording_lost"] = recorder.dropped if recorder else None
        self._window.session.stop_recording()

    def _crowd(self) -> Iterator[float]:
        command = [sys.executable, "-c", _BUSY, str(self._plan.seconds + 2)]
        burners = [subprocess.Popen(command) for _ in range(permitted_cpus())]
        yield 1.0
        yield from self._measure("busy")
        for burner in burners:
            burner.kill()
            burner.wait()

    def _remember(self) -> Iterator[float]:
        process = psutil.Process()
        self.found["memory_mb"] = process.memory_info().rss / 1e6
        yield self._plan.minutes * 60
        self.found["memory_later_mb"] = process.memory_info().rss / 1e6

    def _follow(self) -> Iterator[float]:
        """How a camera's frames come to the screen."""
        self._picture_ms.clear()
        self._labels_ms.clear()
        captured = self._window.session.status().captured
        yield from self._measure("live")
        self.found["live_captured_fps"] = (self._window.session.status().captured - captured) / self._plan.seconds
        for name, times_ms in (("picture", self._picture_ms), ("labels", self._labels_ms)):
            ordered = sorted(times_ms)
            self.found[f"{name}_ms"] = ordered[len(ordered) // 2] if ordered else None
            self.found[f"{name}_late_ms"] = ordered[int(0.95 * (len(ordered) - 1))] if ordered else None

    def _do_everything(self) -> Iterator[float]:
        """One act after the other, again and again."""
        end, done = time.monotonic() + self._plan.minutes * 60, 0
        self._pauses_ms.clear()
        while time.monotonic() < end:
            for name, act in acts(self._window):
                self._act = name
                act()
                done += 1
                yield _ACT_S
                if time.monotonic() > end:
                    break
        self._report_acts("everything", done)

    def _label(self) -> Iterator[float]:
        """A person in label mode, in a small window and in a large one."""
        self._pauses_ms.clear()
        done = 0
        for width, height in _LABELLING_SIZES:
            self._window.resize(width, height)
            yield 1.0
            hands = Labeller(self._window, partial(self._begin, f" at {width}x{height}"), self._with_model)
            yield from hands.works()
            done += hands.acts
        self._report_acts("labelling", done)

    def _begin(self, where: str, act: str) -> None:
        self._act = f"{act}{where}"

    def _report_acts(self, phase: str, done: int) -> None:
        """The longest pauses since they were cleared, and after which acts."""
        by_act: dict[str, float] = {}
        for pause in self._pauses_ms:
            by_act[pause.act] = max(pause.computing_ms, by_act.get(pause.act, 0.0))
        slowest = sorted(by_act.items(), key=lambda entry: -entry[1])[:6]
        self.found[f"{phase}_slowest"] = ", ".join(f"{name} {ms:.0f}" for name, ms in slowest)
        longest = max(self._pauses_ms, key=lambda pause: pause.late_ms)
        computing = max(self._pauses_ms, key=lambda pause: pause.computing_ms)
        waiting = max(self._pauses_ms, key=lambda pause: pause.waited_ms or 0.0)
        self.found |= {
            "acts": done,
            f"{phase}_longest_ms": longest.late_ms,
            f"{phase}_longest_act": longest.act,
            f"{phase}_computing_ms": computing.computing_ms,
            f"{phase}_computing_act": computing.act,
            f"{phase}_waiting_ms": waiting.waited_ms,
            f"{phase}_waiting_act": waiting.act,
        }

    def _measure(self, phase: str) -> Iterator[float]:
        self._pauses_ms.clear()
        shown, segmented, began = self._shown, self._window.session.status().segmented, time.monotonic()
        yield self._plan.seconds
        seconds = time.monotonic() - began
        self.found[f"{phase}_fps"] = (self._shown - shown) / seconds
        if self._with_model:
            self.found[f"{phase}_segmented_fps"] = (self._window.session.status().segmented - segmented) / seconds
        pauses_ms = sorted(pause.late_ms for pause in self._pauses_ms) or [0.0]
        self.found[f"{phase}_longest_ms"] = pauses_ms[-1]
        self.found[f"{phase}_usual_ms"] = pauses_ms[int(0.99 * (len(pauses_ms) - 1))]


def _open_any(uri: str, request: Request | None) -> Sensor:
    if uri.startswith(f"{SCHEME}:"):
        return open_device(parse_uri(uri), request or Request())
    return open_sensor(uri, request)


class _SlowSegmenter(Segmenter):
    """A model that takes at least so many seconds for a frame, without holding a core meanwhile."""

    def __init__(self, one: Segmenter, slow_s: float) -> None:
        self._one, self._slow_s = one, slow_s
        self.info, self.label_set = one.info, one.label_set
        self.configure, self.prepare = one.configure, one.prepare  # type: ignore[method-assign]
        self.reset, self.close = one.reset, one.close  # type: ignore[method-assign]

    def __call__(self, frame: RgbdFrame) -> Segmentation:
        end = time.monotonic() + self._slow_s
        result = self._one(frame)
        time.sleep(max(end - time.monotonic(), 0))
        return result


def _open_slow(
    slow_s: float, path: Path, options: SegmenterOptions, progress: Callable[[str, float], None]
) -> Segmenter:
    return _SlowSegmenter(open_model(path, options, progress), slow_s)


def main(text: str) -> int:
    """Runs the window until the probe closes it."""
    plan = ProbePlan(**json.loads(text))
    settings = Path(plan.settings)
    if {"everything", "labelling"} & set(plan.phases):  # The others count pictures, and go without it.
        WatchedApplication(["rgbd-seg"])
    launch = Launch(source=plan.source, model="" if plan.model == "none" else plan.model, settings=settings, views=2)

    def session(wake: Callable[[], None]) -> Session:
        opener = partial(_open_slow, plan.slow_s) if plan.slow_s else open_model
        return Session(wake, sensor_opener=_open_any, model_opener=opener)

    return run(launch, lambda window: Probe(window, plan), session)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
