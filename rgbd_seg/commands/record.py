"""`rgbd-seg record`: a source into a file, until it ends, the time is up, or somebody stops it."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from rgbd_seg.pipeline.recorder import Recorder, RecorderStatus
    from rgbd_seg.sensors.sensor import Sensor

# A camera that says nothing for so long is lost.
_SILENCE_S = 10.0
_REPORT_S = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples

    parser.epilog = "However a recording ends, also by Ctrl-C or kill, its file is finalised first."
    add_examples(
        parser,
        ("the first RealSense camera until Ctrl-C, into a file named by date", "record realsense:"),
        (
            "ten seconds at another size, colour without loss",
            "record openni: -o walk.mcap --seconds 10 --mode 640x480@30 --color png",
        ),
        ("the built-in room, without a camera", "record 'synthetic:?seed=3' -o room.mcap --frames 300"),
    )
    parser.add_argument("source", help="a camera or the built-in room by its URI, or the path of a recording")
    parser.add_argument(
        "-o",
        "--output",
        default=".",
        metavar="PATH",
        help="the file, or a folder for a file named by date and source (default: this folder; walks/ is made)",
    )
    parser.add_argument("--seconds", type=float, metavar="S", help="stop after so many seconds (default: at Ctrl-C)")
    parser.add_argument("--frames", type=int, metavar="N", help="stop after so many frames")
    parser.add_argument("--mode", help="picture size and rate, such as 640x480@30 (default: the source's own)")
    parser.add_argument("--color", choices=("jpeg", "png"), default="jpeg", help="png keeps every bit (default: jpeg)")
    parser.add_argument(
        "--quality", type=int, default=95, metavar="N", help="of the JPEG, 1..100 (default: %(default)s)"
    )
    parser.add_argument(
        "--compression",
        choices=("zstd", "lz4", "none"),
        default="zstd",
        help="zstd is small, lz4 is fast (default: zstd)",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON for scripts")


def run(args: argparse.Namespace) -> int:
    """Records; however it ends, the file is finalised before anything is said."""
    from rgbd_seg.commands.stop_signals import stop_signals
    from rgbd_seg.errors import ConfigurationError, EndOfStream, RecordingError, SensorError
    from rgbd_seg.pipeline.recorder import Recorder, RecorderOptions
    from rgbd_seg.pipeline.recording_settings import recording_settings
    from rgbd_seg.recording.mcap.writer import WriterOptions, default_name, unused_path
    from rgbd_seg.sensors import open_sensor
    from rgbd_seg.sensors.sensor import Request, StreamMode

    for name in ("seconds", "frames"):
        value = getattr(args, name)
        if value is not None and not value > 0:
            raise ConfigurationError(f"--{name} must be more than 0, not {value:g}")
    output = Path(args.output)
    if not output.parent.is_dir():
        raise ConfigurationError(f"cannot record into {output}: there is no folder {output.parent}")
    if output.is_file():
        raise RecordingError(f"{output} exists already and is never overwritten: choose another name")
    options = RecorderOptions(
        writer=WriterOptions(color=args.color, jpeg_quality=args.quality, compression=args.compression)
    )
    mode = None
    if args.mode:
        try:
            width, height, fps = args.mode.lower().replace("@", "x").split("x")
            mode = StreamMode(int(width), int(height), float(fps))
        except ValueError:
            raise ConfigurationError(f"--mode must look like 640x480@30, not {args.mode!r}") from None
    lost: SensorError | None = None
    with open_sensor(args.source, Request(mode=mode)) as sensor, stop_signals() as stopped:
        if sensor.playback is not None:  # A late moment must not leave a frame out of a copy.
            sensor.playback.every_frame = True
        if args.output.endswith(("/", os.sep)):  # "walks/" means a folder, also where there is none yet.
            _make_folder(output)
        if output.is_dir():
            output = unused_path(output / default_name(sensor.info.name))
        settings = recording_settings(sensor.controls(), mode, sensor.calibration)
        with Recorder(output, sensor.calibration, sensor.info, settings=settings, options=options) as recorder:
            try:
                _pump(sensor, recorder, stopped, args.seconds, args.frames)
            except EndOfStream:
                pass
            except SensorError as error:
                lost = error
            status = recorder.stop()
        for warning in sensor.warnings:
            print(f"rgbd-seg: {warning}", file=sys.stderr)
    _report(status, as_json=args.json)
    if status.state == "failed" or status.reason not in ("", "stopped"):
        raise RecordingError(status.reason)
    if lost is not None:
        raise lost
    if not status.frames:
        raise RecordingError(f"{args.source} gave no frame: nothing was recorded")
    return 128 + stopped[0] if stopped else 0


def _make_folder(folder: Path) -> None:
    from rgbd_seg.errors import RecordingError

    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise RecordingError(f"cannot make the folder {folder}: {error.strerror}") from None


def _pump(sensor: Sensor, recorder: Recorder, stopped: list[int], seconds: float | None, frames: int | None) -> None:
    """Moves frames until something ends it."""
    from rgbd_seg.errors import SensorTimeout

    can_wait = sensor.info.kind != "camera"
    taken, first_ns, last_seen, next_report = 0, 0, time.monotonic(), 0.0
    while not stopped and recorder.status().state == "recording":
        if sys.stderr.isatty() and time.monotonic() >= next_report:
            next_report = time.monotonic() + _REPORT_S
            print(f"\r{_line(recorder.status())}  (Ctrl-C stops) ", end="", file=sys.stderr, flush=True)
        try:
            frame = sensor.read(0.5)
        except SensorTimeout:
            if time.monotonic() - last_seen > _SILENCE_S:
                raise
            continue
        last_seen = time.monotonic()
        first_ns = first_ns or frame.host_ns
        if seconds is not None and (frame.host_ns - first_ns) / 1e9 >= seconds:
            return
        recorder.offer(frame, wait_s=5.0 if can_wait else 0.0)
        taken += 1
        if taken == frames:
            return


def _line(status: RecorderStatus) -> str:
    rate = f", {status.file_bytes / status.seconds / 1e6:.1f} MB/s" if status.seconds else ""
    return (
        f"{status.frames} frames, {status.seconds:.1f} s, {status.file_bytes / 1e6:.1f} MB{rate}, {status.dropped} lost"
    )


def _report(status: RecorderStatus, *, as_json: bool) -> None:
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if as_json:
        print(json.dumps(asdict(status) | {"path": str(status.path)}, indent=2))
    elif status.frames:
        print(f"{status.path}: {_line(status)}")
