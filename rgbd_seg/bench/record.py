"""`rgbd-seg bench record`: our recorder beside librealsense's and OpenNI's, on the same frames in the same run."""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rgbd_seg.report import Column, Report, add_format_argument

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from rgbd_seg.bench.recorders import Case, Outcome
    from rgbd_seg.report import Cell

SUMMARY = "record the same frames with our recorder, librealsense's and OpenNI's"

_NAMES = {
    "zstd": "rgbd-seg .mcap (zstd)",
    "lz4": "rgbd-seg .mcap (lz4)",
    "librealsense": "librealsense .db3",
    "openni": "OpenNI .oni (320x240)",
}
_OPENNI_FPS = 30
_DISTINCT_FRAMES = 60
_COLUMNS = (
    Column("recorder", "recorder"),
    Column("fps", "fps", 0),
    Column("load", "inference"),
    Column("cpu_ms", "CPU ms/frame kept", 2),
    Column("ratio", "x librealsense", 2),
    Column("mb_s", "MB/s", 2),
    Column("kb", "kB/frame", 0),
    Column("offered", "frames"),
    Column("lost", "lost"),
    Column("late_ms", "longest stall ms", 0),
    Column("grown_mb", "memory growth MB", 1),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples, positive_float

    add_examples(
        parser,
        ("all recorders, rates and loads", "bench record"),
        ("our recorder alone at 60 fps", "bench record --recorders zstd lz4 --fps 60 --load no"),
    )
    parser.add_argument(
        "--source",
        default="synthetic:?seed=7&size=640x480&fps=0",
        help="where the frames come from: a URI or a recording (default: the built-in room)",
    )
    parser.add_argument(
        "--seconds", type=positive_float, default=10.0, metavar="S", help="length of each run (default: %(default)s)"
    )
    parser.add_argument(
        "--recorders", nargs="+", choices=tuple(_NAMES), default=list(_NAMES), help="only these (default: all)"
    )
    parser.add_argument(
        "--fps", nargs="+", type=positive_float, default=[30.0, 60.0], metavar="N", help="frame rates (default: 30 60)"
    )
    parser.add_argument(
        "--load",
        nargs="+",
        choices=("no", "yes"),
        default=["no", "yes"],
        help="with inference beside it or not (default: no, then yes)",
    )
    parser.add_argument(
        "--folder", type=Path, metavar="DIR", help="where to record to (default: the folder for temporary files)"
    )
    add_format_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Runs all cases one after the other and prints the report."""
    from rgbd_seg.bench.recorders import MINUTES
    from rgbd_seg.errors import ConfigurationError
    from rgbd_seg.machine import describe_machine

    if args.folder is not None and not args.folder.is_dir():
        raise ConfigurationError(f"there is no folder {args.folder} to record into")
    context = multiprocessing.get_context("spawn")
    rows: list[dict[str, Cell]] = []
    problems: list[str] = []
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        _store_frames(args.source, folder)
        for load in args.load:
            with _inference(context, folder, enabled=load == "yes"):
                for fps in args.fps:
                    group = [
                        row
                        for recorder in args.recorders
                        if (row := _measure(context, folder, recorder, fps, args.seconds, load, problems))
                    ]
                    baseline = next((row["cpu_ms"] for row in group if row["recorder"] == _NAMES["librealsense"]), None)
                    for row in group:
                        row["ratio"] = row["cpu_ms"] / baseline if baseline else None  # type: ignore[operator]
                    rows += group
    notes = (
        f"Frames from {args.source}, 60 of them in a circle. CPU is that of the recording process minus that of the "
        "same process without a recorder, finalising included, for each frame that is in the file.",
        "Ours stores colour as JPEG (quality 95) and depth without loss; librealsense and OpenNI store both without "
        "loss. OpenNI's Dummy device only has its own 320x240 pictures at 30 frames a second: compare its cost, not "
        "its rate; its recordings cannot be played.",
        *problems,
    )
    reached = [minute for minute in MINUTES if minute * 60 <= args.seconds]
    columns = (*_COLUMNS, *(Column(f"minute_{minute}_mb", f"MB at minute {minute}", 1) for minute in reached))
    print(Report("Recording", describe_machine(), columns, rows, notes).render(args.format))
    return 0


def _store_frames(source: str, folder: Path) -> None:
    """Takes the frames for all runs from the source."""
    import numpy as np

    from rgbd_seg.errors import EndOfStream
    from rgbd_seg.sensors import open_sensor

    colors: list[NDArray[np.uint8]] = []
    depths: list[NDArray[np.uint16]] = []
    with open_sensor(source) as sensor:
        try:
            while len(colors) < _DISTINCT_FRAMES:
                frame = sensor.read(10.0)
                colors.append(frame.color)
                depths.append(frame.depth)
        except EndOfStream:
            pass
    np.save(folder / "color.npy", np.stack(colors))
    np.save(folder / "depth.npy", np.stack(depths))


def _measure(
    context: multiprocessing.context.SpawnContext,
    folder: Path,
    recorder: str,
    fps: float,
    seconds: float,
    load: str,
    problems: list[str],
) -> dict[str, Cell] | None:
    """One row: a run with the recorder, and one without."""
    from rgbd_seg.bench.recorders import MINUTES, Case

    if recorder == "openni" and fps != _OPENNI_FPS:
        return None
    print(f"{_NAMES[recorder]} at {fps:g} fps, inference: {load} ...", file=sys.stderr)
    suffix = {"librealsense": ".db3", "openni": ".oni"}.get(recorder, ".mcap")
    path = folder / f"bench{suffix}"
    outcome = _run(context, Case(recorder, folder, path, fps, seconds))
    path.unlink(missing_ok=True)
    alone = _run(context, Case(recorder, folder, None, fps, min(seconds, 10.0)))
    if isinstance(outcome, str) or isinstance(alone, str):
        problems.append(f"{_NAMES[recorder]} could not be measured: {outcome if isinstance(outcome, str) else alone}")
        return None
    source_s = alone.cpu_s / alone.offered * outcome.offered
    memory = {f"minute_{m}_mb": size / 1e6 for m, size in zip(MINUTES, outcome.minutes_bytes, strict=False)}
    return {
        "recorder": _NAMES[recorder],
        "fps": float(fps),
        "load": load,
        "cpu_ms": (outcome.cpu_s - source_s) / max(outcome.recorded, 1) * 1000,
        "mb_s": outcome.file_bytes / 1e6 / seconds,
        "kb": outcome.file_bytes / 1e3 / max(outcome.recorded, 1),
        "offered": outcome.offered,
        "lost": outcome.offered - outcome.recorded,
        "late_ms": outcome.late_ms,
        "grown_mb": outcome.grown_bytes / 1e6,
        **memory,
    }


def _run(context: multiprocessing.context.SpawnContext, case: Case) -> Outcome | str:
    """Runs a case in a fresh process; a sentence if it failed."""
    from rgbd_seg.bench.recorders import run_case

    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=run_case, args=(case, theirs))
    child.start()
    theirs.close()
    try:
        outcome: Outcome | str = ours.recv()
    except EOFError:
        outcome = "its process crashed"
    child.join()
    return outcome


@contextmanager
def _inference(context: multiprocessing.context.SpawnContext, folder: Path, *, enabled: bool) -> Iterator[None]:
    """Keeps all cores busy with a network of the size that laptops run, if it is enabled."""
    if not enabled:
        yield
        return
    from rgbd_seg.bench.recorders import run_inference
    from rgbd_seg.inference.cpu import permitted_cpus

    ready, stop = context.Event(), context.Event()
    arguments = (_lite_model(folder), folder, permitted_cpus(), ready, stop)
    child = context.Process(target=run_inference, args=arguments)
    child.start()
    try:
        while not ready.wait(0.5):
            if not child.is_alive():
                raise RuntimeError("the network for the load did not start")
        yield
    finally:
        stop.set()
        child.join()


def _lite_model(folder: Path) -> Path:
    """A model file with random weights: the load is the same."""
    from rgbd_seg.labels import LabelSet
    from rgbd_seg.models.card import ModelCard
    from rgbd_seg.models.deresunet import DeResUNet, DeResUNetConfig
    from rgbd_seg.models.model_file import save_model

    path, label_set = folder / "lite.safetensors", LabelSet.load("sunrgbd13")
    config = DeResUNetConfig.lite(len(label_set))
    if not path.exists():
        save_model(path, DeResUNet(config), ModelCard("load of the benchmark", config, label_set))
    return path
