"""`rgbd-seg bench window`: what a frame costs the window's own thread by layout, and how the running window behaves."""

from __future__ import annotations

import os
import statistics
import time
from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.report import Column, Report, add_format_argument
from rgbd_seg.system.screen import screen_problem

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from rgbd_seg.frame import Segmentation

SUMMARY = "drawing by layout, and the running window: start, pauses, memory, closing"

_SIZES = ((640, 480), (1280, 720))
_LAYOUTS = {
    "overlay": 1,
    "overlay, depth": 2,
    "overlay, depth, segmentation, confidence": 4,
}
_COLUMNS = (
    Column("frame", "frame"),
    Column("views", "views"),
    Column("cpu_ms", "CPU ms/frame", 2),
    Column("worst_ms", "slowest tenth from ms", 2),
    Column("ratio", "x plain drawing", 2),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples, positive_float, positive_int

    add_examples(
        parser,
        ("drawing and a session, as Markdown for a report", "bench window --format markdown"),
        ("a camera of 30 pictures a second on the way to the screen", "bench window --part live"),
        ("five minutes of everything", "bench window --part everything --minutes 5"),
        ("how long label mode keeps a click waiting", "bench window --part labelling"),
        ("a session on a recording without a model", "bench window --part session --source walk.mcap --model none"),
    )
    frames = "frames of each measurement (default: %(default)s)"
    parser.add_argument("--frames", type=positive_int, default=60, metavar="N", help=frames)
    parser.add_argument(
        "--part",
        choices=("drawing", "session", "live", "slow", "first", "everything", "labelling", "both", "all"),
        default="both",
        help="what to measure: drawing; a session on a recording; a camera's way to the screen, also with a slow "
        "model; the first start after an installation; everything again and again; label mode (default: both, "
        "the first two)",
    )
    seconds = "of each session (default: %(default)g)"
    parser.add_argument("--seconds", type=positive_float, default=10.0, metavar="S", help=seconds)
    parser.add_argument(
        "--minutes",
        type=float,
        default=0.0,
        metavar="N",
        help="so long watch the memory, and do everything (default: 0)",
    )
    parser.add_argument("--source", default="", help="what the session looks at (default: the demo recording)")
    parser.add_argument(
        "--model", default="demo", metavar="FILE", help='a model file, "demo" or "none" (default: %(default)s)'
    )
    add_format_argument(parser)


def run(args: argparse.Namespace) -> int:
    if args.minutes < 0:
        raise ConfigurationError(f"--minutes must be 0 or more, not {args.minutes:g}")
    reports = []
    if args.part in ("drawing", "both", "all"):
        reports.append(measure_drawing(args.frames))
    if args.part != "drawing":
        from rgbd_seg.bench.window_session import PARTS, measure_session

        names = {"both": ("session",), "all": tuple(PARTS)}.get(args.part, (args.part,))
        reports += [measure_session(name, args.seconds, args.minutes, args.source, args.model) for name in names]
    texts = [report.render(args.format) for report in reports]
    if args.format == "json" and len(texts) > 1:
        print("[" + ",\n".join(texts) + "]")
    else:
        print("\n\n".join(texts))
    return 0


def measure_drawing(frames: int) -> Report:
    """CPU time of a frame by layout; those of one picture size take turns, so that a busy machine hits all alike."""
    if screen_problem():
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtWidgets import QApplication

    from rgbd_seg.app.widgets.theme import apply_theme
    from rgbd_seg.machine import describe_machine

    application = QApplication.instance() or QApplication(["rgbd-seg"])
    assert isinstance(application, QApplication)
    apply_theme(application, "dark")
    rows: list[dict[str, str | float | int | None]] = []
    for width, height in _SIZES:
        moments = [_moment(width, height, number) for number in range(4)]
        painters = {"plain drawing: numpy blend, QLabel": _plain_drawing()}
        painters |= {name: _our_drawing(count) for name, count in _LAYOUTS.items()}
        times: dict[str, list[float]] = {name: [] for name in painters}
        for number in range(frames + 3):
            for name, paint in painters.items():
                started = time.thread_time()
                paint(moments[number % len(moments)])
                if number >= 3:  # The first ones warm up.
                    times[name].append((time.thread_time() - started) * 1000)
        plain = statistics.median(times["plain drawing: numpy blend, QLabel"])
        for name, measured in times.items():
            rows.append(
                {
                    "frame": f"{width}x{height}",
                    "views": name,
                    "cpu_ms": statistics.median(measured),
                    "worst_ms": statistics.quantiles(measured, n=10)[-1],
                    "ratio": statistics.median(measured) / plain,
                }
            )
    notes = (
        "CPU time of the window's thread from a result's arrival to the painted views, 1000x700 window, "
        f"Qt platform {application.platformName()}; median of {frames} frames.",
        "Plain drawing shows one view: labels looked up and blended by numpy, shown by a QLabel that scales.",
    )
    return Report("Drawing in the window", describe_machine(), _COLUMNS, rows, notes)


def _moment(width: int, height: int, number: int) -> Segmentation:
    """A picture with blobs of thirteen classes, a slanted depth with holes, and confidence."""
    import cv2

    from rgbd_seg.calibration import Calibration, Intrinsics
    from rgbd_seg.frame import RgbdFrame, Segmentation
    from rgbd_seg.labels import LabelSet

    random = np.random.default_rng(number)

    def field(low: int, high: int, across: int) -> np.ndarray:
        small = random.integers(low, high, (across * 3 // 4, across)).astype(np.uint8)
        return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)

    color = np.stack([field(0, 256, 80) for _ in range(3)], axis=-1)
    depth = np.broadcast_to(np.linspace(800, 6000, width), (height, width)).astype(np.uint16)
    depth[field(0, 10, 60) == 0] = 0
    lens = Intrinsics(width, height, 0.9 * width, 0.9 * width, width / 2, height / 2)
    frame = RgbdFrame(color, depth, Calibration(lens), number, 0)  # All of one time: the views refuse older ones.
    return Segmentation(frame, field(0, 14, 16), field(60, 256, 40), LabelSet.load("sunrgbd13"), {}, "blobs")


def _our_drawing(count: int) -> Callable[[Segmentation], None]:
    """The program's own presenter and views."""
    from rgbd_seg.app.classes.panel import ClassesPanel
    from rgbd_seg.app.view.cloud.view import CloudView
    from rgbd_seg.app.view.cloud.worker import CloudWorker
    from rgbd_seg.app.view.display import Display
    from rgbd_seg.app.view.grid import ViewGrid
    from rgbd_seg.app.view.presenter import Presenter
    from rgbd_seg.app.widgets.status_line import StatusLine
    from rgbd_seg.app.widgets.theme import DARK

    grid = ViewGrid(("overlay", "depth", "labels", "confidence"), count)
    grid.resize(1000, 700)
    grid.show()
    others = CloudView(CloudWorker(lambda: None)), ClassesPanel(DARK), StatusLine()
    presenter = Presenter(grid, *others, Display(), parent=grid)

    def paint(segmentation: Segmentation) -> None:
        presenter.show(segmentation)
        assert presenter.segmentation is segmentation, "nothing was drawn"
        for pane in grid.visible_panes:
            pane.view.repaint()

    return paint


def _plain_drawing() -> Callable[[Segmentation], None]:
    """What one would write first."""
    from PySide6.QtGui import QImage, QPixmap
    from PySide6.QtWidgets import QLabel

    label = QLabel()
    label.setScaledContents(True)
    label.resize(1000, 700)
    label.show()

    def paint(segmentation: Segmentation) -> None:
        frame, labels, label_set = segmentation.frame, segmentation.labels, segmentation.label_set
        assert labels is not None
        assert label_set is not None
        tints = label_set.palette()[labels]
        blended = np.where((labels > 0)[..., None], frame.color * 0.45 + tints * 0.55, frame.color).astype(np.uint8)
        image = QImage(blended.data, frame.width, frame.height, frame.width * 3, QImage.Format.Format_RGB888)
        label.setPixmap(QPixmap.fromImage(image))
        label.repaint()

    return paint
