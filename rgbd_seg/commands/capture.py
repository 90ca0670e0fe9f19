"""`rgbd-seg capture`: frames for a data set, taken by themselves: sharp, unlike each other, until there are enough."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

_SILENCE_S = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples

    parser.epilog = (
        "The folder can be labelled in the window (rgbd-seg FOLDER, then E) and trained on. A folder that a capture "
        "has made is gone on with; pictures are never overwritten."
    )
    add_examples(
        parser,
        ("forty different frames while one walks through the room", "capture openni: -o kitchen --count 40"),
        ("one frame every two seconds, whatever it shows", "capture realsense: -o belt --every 2 --any"),
    )
    parser.add_argument("source", help="a camera or the built-in room by its URI, or the path of a recording")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="where the pictures go")
    parser.add_argument("--count", type=int, default=40, metavar="N", help="stop after so many (default: %(default)s)")
    parser.add_argument("--every", type=float, default=0.5, metavar="S", help="at most one in S seconds (default: 0.5)")
    parser.add_argument(
        "--change",
        type=float,
        default=0.15,
        metavar="X",
        help="take only what differs so much from every frame taken before, 0..1 (default: %(default)s)",
    )
    parser.add_argument(
        "--blur",
        type=float,
        default=0.6,
        metavar="X",
        help="leave out what is less sharp than so many times the sharpest of late, 0..1 (default: %(default)s)",
    )
    parser.add_argument("--any", action="store_true", help="take every frame that is due, blurred or equal")
    parser.add_argument("--seconds", type=float, metavar="S", help="give up after so long")
    parser.add_argument("--json", action="store_true", help="print the result as JSON for scripts")


def run(args: argparse.Namespace) -> int:
    """Captures; 1 if there are fewer than wanted in the end."""
    from rgbd_seg.commands.stop_signals import stop_signals
    from rgbd_seg.errors import ConfigurationError, EndOfStream, SensorTimeout
    from rgbd_seg.labelling.capture import Choice, open_folder
    from rgbd_seg.sensors import open_sensor

    if args.count < 1:
        raise ConfigurationError(f"--count must be 1 or more, not {args.count}")
    choice = Choice(args.every, 0.0 if args.any else args.change, 0.0 if args.any else args.blur)
    folder = open_folder(args.output, choice)
    before = folder.count
    with open_sensor(args.source) as sensor, stop_signals() as stopped:
        if sensor.playback is not None:
            sensor.playback.every_frame = True
        first_ns, heard = 0, time.monotonic()
        try:
            while not stopped and folder.count - before < args.count:
                try:
                    frame = sensor.read(0.5)
                except SensorTimeout:
                    if time.monotonic() - heard > _SILENCE_S:
                        raise
                    continue
                heard, first_ns = time.monotonic(), first_ns or frame.host_ns
                if args.seconds is not None and (frame.host_ns - first_ns) / 1e9 > args.seconds:
                    break
                why_not = folder.offer(frame)
                if sys.stderr.isatty():
                    print(
                        f"\r{folder.count - before} of {args.count}  {why_not:40}", end="", file=sys.stderr, flush=True
                    )
        except EndOfStream:
            pass
    if sys.stderr.isatty():
        print(file=sys.stderr)
    taken = folder.count - before
    if args.json:
        print(json.dumps({"folder": str(args.output), "taken": taken, "left_out": folder.left_out}, indent=2))
    else:
        reasons = ", ".join(f"{number} {why}" for why, number in folder.left_out.items() if number)
        print(f"{args.output}: {taken} frames{f'; left out: {reasons}' if reasons else ''}")
    return 0 if taken >= args.count else 1
