"""Starts Qt, opens the window on what the command line or the settings say, and runs until it is closed."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from rgbd_seg.app.collecting import WindowCollector
from rgbd_seg.app.settings import Settings, SettingsFile
from rgbd_seg.app.widgets.theme import apply_theme
from rgbd_seg.app.window import MainWindow
from rgbd_seg.pipeline.session import Session
from rgbd_seg.sensors.sensor import Request
from rgbd_seg.system.logs import stop_logging

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Launch:
    """What the command line asks for; None means: as remembered.

    Attributes:
        source: URI or path; "" for the empty window.
        model: A model file, "real", "real-fine", "demo", or "" for none.
        backend: As in `SegmenterOptions`.
        device: As in `SegmenterOptions`.
        precision: As in `SegmenterOptions`.
        registered: Whether depth is to be aligned to colour.
        views: 1, 2 or 4.
        theme: "system", "dark" or "light".
        full_screen: Whether the window covers the screen.
        settings: The settings file.
    """

    source: str | None = None
    model: str | None = None
    backend: str | None = None
    device: str | None = None
    precision: str | None = None
    registered: bool = True
    views: int | None = None
    theme: str | None = None
    full_screen: bool = False
    settings: Path | None = None


def run(
    launch: Launch,
    watch: Callable[[MainWindow], object] | None = None,
    make_session: Callable[[Callable[[], None]], Session] = Session,
) -> int:
    """Shows the window and returns the exit code when it is closed.

    Args:
        launch: What the command line asks for.
        watch: Called with the window when it is on screen, to measure it or to drive it.
        make_session: Makes the session from a wake-up function.
    """
    application = QApplication.instance() or QApplication(["rgbd-seg"])
    assert isinstance(application, QApplication)
    application.setApplicationName("rgbd-seg")
    application.setDesktopFileName("rgbd-seg")
    # The pipeline's threads hold the interpreter for milliseconds at a time; the window must get its turn sooner.
    sys.setswitchinterval(0.002)
    file = SettingsFile(launch.settings)
    loaded = file.load()
    settings, _ = loaded
    _log.info("settings: %s", settings)
    theme = apply_theme(application, launch.theme or settings.theme)  # type: ignore[arg-type]
    window = MainWindow(theme, file, make_session, loaded=loaded)
    window.remember(_with_launch(window.settings, launch))
    if launch.views is not None:
        window.grid.show_count(launch.views)
    if launch.full_screen:
        window.setGeometry(window.screen().geometry())  # For systems without a window manager.
        window.showFullScreen()
    else:
        window.show()
    source = launch.source if launch.source is not None else window.settings.source
    model = launch.model if launch.model is not None else window.settings.model
    # After the first painting, so that the window is there at once.
    QTimer.singleShot(0, lambda: _open(window, source, model, launch.registered))
    _let_python_see_signals(application, window)
    watcher = watch(window) if watch else None
    collector = WindowCollector(application)
    code = application.exec()
    collector.stop()
    del watcher
    if any(thread.name.startswith("rgbd-seg") for thread in threading.enumerate()):
        # A native library is still at work, loading a model for instance. It can be neither interrupted nor torn down
        # while it works: ending the interpreter under it aborts the process.
        stop_logging()
        os._exit(code)
    return code


def _with_launch(settings: Settings, launch: Launch) -> Settings:
    wanted = {name: getattr(launch, name) for name in ("backend", "device", "precision")}
    run = replace(settings.run, **{name: value for name, value in wanted.items() if value is not None})
    return replace(settings, run=run, theme=launch.theme or settings.theme)


def _open(window: MainWindow, source: str, model: str, registered: bool) -> None:
    if source:
        window.sources.open(source, Request(registered=registered))
    if model:
        window.models.load(model, quiet=True)


def _let_python_see_signals(application: QApplication, window: MainWindow) -> None:
    """Ctrl-C, SIGTERM and a closed terminal close the window in the ordinary way: recordings are finalised.

    Not at once but from Qt's loop, so that nothing is closed in the middle of a painting.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):  # Windows has the last and not the one before.
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: QTimer.singleShot(0, window.close_now))
    # Python runs signal handlers only between its own instructions, so Qt's loop must enter it now and then: the
    # window's quarter-second timer does that.
    application.setQuitOnLastWindowClosed(True)
