"""`rgbd-seg bench pipeline`: what the program adds to a frame beside the network: copies, slots and threads.

A camera that shows one picture runs through the live pipeline with a model that answers at once, so that what is left
is the program's own. The baseline is the same work without pipeline: the two copies out of the camera's memory.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.report import Cell, Column, Report, add_format_argument

if TYPE_CHECKING:
    import argparse

    from rgbd_seg.frame import RgbdFrame, Segmentation
    from rgbd_seg.inference.segmenter import Segmenter

SUMMARY = "milliseconds that the program adds to a frame beside the network, from the camera to the window's hands"

_SIZES = ((640, 480), (1280, 720))
_STALLED_S = 20.0
_COLUMNS = (
    Column("frame", "frame"),
    Column("way", "way"),
    Column("median_ms", "median ms", 2),
    Column("p95_ms", "p95 ms", 2),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples

    add_examples(parser, ("what the program adds to a frame here", "bench pipeline"))
    parser.add_argument(
        "--frames", type=int, default=90, metavar="N", help="frames of each size (default: %(default)s)"
    )
    add_format_argument(parser)


def run(args: argparse.Namespace) -> int:
    from rgbd_seg.errors import ConfigurationError
    from rgbd_seg.machine import describe_machine

    if args.frames < 2:
        raise ConfigurationError(f"--frames must be at least 2, not {args.frames}")
    rows: list[dict[str, Cell]] = []
    for width, height in _SIZES:
        for way, times_s in (
            ("copies alone", _copies(width, height, args.frames)),
            ("pipeline", _pipeline(width, height, args.frames)),
        ):
            rows.append(
                {
                    "frame": f"{width}x{height}",
                    "way": way,
                    "median_ms": float(np.median(times_s)) * 1e3,
                    "p95_ms": float(np.percentile(times_s, 95)) * 1e3,
                }
            )
    notes = (
        f"{args.frames} frames at 30 a second. The pipeline's time runs from before the frame is copied out of the "
        "camera's memory until another thread holds its segmentation; the model in it answers at once.",
        "Drawing is measured by rgbd-seg bench window.",
    )
    print(Report("Pipeline", describe_machine(), _COLUMNS, rows, notes).render(args.format))
    return 0


def _copies(width: int, height: int, frames: int) -> list[float]:
    color, depth = np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint16)
    times_s = []
    for _ in range(frames):
        started = time.perf_counter()
        color.copy(), depth.copy()
        times_s.append(time.perf_counter() - started)
    return times_s


def _pipeline(width: int, height: int, frames: int) -> list[float]:
    from rgbd_seg.bench.still_driver import StillCamera
    from rgbd_seg.errors import SensorTimeout
    from rgbd_seg.pipeline.live import LivePipeline
    from rgbd_seg.sensors.sensor import Request

    wake = threading.Event()
    pipeline = LivePipeline(StillCamera(width, height, Request()), segmenter=_instant(width, height), wake=wake.set)
    times_s: list[float] = []
    pipeline.start()
    try:
        while len(times_s) < frames:
            if not wake.wait(_STALLED_S):
                raise SensorTimeout("the pipeline stands still: nothing can be measured")
            wake.clear()
            segmentation = pipeline.results.take_nowait()
            if segmentation is not None:
                times_s.append((time.monotonic_ns() - segmentation.frame.host_ns) / 1e9)
    finally:
        pipeline.stop()
    return times_s[1:]


def _instant(width: int, height: int) -> Segmenter:
    """A model that gives every frame the same labels at once."""
    from rgbd_seg.frame import Segmentation
    from rgbd_seg.inference.segmenter import Segmenter, SegmenterInfo
    from rgbd_seg.labels import LabelSet

    labels = np.ones((height, width), np.uint8)

    class Instant(Segmenter):
        info = SegmenterInfo("instant", "", "nothing", "none", "none", "none", (height, width), "for measuring")
        label_set = LabelSet.from_dict({"name": "one", "classes": ["everything"]})

        def __call__(self, frame: RgbdFrame) -> Segmentation:
            return Segmentation(frame, labels, labels, self.label_set, {}, self.info.model)

    return Instant()
