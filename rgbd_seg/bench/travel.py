"""`rgbd-seg bench travel`: how far labels travel, and how right they arrive, on built-in rooms with exact truth."""

from __future__ import annotations

import argparse
import sys
import time
from statistics import median

from rgbd_seg.report import Cell, Column, Report, add_format_argument

SUMMARY = "how far labels travel from frame to frame, and how right they arrive, on rooms with exact truth"

_AFTER = (1, 5, 10, 30)
_FPS = 30.0
_COLUMNS = (
    Column("after", "frames after"),
    Column("journeys", "journeys"),
    Column("carried", "pixels carried", 3),
    Column("correct", "of them correct", 4),
    Column("least", "worst journey", 4),
    Column("cpu_ms", "CPU ms a step", 1),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rooms", type=int, default=4, metavar="N", help="how many rooms (default: %(default)s)")
    parser.add_argument("--starts", type=int, default=2, metavar="N", help="journeys a room (default: %(default)s)")
    parser.add_argument("--camera", default="xtion", help="whose faults the frames have (default: %(default)s)")
    add_format_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Walks through each room at 30 frames a second, from exact labels of the first frame."""
    import numpy as np

    from rgbd_seg.errors import ConfigurationError
    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.labelling.travel import Traveller
    from rgbd_seg.machine import describe_machine
    from rgbd_seg.scenes import RoomRenderer, build_room, walk_through

    if args.rooms < 1 or args.starts < 1:
        raise ConfigurationError("--rooms and --starts must be 1 or more")
    found: dict[int, list[tuple[float, float]]] = {after: [] for after in _AFTER}
    seconds: list[float] = []
    renderer = RoomRenderer(640, 480, args.camera, noise=True)
    try:
        for seed in range(1, args.rooms + 1):
            room = build_room(seed)
            walk = walk_through(room)
            for start in range(args.starts):
                print(f"room {seed} of {args.rooms}, journey {start + 1} of {args.starts} ...", file=sys.stderr)
                traveller = None
                for step in range(_AFTER[-1] + 1):
                    view = renderer.render(room, walk.pose(start * 5 + step / _FPS), step)
                    frame = RgbdFrame(view.color, view.depth, view.calibration, step, 0)
                    if traveller is None:
                        traveller = Traveller(frame, view.labels)
                        continue
                    began = time.thread_time()
                    arrived = traveller.step(frame)
                    seconds.append(time.thread_time() - began)
                    labels = np.zeros_like(view.labels) if arrived is None else arrived.labels
                    if step in found:
                        carried = labels > 0
                        right = (labels == view.labels)[carried].mean() if carried.any() else np.nan
                        found[step].append((float(carried.mean()), float(right)))
                    if arrived is None:
                        for after in (a for a in _AFTER if a > step):
                            found[after].append((0.0, float("nan")))
                        break
    finally:
        renderer.close()
    rows: list[dict[str, Cell]] = [
        {
            "after": after,
            "journeys": len(results),
            "carried": float(np.mean([share for share, _ in results])),
            "correct": float(np.nanmean([right for _, right in results])),
            "least": float(np.nanmin([right for _, right in results])),
            "cpu_ms": median(seconds) * 1000,
        }
        for after, results in found.items()
    ]
    notes = (
        f"{args.rooms} rooms, {args.starts} walks each, 640x480 at {_FPS:.0f} frames a second with the faults of a "
        f"{args.camera}; labels start exact and travel from frame to frame. Carried: share of all pixels.",
        "Two flows and the checks of depth and colour are a step; the threads of OpenCV are not limited.",
    )
    print(Report("Travelling labels", describe_machine(), _COLUMNS, rows, notes).render(args.format))
    return 0
