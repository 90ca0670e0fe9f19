"""The three recorders that `rgbd-seg bench record` compares, each fed in real time in a process of its own."""

from __future__ import annotations

import os
import sqlite3
import struct
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from pathlib import Path

    from numpy.typing import NDArray

    from rgbd_seg.recording.mcap.output import Compression

# The share of a run after which memory counts as settled: the queues and the allocator have grown by then.
_SETTLED = 0.3
#: Of long runs: after so many minutes the memory is noted.
MINUTES = (1, 5, 10)


@dataclass(frozen=True, slots=True)
class Case:
    """One run.

    Attributes:
        recorder: "zstd" or "lz4" (ours), "librealsense" or "openni".
        frames: Folder with color.npy (N, H, W, 3) uint8 and depth.npy (N, H, W) uint16, played in a circle.
        output: Where it records to; None measures the source alone.
        fps: Frames a second that are fed.
        seconds: For how long.
    """

    recorder: str
    frames: Path
    output: Path | None
    fps: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run cost.

    Attributes:
        offered: Frames that the source delivered.
        recorded: Frames in the file.
        cpu_s: Processor time of the whole process, source included.
        file_bytes: Size of the file.
        late_ms: The longest time that the source's thread was behind its clock.
        grown_bytes: Growth of the process's memory from the moment it had settled to the end.
        minutes_bytes: The process's memory after each of `MINUTES` that the run has reached.
    """

    offered: int
    recorded: int
    cpu_s: float
    file_bytes: int
    late_ms: float
    grown_bytes: int
    minutes_bytes: tuple[int, ...]


def run_case(case: Case, answer: Connection) -> None:
    """Runs one case and sends its `Outcome`, or the sentence why there is none. The process ends here."""
    try:
        run = {"librealsense": _run_librealsense, "openni": _run_openni}.get(case.recorder, _run_ours)
        answer.send(run(case))
    except Exception as error:  # A missing library of a vendor, mostly: the report says so.
        answer.send(f"{type(error).__name__}: {error}")
    answer.close()
    os._exit(0)  # The vendors' libraries may crash when they are unloaded.


class _Meter:
    """Feeds at a fixed rate and watches what it costs."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._process = psutil.Process()
        self._settled_bytes = 0
        self._grown_bytes = 0
        self._minutes_bytes: list[int] = []
        self._before_s = time.process_time()
        self.late_ms = 0.0

    def feed(self, give: Callable[[int], None]) -> int:
        """Calls `give` with the number of each frame when it is due; returns how many there were."""
        count = round(self._case.fps * self._case.seconds)
        begin = time.perf_counter()
        for number in range(count):
            due = begin + number / self._case.fps
            time.sleep(max(0.0, due - time.perf_counter()))
            self.late_ms = max(self.late_ms, (time.perf_counter() - due) * 1000)
            give(number)
            self.look((number + 1) / self._case.fps)
        return count

    def look(self, elapsed_s: float) -> None:
        """Notes the memory if it is time to."""
        if not self._settled_bytes and elapsed_s >= self._case.seconds * _SETTLED:
            self._settled_bytes = self._process.memory_info().rss
        reached = len(self._minutes_bytes)
        if reached < len(MINUTES) and elapsed_s >= MINUTES[reached] * 60:
            self._minutes_bytes.append(self._process.memory_info().rss)

    def stop_watching(self) -> None:
        """The source has ended: from now on files are finished."""
        self._grown_bytes = self._process.memory_info().rss - self._settled_bytes

    def outcome(self, offered: int, recorded: int) -> Outcome:
        """What it cost up to now."""
        cpu_s = time.process_time() - self._before_s
        size = self._case.output.stat().st_size if self._case.output is not None else 0
        minutes = tuple(self._minutes_bytes)
        return Outcome(offered, recorded, cpu_s, size, self.late_ms, self._grown_bytes, minutes)


def _load(case: Case) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    return np.load(case.frames / "color.npy"), np.load(case.frames / "depth.npy")


def _run_ours(case: Case) -> Outcome:
    from rgbd_seg.calibration import Calibration, Intrinsics
    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.pipeline.recorder import Recorder, RecorderOptions
    from rgbd_seg.recording.mcap.writer import WriterOptions
    from rgbd_seg.sensors.sensor import SensorInfo

    color, depth = _load(case)
    height, width = depth.shape[1:]
    calibration = Calibration(Intrinsics(width, height, 525.0, 525.0, width / 2, height / 2))
    frames = [RgbdFrame(c, d, calibration, 0, 0) for c, d in zip(color, depth, strict=True)]
    compression: Compression = "lz4" if case.recorder == "lz4" else "zstd"
    recorder = None
    if case.output is not None:
        options = RecorderOptions(min_free_bytes=0, writer=WriterOptions(compression=compression))
        recorder = Recorder(case.output, calibration, SensorInfo("bench:", "bench", "camera"), options=options)
    meter = _Meter(case)

    def give(number: int) -> None:
        frame = replace(frames[number % len(frames)], index=number, host_ns=time.monotonic_ns())
        if recorder is not None:
            recorder.offer(frame)

    offered = meter.feed(give)
    meter.stop_watching()
    return meter.outcome(offered, recorder.stop().frames if recorder is not None else 0)


