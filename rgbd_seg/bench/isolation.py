"""`rgbd-seg bench isolation`: what it costs to run a driver in a child process, and how fast a killed one is back.

The same pictures are read in-process and from the child, in turns in the same run. Latency is from the moment before
the driver copies the picture out of its library to the moment `read` returns it.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from rgbd_seg.bench.still_driver import FPS, open_device
from rgbd_seg.errors import SensorError
from rgbd_seg.machine import describe_machine
from rgbd_seg.report import Cell, Column, Report, add_format_argument
from rgbd_seg.sensors import parse_uri
from rgbd_seg.sensors.isolation.isolated import IsolatedSensor, TimeLimits
from rgbd_seg.sensors.sensor import Request, Sensor, SensorInfo

SUMMARY = "cost of running a camera's driver in a child process, recovery after a crash, and alignment"
SIZES = ((640, 480), (1280, 720))
_WARM_UP = 10
ALIGNMENTS = 40
# A camera has run for so long when its driver is killed (seconds).
STEADY_S = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples, positive_int

    add_examples(parser, ("what a child process costs here", "bench isolation"))
    parser.add_argument(
        "--rounds", type=positive_int, default=3, metavar="N", help="turns of in-process and isolated (default: 3)"
    )
    parser.add_argument("--frames", type=positive_int, default=100, metavar="N", help="frames a turn (default: 100)")
    parser.add_argument(
        "--kills", type=positive_int, default=5, metavar="N", help="how often the child is killed (default: 5)"
    )
    add_format_argument(parser)


def run(args: argparse.Namespace) -> int:
    print(measure(args.rounds, args.frames, args.kills).render(args.format))
    return 0


def measure(rounds: int, frames: int, kills: int) -> Report:
    """One row for each picture size."""
    rows: list[dict[str, Cell]] = []
    for width, height in SIZES:
        latency_ms: dict[bool, list[float]] = {False: [], True: []}
        cpu_ms: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(rounds):
            for isolated in (False, True):
                latencies, cpu = _read(_camera(width, height, isolated=isolated), frames)
                latency_ms[isolated] += latencies
                cpu_ms[isolated].append(cpu)
        inside, outside = statistics.median(latency_ms[False]), statistics.median(latency_ms[True])
        rows.append(
            {
                "size": f"{width}x{height}",
                "inside_ms": inside,
                "isolated_ms": outside,
                "added_ms": outside - inside,
                "isolated_p99_ms": float(np.percentile(latency_ms[True], 99)),
                "inside_p99_ms": float(np.percentile(latency_ms[False], 99)),
                "inside_cpu_ms": statistics.median(cpu_ms[False]),
                "isolated_cpu_ms": statistics.median(cpu_ms[True]),
                "back_s": _recovery_s(width, height, kills, TimeLimits()),
                "fresh_s": _recovery_s(width, height, kills, TimeLimits(standby_after_s=math.inf)),
                "align_ms": _alignment_ms(width, height),
            }
        )
    columns = (
        Column("size", "picture"),
        Column("inside_ms", "in-process ms", 2),
        Column("isolated_ms", "isolated ms", 2),
        Column("added_ms", "added ms", 2),
        Column("inside_p99_ms", "in-process p99", 2),
        Column("isolated_p99_ms", "isolated p99", 2),
        Column("inside_cpu_ms", "in-process CPU ms", 2),
        Column("isolated_cpu_ms", "isolated CPU ms", 2),
        Column("back_s", "kill to frame s", 2),
        Column("fresh_s", "without standby s", 2),
        Column("align_ms", "rs.align ms", 2),
    )
    notes = (
        f"{rounds} turns of {frames} frames at {FPS} fps each; medians, and CPU a frame over all processes.",
        f"kill to frame: median of {kills} times from SIGKILL of the child to a frame of the next, opened at once; "
        f"the camera had run for {STEADY_S:g} s. Without standby: no second process had been started before.",
        "rs.align: librealsense bringing depth onto colour's grid, 5 cm apart; - where pyrealsense2 is missing.",
    )
    return Report("Isolation of camera drivers", describe_machine(), columns, rows, notes)


def _camera(width: int, height: int, *, isolated: bool) -> Sensor:
    if isolated:
        return _isolated(width, height, TimeLimits())
    return open_device(parse_uri(f"still:{width}x{height}"), Request())


def _isolated(width: int, height: int, limits: TimeLimits) -> IsolatedSensor:
    uri = f"still:{width}x{height}"
    info = SensorInfo(uri, "Still picture", "camera")
    return IsolatedSensor(uri, info, Request(), "rgbd_seg.bench.still_driver", limits)


def _read(sensor: Sensor, frames: int) -> tuple[list[float], float]:
    """Latencies in ms, and CPU milliseconds a frame of this process and the driver's."""
    with sensor:
        for _ in range(_WARM_UP):
            sensor.read(5.0)
        before = _cpu_s(sensor)
        latencies = []
        for _ in range(frames):
            frame = sensor.read(5.0)
            latencies.append((time.monotonic_ns() - frame.host_ns) / 1e6)
        return latencies, (_cpu_s(sensor) - before) * 1e3 / frames


