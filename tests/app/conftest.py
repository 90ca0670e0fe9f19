"""Sources, models and windows for the tests of the window: small, quick, and without any file of the user."""

from __future__ import annotations

import gc
import threading
import time
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph  # noqa: F401  # Loaded already, so that no test waits for it.
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication

from rgbd_seg.app.settings import Settings, SettingsFile
from rgbd_seg.app.widgets.theme import apply_theme
from rgbd_seg.app.window import MainWindow
from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import ModelError, SensorError
from rgbd_seg.frame import RgbdFrame, Segmentation, Truth
from rgbd_seg.inference.segmenter import Segmenter, SegmenterInfo, SegmenterOptions
from rgbd_seg.labels import LabelSet
from rgbd_seg.pipeline.session import Session
from rgbd_seg.sensors.sensor import Capture, Control, Request, Sensor, SensorInfo, StreamMode
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot


@pytest.fixture(autouse=True, scope="module")
def _collected_by_the_windows_thread() -> Iterator[None]:
    """Windows that a test leaves in cycles of references are freed here: in another thread that ends the process."""
    gc.disable()
    yield
    gc.collect()
    gc.enable()


@pytest.fixture(autouse=True)
def _young_garbage_is_collected(_collected_by_the_windows_thread: None) -> Iterator[None]:
    yield
    gc.collect(1)


WIDTH, HEIGHT = 64, 48
CALIBRATION = Calibration(Intrinsics(WIDTH, HEIGHT, 60.0, 60.0, 32.0, 24.0))
LABELS = LabelSet.load("sunrgbd13")


