"""`rgbd-seg bench rooms`: how fast the built-in rooms are drawn, by size, with and without the camera's faults."""

from __future__ import annotations

import os
import sys
import time
from statistics import median
from typing import TYPE_CHECKING

from rgbd_seg.report import Column, Report, add_format_argument

if TYPE_CHECKING:
    import argparse

    from rgbd_seg.report import Cell
    from rgbd_seg.scenes import Room, RoomRenderer, Walk

SUMMARY = "draw the built-in rooms by size, with and without noise, and make training samples"

_SIZES = ((160, 120), (320, 240), (640, 480), (1280, 960))
_COLUMNS = (
    Column("what", "what"),
    Column("size", "size"),
    Column("noise", "noise"),
    Column("fps", "per second", 1),
    Column("ms", "ms", 2),
    Column("slowest_ms", "slowest run ms", 2),
    Column("cpu_ms", "CPU ms", 1),
    Column("ratio", "x clean 320x240", 2),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples

    add_examples(parser, ("with the faults of a Kinect v2", "bench rooms --camera kinect2"))
    parser.add_argument("--camera", default="xtion", help="whose faults (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=30, metavar="N", help="frames a run (default: %(default)s)")
    parser.add_argument(
        "--runs", type=int, default=5, metavar="N", help="runs; the median counts (default: %(default)s)"
    )
    add_format_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Measures all sizes in turn, again in every run, so that a busy moment does not hit one size alone."""
    from rgbd_seg.errors import ConfigurationError
    from rgbd_seg.machine import describe_machine
    from rgbd_seg.scenes import RoomRenderer, TrainingViews, build_room, walk_through

    if args.frames < 1 or args.runs < 1:
        raise ConfigurationError("--frames and --runs must be 1 or more")
    room = build_room(7, "living")
    walk = walk_through(room)
    walls: dict[tuple[str, str, str], list[float]] = {}
    cpus: dict[tuple[str, str, str], list[float]] = {}
    renderers = {
        (f"{w}x{h}", noise): RoomRenderer(w, h, args.camera, noise=noise) for w, h in _SIZES for noise in (False, True)
    }
    views = TrainingViews(1, 320, 240)
    device = next(iter(renderers.values())).device
    try:
        views.view(0)
        for number in range(args.runs):
            print(f"run {number + 1} of {args.runs} ...", file=sys.stderr)
            for (size, noise), renderer in renderers.items():
                key = ("live frame", size, "yes" if noise else "no")
                wall, cpu = _walk(renderer, room, walk, args.frames)
                walls.setdefault(key, []).append(wall)
                cpus.setdefault(key, []).append(cpu)
            key = ("training sample", "320x240", "yes")
            start, cpu_start = time.perf_counter(), time.process_time()
            for index in range(args.frames):
                views.view(1 + number * args.frames + index)
            walls.setdefault(key, []).append((time.perf_counter() - start) / args.frames)
            cpus.setdefault(key, []).append((time.process_time() - cpu_start) / args.frames)
    finally:
        views.close()
        for renderer in renderers.values():
            renderer.close()
    baseline = median(walls["live frame", "320x240", "no"])
    rows: list[dict[str, Cell]] = [
        {
            "what": what,
            "size": size,
            "noise": noise,
            "fps": 1 / median(times),
            "ms": median(times) * 1000,
            "slowest_ms": max(times) * 1000,
            "cpu_ms": median(cpus[what, size, noise]) * 1000,
            "ratio": median(times) / baseline,
        }
        for (what, size, noise), times in walls.items()
    ]
    threads = os.environ.get("LP_NUM_THREADS", "all")
    notes = (
        f"Drawn by {device} with {threads} threads; camera {args.camera}; living room 7 "
        f"({len(room.triangles)} triangles), median of {args.runs} runs of {args.frames} frames, labels and exact "
        "depth included.",
        "A training sample is a random view with noise in one process, its share of building a room for eight views "
        "and of views thrown away included.",
    )
    print(Report("Built-in rooms", describe_machine(), _COLUMNS, rows, notes).render(args.format))
    return 0


def _walk(renderer: RoomRenderer, room: Room, walk: Walk, frames: int) -> tuple[float, float]:
    """Seconds and CPU seconds a frame."""
    renderer.render(room, walk.pose(0.0))
    start, cpu_start = time.perf_counter(), time.process_time()
    for index in range(frames):
        renderer.render(room, walk.pose(index / 5), index)
    return (time.perf_counter() - start) / frames, (time.process_time() - cpu_start) / frames
