"""`bench`: what limits training on this machine, the loader or the network, measured against the naive way."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import torch

from rgbd_seg.labels import LabelSet
from rgbd_seg.machine import describe_machine
from rgbd_seg.models.deresunet import DeResUNet, DeResUNetConfig
from rgbd_seg.recording.layouts.labelled_folder import LABELS_FILE
from rgbd_seg.report import Column, Report
from training.data.batches import TensorSamples, collate
from training.data.folder import FolderData
from training.data.sample import Size

_CLASSES = 37
_PICTURES = 32
_STORED = (480, 640)
_WARM_UP = 2


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """What is measured.

    Attributes:
        model: "lite" or "full".
        size: Input (height, width).
        batch_size: Pictures a step.
        batches: Steps that are measured.
        workers: Loader processes.
        device: "cpu", "cuda", ...
        precisions: Some of "float32", "bfloat16", "float16".
    """

    model: str
    size: Size
    batch_size: int
    batches: int
    workers: int
    device: str
    precisions: tuple[str, ...]


def bench(options: BenchOptions) -> list[Report]:
    """Measures the loader against the naive way, and the step by precision."""
    gpu = (torch.cuda.get_device_name(),) if options.device.startswith("cuda") else ()
    machine = describe_machine(gpu)
    with tempfile.TemporaryDirectory(prefix="rgbd-seg-bench-") as folder:
        loader_rows = _loader_rows(_write_pictures(Path(folder)), options)
    step_rows = [_step_row(options, precision) for precision in options.precisions]
    shape = f"{options.model} network, batch {options.batch_size}, {options.size[0]}x{options.size[1]}"
    columns = (
        Column("way", "way"),
        Column("samples_per_s", "samples/s", 1),
        Column("samples_per_s_core", "samples/s per core", 2),
        Column("wait_share", "share of time without a batch", 2),
        Column("ratio", "x naive", 2),
    )
    notes = (
        "naive: each batch is decoded and augmented in the training loop, between two steps.",
        f"loader: {options.workers} processes decode and augment ahead; 'alone' takes batches and trains on none.",
        "per core: divided by the processes that are at work, each of which has one thread for decoding.",
    )
    loader = Report(f"Loader with the published augmentation, {shape}", machine, columns, loader_rows, notes)
    step_columns = (
        Column("precision", "precision"),
        Column("step_ms", "step ms", 0),
        Column("samples_per_s", "samples/s", 1),
        Column("memory_mb", "memory MB", 0),
    )
    memory = "peak of the GPU's memory" if gpu else "growth of the process while it steps"
    about = (f"median of the steps; memory: {memory}.",)
    steps = Report(f"Training step, {shape}", machine, step_columns, step_rows, about)
    return [loader, steps]


def _write_pictures(root: Path) -> Path:
    rng = np.random.default_rng(0)
    for part in ("image", "depth", "label"):
        (root / part).mkdir()
    (root / LABELS_FILE).write_text(LabelSet.load("sunrgbd37").to_json(), encoding="utf-8")
    coarse = (_STORED[1] // 20, _STORED[0] // 20)
    for i in range(_PICTURES):
        blocks = rng.integers(0, _CLASSES + 1, (coarse[1], coarse[0]), dtype=np.uint8)
        label = cv2.resize(blocks, (_STORED[1], _STORED[0]), interpolation=cv2.INTER_NEAREST)
        color = cv2.resize(rng.integers(0, 256, (*blocks.shape, 3), dtype=np.uint8), (_STORED[1], _STORED[0]))
        depth = (1000 + 80 * label.astype(np.uint16)) * (label > 0)
        cv2.imwrite(str(root / "image" / f"{i:03d}.jpg"), color)
        cv2.imwrite(str(root / "depth" / f"{i:03d}.png"), depth.astype(np.uint16))
        cv2.imwrite(str(root / "label" / f"{i:03d}.png"), label)
    return root


class _Trainee:
    """A network with its optimiser, and one step of it."""

    def __init__(self, options: BenchOptions, precision: str) -> None:
        config = DeResUNetConfig.lite(_CLASSES) if options.model == "lite" else DeResUNetConfig(_CLASSES)
        self._device = options.device
        self._network = DeResUNet(config).to(options.device).to(memory_format=torch.channels_last)
        self._optimizer = torch.optim.AdamW(self._network.parameters(), lr=1e-4)
        kind = torch.device(options.device).type
        half: dict[str, torch.dtype] = {"bfloat16": torch.bfloat16, "float16": torch.float16}
        self._autocast: Callable[[], Any] = (
            (lambda: torch.autocast(kind, half[precision])) if precision in half else nullcontext
        )

    def step(self, batch: dict[str, Any]) -> None:
        color = (batch["color"].to(self._device).float() / 255).contiguous(memory_format=torch.channels_last)
        depth = batch["depth_m"].to(self._device)
        target = torch.stack(list(batch["labels"])).to(self._device).long() - 1
        with self._autocast():
            loss = torch.nn.functional.cross_entropy(self._network(color, depth).float(), target, ignore_index=-1)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        if self._device.startswith("cuda"):
            torch.cuda.synchronize()


def _loader_rows(folder: Path, options: BenchOptions) -> list[dict[str, Any]]:
    data = FolderData(
        folder,
        val_root=folder,
        size=options.size,
        batch_size=options.batch_size,
        augmentation="published",
        num_workers=options.workers,
        samples_per_epoch=options.batch_size * (options.batches + _WARM_UP),
    )
    trainee = _Trainee(options, options.precisions[0])
    naive = _timed(_in_the_loop(data, options), options, trainee.step)
    loader = _timed(iter(data.train_dataloader()), options, trainee.step)
    alone = _timed(iter(data.train_dataloader()), options, None)
    rows = []
    ahead = max(1, options.workers)
    for way, (seconds, waited), processes in (
        ("naive", naive, 1),
        ("loader", loader, ahead + 1),
        ("loader alone", alone, ahead),
    ):
        rate = options.batches * options.batch_size / seconds
        rows.append(
            {
                "way": way,
                "samples_per_s": rate,
                "samples_per_s_core": rate / processes,
                "wait_share": waited / seconds,
                "ratio": naive[0] / seconds,
            }
        )
    return rows


def _in_the_loop(data: FolderData, options: BenchOptions) -> Iterator[dict[str, Any]]:
    samples = TensorSamples(data.pictures("train"), options.size, "published", 0, full_labels=False)
    for first in range(0, (options.batches + _WARM_UP) * options.batch_size, options.batch_size):
        yield collate([samples[first + i] for i in range(options.batch_size)])


def _timed(
    batches: Iterator[dict[str, Any]], options: BenchOptions, step: Callable[[dict[str, Any]], None] | None
) -> tuple[float, float]:
    """Seconds in all, and those spent waiting for batches, after a warm-up."""
    waited = start = 0.0
    for i in range(options.batches + _WARM_UP):
        if i == _WARM_UP:
            start, waited = time.perf_counter(), 0.0
        before = time.perf_counter()
        batch = next(batches)
        waited += time.perf_counter() - before
        if step is not None:
            step(batch)
    return time.perf_counter() - start, waited


def _step_row(options: BenchOptions, precision: str) -> dict[str, Any]:
    height, width = options.size
    batch = {
        "color": torch.randint(0, 255, (options.batch_size, 3, height, width), dtype=torch.uint8),
        "depth_m": torch.rand(options.batch_size, 1, height, width),
        "labels": [torch.randint(0, _CLASSES + 1, (height, width), dtype=torch.uint8)] * options.batch_size,
    }
    process = psutil.Process()
    before = process.memory_info().rss
    if options.device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()
    trainee = _Trainee(options, precision)
    times, most = [], 0
    for _ in range(options.batches + _WARM_UP):
        start = time.perf_counter()
        trainee.step(batch)
        times.append(time.perf_counter() - start)
        most = max(most, process.memory_info().rss - before)
    if options.device.startswith("cuda"):
        most = torch.cuda.max_memory_allocated()
    seconds = float(np.median(times[_WARM_UP:]))
    return {
        "precision": precision,
        "step_ms": seconds * 1000,
        "samples_per_s": options.batch_size / seconds,
        "memory_mb": most / 1e6,
    }


def as_text(reports: Sequence[Report], form: str) -> str:
    """The reports one below the other; as JSON, one list of them."""
    if form == "json":
        return "[\n" + ",\n".join(report.render(form) for report in reports) + "\n]"
    return "\n\n".join(report.render(form) for report in reports)