def _cpu_s(sensor: Sensor) -> float:
    total = time.process_time()
    if isinstance(sensor, IsolatedSensor) and sensor.child_pid is not None:
        times = psutil.Process(sensor.child_pid).cpu_times()
        total += float(times.user + times.system)
    return total


def _recovery_s(width: int, height: int, kills: int, limits: TimeLimits) -> float:
    """Median seconds from the end of the child to the next frame."""
    sensor = _isolated(width, height, limits)
    taken = []
    with sensor:
        for _ in range(kills):
            for _ in range(round(STEADY_S * FPS)):
                sensor.read(5.0)
            assert sensor.child_pid is not None
            started = time.monotonic()
            psutil.Process(sensor.child_pid).kill()
            while True:
                try:
                    sensor.read(5.0)
                except SensorError:
                    break
            sensor.reopen()
            sensor.read(5.0)
            taken.append(time.monotonic() - started)
    return statistics.median(taken) if taken else float("nan")


def _alignment_ms(width: int, height: int) -> float | None:
    """Median milliseconds of `rs.align` on a software camera's pairs, None without pyrealsense2."""
    try:
        import pyrealsense2 as rs
    except ImportError:
        return None
    lens = rs.intrinsics()
    lens.width, lens.height, lens.fx, lens.fy = width, height, width, width
    lens.ppx, lens.ppy, lens.model, lens.coeffs = width / 2, height / 2, rs.distortion.none, [0.0] * 5
    device = rs.software_device()
    kinds = ((rs.stream.depth, rs.format.z16, 2), (rs.stream.color, rs.format.rgb8, 3))
    cameras, streams = [], []
    for uid, (kind, pixel_format, size) in enumerate(kinds):
        stream = rs.video_stream()
        stream.type, stream.fmt, stream.bpp, stream.uid, stream.index = kind, pixel_format, size, uid, 0
        stream.width, stream.height, stream.fps, stream.intrinsics = width, height, FPS, lens
        cameras.append(device.add_sensor(str(kind)))
        streams.append(cameras[-1].add_video_stream(stream))
    cameras[0].add_read_only_option(rs.option.depth_units, 0.001)
    shift = rs.extrinsics()
    shift.rotation, shift.translation = [1, 0, 0, 0, 1, 0, 0, 0, 1], [0.05, 0, 0]
    streams[0].register_extrinsics_to(streams[1], shift)
    device.create_matcher(rs.matchers.default)
    syncer, align = rs.syncer(), rs.align(rs.stream.color)
    for camera, stream in zip(cameras, streams, strict=True):
        camera.open(stream)
        camera.start(syncer)
    wall = np.broadcast_to(np.linspace(1500, 4000, width, dtype=np.uint16), (height, width)).copy()
    wall[height // 4 : height // 2, width // 4 : width // 2] = 900
    pictures: list[NDArray[Any]] = [wall, np.zeros((height, width, 3), np.uint8)]
    taken = []
    for number in range(ALIGNMENTS):
        for camera, stream, pixels in zip(cameras, streams, pictures, strict=True):
            frame = rs.software_video_frame()
            frame.pixels, frame.bpp = pixels, pixels.nbytes // (width * height)
            frame.stride, frame.profile = width * frame.bpp, stream.as_video_stream_profile()
            frame.timestamp, frame.frame_number = number * 1000 / FPS, number + 1
            frame.domain = rs.timestamp_domain.hardware_clock
            camera.on_video_frame(frame)
        frames = syncer.wait_for_frames(5000)
        if frames.size() == 2:
            started = time.perf_counter()
            align.process(frames)
            taken.append((time.perf_counter() - started) * 1e3)
    for camera in cameras:
        camera.stop()
        camera.close()
    return statistics.median(taken) if taken else None
