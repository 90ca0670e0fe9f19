"""`rgbd-seg bench regions`: how well regions follow the labels of a folder, against SLIC on colour alone.

Each region takes the class that most of its labelled pixels have: the best that anybody who labels by regions can
reach ("achievable" accuracy). Void is left out.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.labels import MAX_CLASSES
from rgbd_seg.report import Cell, Column, Report, add_format_argument
from rgbd_seg.scores import confusion_matrix, mean_iou, pixel_accuracy

SUMMARY = "how well regions follow the labels of a folder, against SLIC on colour alone"

_COUNTS = (100, 300, 1000)
# SLIC makes fewer than it is asked for.
_SLIC_EXTRA = 1.2
_COLUMNS = (
    Column("method", "method"),
    Column("asked", "regions asked for"),
    Column("regions", "regions made", 0),
    Column("miou", "best mean IoU", 4),
    Column("accuracy", "best accuracy", 4),
    Column("cpu_ms", "CPU ms a frame", 1),
    Column("slowest_ms", "slowest frame ms", 1),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples

    add_examples(parser, ("every tenth frame of a labelled folder", "bench regions frames/ --every 10"))
    parser.add_argument("folder", help="a recording with labels: image/, depth/, label/")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every Nth frame (default: all)")
    add_format_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Measures on one thread; our regions at all grains come from one run, SLIC needs one for each."""
    import cv2

    from rgbd_seg.errors import ConfigurationError, RecordingError
    from rgbd_seg.labelling.regions import find_regions
    from rgbd_seg.machine import describe_machine
    from rgbd_seg.recording import open_recording

    if args.every < 1:
        raise ConfigurationError("--every must be 1 or more")
    slic = _slic()
    tallies = {(method, count): _Tally() for method in _methods(slic) for count in _COUNTS}
    frames = 0
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with open_recording(args.folder) as reader:
            positions = range(0, len(reader), args.every)
            for position in positions:
                frame = reader.read(position)
                if frame.truth is None or not frame.truth.labels.any():
                    continue
                frames += 1
                if sys.stderr.isatty():
                    print(f"\rframe {position + 1} of {len(reader)} ", end="", file=sys.stderr)
                truth, captured = frame.truth.labels, frame.as_captured()
                start = time.thread_time()
                regions = find_regions(captured)
                seconds = time.thread_time() - start
                for count in _COUNTS:
                    tallies["ours", count].add(regions.at(count), truth, seconds)
                    if slic is not None:
                        start = time.thread_time()
                        segments = slic(frame.color, count)
                        tallies["SLIC", count].add(segments, truth, time.thread_time() - start)
    finally:
        cv2.setNumThreads(threads)
    if not frames:
        raise RecordingError(f"{args.folder} has no frame with labels: this benchmark needs image/, depth/ and label/")
    rows: list[dict[str, Cell]] = [
        {"method": method, "asked": count, **tally.row()} for (method, count), tally in tallies.items()
    ]
    notes = [
        f"{frames} frames of {reader.info.name}, one thread; every region takes the class of most of its labelled "
        "pixels, and the mean IoU is over one confusion matrix of all frames.",
        "Ours is colour, depth and surface direction in one tree: its time is for all grains together.",
    ]
    if slic is None:
        notes.append("SLIC was left out: scikit-image is not installed (pip install scikit-image).")
    print(Report("Regions", describe_machine(), _COLUMNS, rows, notes).render(args.format))
    return 0


class _Tally:
    """The confusion matrix and the times of one method at one grain."""

    def __init__(self) -> None:
        self._confusion = np.zeros((MAX_CLASSES + 1, MAX_CLASSES + 1), np.int64)
        self._seconds: list[float] = []
        self._regions = 0

    def add(self, regions: NDArray[np.integer], truth: NDArray[np.uint8], seconds: float) -> None:
        """Counts a frame: every region takes its best class."""
        count = int(regions.max()) + 1
        pairs = regions.astype(np.int64).ravel() * 256 + truth.ravel()
        counts = np.bincount(pairs, minlength=count * 256).reshape(count, 256)
        self._regions += int(counts.any(1).sum())
        counts[:, 0] = 0
        best = counts.argmax(1).astype(np.uint8)
        self._confusion += confusion_matrix(truth, best[regions], MAX_CLASSES)
        self._seconds.append(seconds)

    def row(self) -> dict[str, Cell]:
        """What the report shows."""
        is_scored = bool(self._confusion.any())
        return {
            "regions": self._regions / len(self._seconds) if self._seconds else 0.0,
            "miou": mean_iou(self._confusion) if is_scored else None,
            "accuracy": pixel_accuracy(self._confusion) if is_scored else None,
            "cpu_ms": median(self._seconds) * 1000 if self._seconds else None,
            "slowest_ms": max(self._seconds) * 1000 if self._seconds else None,
        }


def _methods(slic: object) -> tuple[str, ...]:
    return ("ours",) if slic is None else ("ours", "SLIC")


def _slic() -> Callable[[NDArray[np.uint8], int], NDArray[np.integer]] | None:
    try:
        from skimage.segmentation import slic
    except ImportError:
        return None
    return lambda color, count: slic(color, n_segments=round(count * _SLIC_EXTRA), compactness=10, start_label=1)