def make_frame(index: int = 0, *, truth: bool = False) -> RgbdFrame:
    """Left half 1 m away, right half 2 m, upper left corner without depth; truth is class 1 left and 2 right."""
    color = np.full((HEIGHT, WIDTH, 3), (200, 100, 50), np.uint8)
    depth = np.full((HEIGHT, WIDTH), 1000, np.uint16)
    depth[:, WIDTH // 2 :] = 2000
    depth[:8, :8] = 0
    labels = np.ones((HEIGHT, WIDTH), np.uint8)
    labels[:, WIDTH // 2 :] = 2
    exact = Truth(labels, LABELS) if truth else None
    return RgbdFrame(color, depth, CALIBRATION, index, time.monotonic_ns(), truth=exact)


def make_segmentation(index: int = 0, *, truth: bool = False) -> Segmentation:
    """Class 1 in the left quarter, class 2 in the rest, confidence one half."""
    labels = np.full((HEIGHT, WIDTH), 2, np.uint8)
    labels[:, : WIDTH // 4] = 1
    confidence = np.full((HEIGHT, WIDTH), 128, np.uint8)
    return Segmentation(make_frame(index, truth=truth), labels, confidence, LABELS, {"network": 0.01}, "halves")


class SteadySensor(Sensor):
    """A camera that delivers the frame of `make_frame` 50 times a second, with one control and two modes."""

    pace_hz = 50.0

    def __init__(self, uri: str, request: Request | None = None) -> None:
        super().__init__(SensorInfo(uri, "Steady camera", "camera", "0042", "USB 3.2"), request)
        self.exposure = 10

    def modes(self) -> tuple[StreamMode, ...]:
        return (StreamMode(64, 48, 50), StreamMode(32, 24, 50))

    def controls(self) -> tuple[Control, ...]:
        return (Control("exposure", "Exposure", self.exposure, 1, 100, 1, unit="ms"),)

    def _set_control(self, control: Control, value: object) -> None:
        self.exposure = int(str(value))

    def _open(self) -> Calibration:
        if "broken" in self.info.uri:
            raise SensorError("the steady camera is broken: mend it")
        return CALIBRATION

    def _grab(self, timeout_s: float) -> Capture | None:
        frame = make_frame(truth="truth" in self.info.uri)
        return Capture(frame.color.copy(), frame.depth.copy(), truth=frame.truth)

    def _close(self) -> None:
        pass


class HalvesModel(Segmenter):
    """Says what `make_segmentation` says, of any frame."""

    def __init__(self, origin: str) -> None:
        self.info = SegmenterInfo("halves", origin, "nothing", "test", "CPU", "float32", (48, 64), "the only one")
        self.label_set = LABELS
        self.closed = 0
        self.settings: tuple[str, float] = ("off", 0.0)

    def __call__(self, frame: RgbdFrame) -> Segmentation:
        one = make_segmentation()
        return Segmentation(frame, one.labels, one.confidence, LABELS, {"network": 0.01}, "halves")

    def configure(self, *, smoothing: str, min_confidence: float) -> None:
        self.settings = (smoothing, min_confidence)

    def close(self) -> None:
        self.closed += 1


class Models:
    """Opens `HalvesModel`s and remembers them; a path with "bad" in its name fails."""

    def __init__(self) -> None:
        self.opened: list[HalvesModel] = []
        self.frame_sizes: list[tuple[int, int] | None] = []

    def __call__(self, path: Path, options: SegmenterOptions, progress: Callable[[str, float], None]) -> Segmenter:
        self.frame_sizes.append(options.frame_size)
        progress("reading", 0.5)
        if "bad" in path.name:
            raise ModelError(f"{path.name} is no model")
        self.opened.append(HalvesModel(str(path)))
        return self.opened[-1]


@pytest.fixture
def qtbot(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> QtBot:
    """pytest-qt's own, with the patience that a busy machine needs."""
    wait_until, wait_signal = qtbot.waitUntil, qtbot.waitSignal
    patient = {"timeout": int(PATIENCE_S * 1000)}
    monkeypatch.setattr(qtbot, "waitUntil", lambda condition, **_: wait_until(condition, **patient))
    monkeypatch.setattr(qtbot, "waitSignal", lambda signal, **others: wait_signal(signal, **(others | patient)))
    return qtbot


@pytest.fixture
def models() -> Models:
    return Models()


@pytest.fixture
def make_session(models: Models) -> Callable[[Callable[[], None]], Session]:
    """Sessions whose `steady:` sources are `SteadySensor`s; paths are opened as in the program."""

    def open_any(uri: str, request: Request | None) -> Sensor:
        if uri.startswith("steady:"):
            return SteadySensor(uri, request)
        from rgbd_seg.sensors import open_sensor

        return open_sensor(uri, request)

    def make(wake: Callable[[], None]) -> Session:
        return Session(wake, sensor_opener=open_any, model_opener=models)

    return make


@pytest.fixture
def window(
    qtbot: QtBot, tmp_path: Path, make_session: Callable[[Callable[[], None]], Session], monkeypatch: pytest.MonkeyPatch
) -> Iterator[MainWindow]:
    """A window with its own settings that looks for no cameras; closing it must end every thread."""
    monkeypatch.setattr("rgbd_seg.app.source.device_finder.DeviceFinder.start", lambda _self: None)
    # A form that stands open would train a dozen steps of its own.
    monkeypatch.setattr("rgbd_seg.app.training.controller.measure", lambda *_: None)
    threads = set(threading.enumerate())
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    file = SettingsFile(tmp_path / "settings.json")
    window = MainWindow(apply_theme(application, "dark"), file, make_session)
    window.remember(Settings(record_folder=str(tmp_path / "recordings"), model=""))
    qtbot.addWidget(window)
    window.setWindowState(Qt.WindowState.WindowNoState)  # The screen of the offscreen platform is small.
    window.resize(1280, 720)
    window.show()
    yield window
    window.close_now()
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    left = [thread for thread in threading.enumerate() if thread not in threads and thread.is_alive()]
    assert not left, f"threads are left: {left}"


@pytest.fixture
def frame() -> RgbdFrame:
    return make_frame()


@pytest.fixture
def segmentation() -> Segmentation:
    return make_segmentation()


@pytest.fixture
def scored() -> Segmentation:
    return make_segmentation(truth=True)