def _run_librealsense(case: Case) -> Outcome:
    import pyrealsense2 as rs

    color, depth = _load(case)
    height, width = depth.shape[1:]
    lens = rs.intrinsics()
    lens.width, lens.height, lens.fx, lens.fy, lens.ppx, lens.ppy = width, height, 525.0, 525.0, width / 2, height / 2
    lens.model, lens.coeffs = rs.distortion.none, [0.0] * 5
    device = rs.software_device()
    kinds: tuple[tuple[str, Any, Any, int, NDArray[Any]], ...] = (
        ("Color", rs.stream.color, rs.format.rgb8, 3, color.reshape(len(color), -1)),
        ("Depth", rs.stream.depth, rs.format.z16, 2, depth),
    )
    inputs = []
    for number, (name, stream, pixels, size, pictures) in enumerate(kinds):
        sensor = device.add_sensor(name)
        video = rs.video_stream()
        video.type, video.index, video.uid, video.fmt, video.bpp = stream, 0, number, pixels, size
        video.width, video.height, video.fps, video.intrinsics = width, height, round(case.fps), lens
        inputs.append((sensor, sensor.add_video_stream(video).as_video_stream_profile(), size, pictures))
    inputs[1][0].add_read_only_option(rs.option.depth_units, 0.001)
    recorder = rs.recorder(str(case.output), device) if case.output is not None else None
    sensors = list((recorder or device).query_sensors())
    for sensor in sensors:
        sensor.open(sensor.get_stream_profiles()[0])
        sensor.start(lambda frame: None)
    meter = _Meter(case)

    def give(number: int) -> None:
        for sensor, profile, size, pictures in inputs:
            frame = rs.software_video_frame()
            frame.pixels, frame.stride, frame.bpp = pictures[number % len(pictures)], width * size, size
            frame.timestamp, frame.domain = number * 1000 / case.fps, rs.timestamp_domain.hardware_clock
            frame.frame_number, frame.profile = number, profile
            sensor.on_video_frame(frame)

    offered = meter.feed(give)
    meter.stop_watching()
    for sensor in sensors:
        sensor.stop()
        sensor.close()
    recorder = None
    del sensors, sensor  # The file is complete when nothing holds the recorder any more.
    outcome = meter.outcome(offered, 0)
    return replace(outcome, recorded=_db3_frames(case.output)) if case.output is not None else outcome


def _db3_frames(path: Path) -> int:
    """Frames of the stream with the fewest of them in a rosbag2 database."""
    query = "select count(*) from messages join topics on messages.topic_id = topics.id where name like ? group by name"
    with sqlite3.connect(path) as database:
        counts = [row[0] for row in database.execute(query, ("%/image/data%",))]
    return min(counts, default=0)


def _run_openni(case: Case) -> Outcome:
    """OpenNI's Dummy device has its own 320x240 pictures at 30 frames a second; only its recorder can be measured."""
    from rgbd_seg.sensors.drivers.openni_runtime import start

    openni = start()
    device = openni.Device(b"Dummy")
    depth, color = device.create_depth_stream(), device.create_color_stream()
    depth.start()
    color.start()
    recorder = None
    if case.output is not None:
        recorder = openni.Recorder(os.fsencode(case.output))
        recorder.attach(depth, False)
        recorder.attach(color, False)
        recorder.start()
    first = last = 0
    meter = _Meter(case)
    meter.late_ms = float("nan")  # Its device has a clock of its own.
    begin = time.perf_counter()
    while (elapsed := time.perf_counter() - begin) < case.seconds:
        stream = openni.wait_for_any_stream([depth, color], 1.0)
        if stream is None:
            continue
        number = stream.read_frame().frameIndex
        if stream is depth:
            first, last = first or number, number
        meter.look(elapsed)
    meter.look(case.seconds)
    meter.stop_watching()
    if recorder is not None:
        recorder.stop()
        recorder.close()  # Before the streams: the library crashes the other way round.
    outcome = meter.outcome(last - first + 1, 0)
    if case.output is None:
        return outcome
    # The recorder starts a frame or two before our first.
    return replace(outcome, recorded=min(_oni_frames(case.output), outcome.offered))


def _oni_frames(path: Path) -> int:
    """Frames of the node with the fewest of them in an OpenNI2 recording."""
    header_bytes, magic, new_data = 24, 0x0052494E, 0x0A
    counts: dict[int, int] = {}
    with path.open("rb") as file:
        position = header_bytes
        while True:
            file.seek(position)
            head = file.read(20)
            if len(head) < 20:
                break
            mark, kind, node, fields, payload = struct.unpack("<IIIII", head)
            if mark != magic or fields + payload == 0:
                break
            if kind == new_data:
                counts[node] = counts.get(node, 0) + 1
            position += fields + payload
    return min(counts.values(), default=0)


def run_inference(model: Path, frames: Path, threads: int, ready: Any, stop: Any) -> None:
    """Segments the frames without a pause until `stop` is set: the load under which a recording must not drop.

    Args:
        model: A model file.
        frames: As in `Case`.
        threads: Processor threads for the network.
        ready: An event that is set once the network runs.
        stop: An event that ends it.
    """
    from rgbd_seg.calibration import Calibration, Intrinsics
    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.inference import open_segmenter
    from rgbd_seg.inference.segmenter import SegmenterOptions

    color, depth = np.load(frames / "color.npy"), np.load(frames / "depth.npy")
    height, width = depth.shape[1:]
    calibration = Calibration(Intrinsics(width, height, 525.0, 525.0, width / 2, height / 2))
    with open_segmenter(model, SegmenterOptions(threads=threads)) as segmenter:
        number = 0
        while not stop.is_set():
            at = number % len(color)
            segmenter(RgbdFrame(color[at], depth[at], calibration, number, time.monotonic_ns()))
            number += 1
            ready.set()
