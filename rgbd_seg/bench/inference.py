"""`rgbd-seg bench inference`: from camera bytes to labels, by model, back end, precision and size.

Every way runs in a process of its own. All of them, and the float32 eager PyTorch baseline, get the same frames in
turn, so that whatever else the machine does falls on all alike: the ratios hold where the milliseconds do not.
"""

from __future__ import annotations

import math
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.report import Cell, Column, Report, add_format_argument

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from rgbd_seg.bench.contender import Contender, Loaded, Timing
    from rgbd_seg.frame import RgbdFrame

SUMMARY = "time models on every back end from camera bytes to labels, against eager float32 PyTorch"

_RANDOM = {"random-lite": "lite", "random-r50": "full"}
_CLASSES_LABEL_SET = "sunrgbd37"
_COLUMNS = (
    Column("model", "model"),
    Column("size", "size"),
    Column("backend", "back end"),
    Column("precision", "precision"),
    Column("load_s", "load s"),
    Column("first_ms", "first ms"),
    Column("median_ms", "median ms"),
    Column("p95_ms", "p95 ms"),
    Column("stages", "upload + network + download ms"),
    Column("beside_ms", "beside the network ms", 2),
    Column("rate_percent", "of matrix rate %"),
    Column("fps", "fps"),
    Column("speedup", "x faster", 2),
    Column("batch_fps", "fps in batches"),
    Column("memory_mib", "memory MiB", 0),
    Column("equal_percent", "equal pixels %", 2),
    Column("miou", "mIoU with baseline", 4),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples, positive_int, size_argument
    from rgbd_seg.inference.available import BACKENDS

    add_examples(
        parser,
        ("the demo model on every back end", "bench inference"),
        (
            "two networks at two sizes, for a report",
            "bench inference --model random-lite --model random-r50 --size 256x320 --size 480x640 --format markdown",
        ),
        (
            "your model in int8 on your recording",
            "bench inference --model mine.safetensors --backend openvino --precision int8 --source walk.mcap",
        ),
    )
    parser.add_argument(
        "--model",
        action="append",
        metavar="FILE",
        help="model file; random-lite and random-r50 are networks with random weights, whose speed is that of trained "
        "ones and whose parity says nothing (default: the demo model; may be repeated)",
    )
    backends = "may be repeated (default: all that run)"
    parser.add_argument("--backend", action="append", choices=tuple(BACKENDS), help=backends)
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, mps, gpu, ... (default: %(default)s)")
    parser.add_argument(
        "--precision",
        action="append",
        choices=("float32", "bfloat16", "float16", "int8"),
        help="may be repeated (default: what auto takes)",
    )
    parser.add_argument(
        "--size",
        action="append",
        type=size_argument,
        metavar="HxW",
        help="network input, such as 256x320 (default: the card's)",
    )
    parser.add_argument("--source", default="synthetic:?seed=3", help="where frames come from (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=6, metavar="N", help="different frames (default: %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=20, metavar="N", help="timed runs of each way (default: %(default)s)"
    )
    parser.add_argument(
        "--batch", type=int, default=0, metavar="N", help="also time batches of so many frames (default: none)"
    )
    parser.add_argument(
        "--threads",
        type=positive_int,
        metavar="N",
        help="CPU threads of each way (default: what the window would take)",
    )
    add_format_argument(parser)


def run(args: argparse.Namespace) -> int:
    from rgbd_seg.errors import ConfigurationError
    from rgbd_seg.inference import backends
    from rgbd_seg.machine import describe_machine

    if args.frames < 1 or args.rounds < 1 or args.batch < 0:
        raise ConfigurationError("--frames and --rounds must be at least 1, --batch at least 0")
    frames = _read_frames(args.source, args.frames)
    table = _Table(args.rounds, args.batch, args.device, args.threads)
    with tempfile.TemporaryDirectory() as folder:
        for model in _model_files(args.model or ["demo"], Path(folder)):
            for size in args.size or [None]:
                ways = [
                    _Way(backend, precision)
                    for backend in args.backend or backends()
                    for precision in args.precision or ["auto"]
                ]
                table.measure(model, size, ways, frames)
    height, width = frames[0].height, frames[0].width
    notes = (
        f"{args.frames} frames of {args.source} at {width}x{height}; {args.rounds} timed runs of each way, interleaved "
        "with the baseline; every way in a process of its own; times from the frame's bytes to label and confidence "
        "bytes in its size. The network's stage includes preparation and decision, which run on the device too; the "
        "share of the matrix rate counts the network's own operations only.",
        *table.rate_notes(),
        *table.notes,
    )
    report = Report("Inference", describe_machine(table.gpus), _COLUMNS, table.rows, notes)
    print(report.render(args.format))
    return 0


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to run a model: a back end and a precision as they are asked for."""

    backend: str
    precision: str


@dataclass(slots=True)
class _Table:
    """What has been measured so far."""

    rounds: int
    batch: int
    device: str
    threads: int | None
    rows: list[dict[str, Cell]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    gpus: tuple[str, ...] = ()
    rates: dict[str, float | None] = field(default_factory=dict)

    def measure(
        self, model: Path, size: tuple[int, int] | None, ways: Sequence[_Way], frames: Sequence[RgbdFrame]
    ) -> None:
        """Adds the baseline and every way that works for one model and size."""
        from rgbd_seg.bench.baseline import open_baseline
        from rgbd_seg.bench.contender import Contender
        from rgbd_seg.errors import ModelError, RgbdSegError
        from rgbd_seg.inference import open_segmenter
        from rgbd_seg.inference.segmenter import SegmenterOptions

        with ExitStack() as stack:
            opener = partial(open_baseline, model, size, self.device, self.threads)
            baseline = stack.enter_context(Contender("baseline", opener, frames))
            loaded = {baseline: _load(baseline)}
            self.gpus = loaded[baseline].devices
            for way in ways:
                name = f"{way.backend} {way.precision}"
                options = SegmenterOptions(way.backend, self.device, way.precision, size=size, threads=self.threads)
                contender = stack.enter_context(Contender(name, partial(open_segmenter, model, options), frames))
                try:
                    loaded[contender] = _load(contender)
                except RgbdSegError as error:
                    self.notes.append(f"Not measured: {model.stem} on {name}: {error}")
            timings: dict[Contender, list[Timing]] = {contender: [] for contender in loaded}
            batches: dict[Contender, list[float]] = {contender: [] for contender in loaded}
            for i in range(self.rounds):
                for contender in list(timings):
                    try:
                        timings[contender].append(contender.run(i % len(frames)))
                        if self.batch:
                            batches[contender].append(contender.run_batch(self.batch))
                    except ModelError as error:
                        if contender is baseline:
                            raise
                        self.notes.append(f"Not measured: {model.stem} on {contender.name}: {error}")
                        del timings[contender]
            base_s = float(np.median([t.total_s for t in timings[baseline]]))
            for contender, times in timings.items():
                row = _row(loaded[contender], times, loaded[baseline], base_s)
                gflop = _network_gflop(model, loaded[contender].info.size)
                row |= self._share_of_rate(baseline, loaded[contender], times, gflop)
                if self.batch:
                    row["batch_fps"] = self.batch / float(np.median(batches[contender]))
                self.rows.append(row)
                self.notes += [f"{row['backend']}: {note}." for note in loaded[contender].info.notes]

    def rate_notes(self) -> list[str]:
        """What the machine multiplies, by precision."""
        return [
            f"Matrix products in {precision}: {rate:,.0f} GFLOP/s (the best of several with PyTorch)."
            for precision, rate in self.rates.items()
            if rate is not None
        ]

    def _share_of_rate(
        self, baseline: Contender, loaded: Loaded, times: Sequence[Timing], gflop: float
    ) -> dict[str, Cell]:
        precision = loaded.info.precision
        if precision not in self.rates:
            self.rates[precision] = baseline.matrix_rate_gflops(precision)
        rate = self.rates[precision]
        network_s = float(np.median([timing.stages_s["network"] for timing in times]))
        percent = None if rate is None else 100 * gflop / network_s / rate
        return {"network_gflop": gflop, "matrix_gflops": rate, "rate_percent": percent}


def _load(contender: Contender) -> Loaded:
    print(f"loading {contender.name} ...", file=sys.stderr)
    return contender.load()


def _row(loaded: Loaded, times: Sequence[Timing], baseline: Loaded, base_s: float) -> dict[str, Cell]:
    from rgbd_seg.labels import MAX_CLASSES
    from rgbd_seg.scores import confusion_matrix, equal_share, mean_iou

    totals = np.array([timing.total_s for timing in times])
    median_s = float(np.median(totals))
    labels, reference = np.stack(loaded.labels), np.stack(baseline.labels)
    return {
        "model": loaded.info.model,
        "size": f"{loaded.info.size[0]}x{loaded.info.size[1]}",
        "backend": loaded.info.backend,
        "device": loaded.info.device,
        "precision": loaded.info.precision,
        "load_s": loaded.load_s,
        "first_ms": loaded.first_frame_s * 1e3,
        "median_ms": median_s * 1e3,
        "p95_ms": float(np.percentile(totals, 95)) * 1e3,
        "stages": _stages([timing.stages_s for timing in times]),
        "beside_ms": float(np.median([t.total_s - t.stages_s.get("network", 0.0) for t in times])) * 1e3,
        "fps": 1 / median_s,
        "speedup": base_s / median_s,
        "memory_mib": loaded.memory_mib,
        "gpu_memory_mib": loaded.gpu_memory_mib,
        "equal_percent": equal_share(labels, reference) * 100,
        "miou": mean_iou(confusion_matrix(reference, labels, MAX_CLASSES)),
        "reason": loaded.info.reason,
    }


def _stages(stages_s: Sequence[Mapping[str, float]]) -> str:
    """Median milliseconds of the stages in their order."""
    wanted = ("upload", "network", "download")
    return " + ".join(f"{np.median([s.get(name, 0.0) for s in stages_s]) * 1e3:.1f}" for name in wanted)


def _network_gflop(model: Path, size: tuple[int, int]) -> float:
    """10^9 operations of the network's convolutions for one frame; its input is padded to its stride."""
    from rgbd_seg.models.deresunet import STRIDE
    from rgbd_seg.models.model_file import read_card
    from rgbd_seg.models.summary import layer_table

    height, width = (math.ceil(side / STRIDE) * STRIDE for side in size)
    return sum(row.operations for row in layer_table(read_card(model).network, (height, width))) / 1e9


def _read_frames(source: str, count: int) -> list[RgbdFrame]:
    from rgbd_seg.sensors import open_sensor

    frames: list[RgbdFrame] = []
    with open_sensor(source) as sensor:
        for frame in sensor:
            frames.append(frame)
            if len(frames) == count:
                break
    return frames


def _model_files(names: Sequence[str], folder: Path) -> Iterator[Path]:
    """The files of the models; those with random weights are written into `folder`."""
    from rgbd_seg.assets import model_path

    for name in names:
        yield _write_random(name, folder / f"{name}.safetensors") if name in _RANDOM else model_path(name)


def _write_random(name: str, path: Path) -> Path:
    import torch

    from rgbd_seg.labels import LabelSet
    from rgbd_seg.models.card import ModelCard
    from rgbd_seg.models.deresunet import DeResUNet, DeResUNetConfig
    from rgbd_seg.models.model_file import save_model

    label_set = LabelSet.load(_CLASSES_LABEL_SET)
    classes = len(label_set)
    config = DeResUNetConfig.lite(classes) if _RANDOM[name] == "lite" else DeResUNetConfig(classes)
    torch.manual_seed(0)
    save_model(path, DeResUNet(config), ModelCard(name, config, label_set, (256, 320)))
    return path
