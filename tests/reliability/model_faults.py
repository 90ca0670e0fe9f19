"""Faults of models under a running pipeline: broken files, and back ends that fail on a frame."""

from __future__ import annotations

import pickle
import time
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from rgbd_seg.inference import open_segmenter
from rgbd_seg.inference.segmenter import SegmenterOptions
from rgbd_seg.inference.torch.model import TorchSegmenter
from rgbd_seg.inference.torch.runner import EagerRunner
from rgbd_seg.labels import LabelClass, LabelSet
from rgbd_seg.models.card import ModelCard
from rgbd_seg.models.deresunet import DeResUNet, DeResUNetConfig
from rgbd_seg.models.model_file import load_model, save_model
from rgbd_seg.pipeline.live import LivePipeline
from rgbd_seg.pipeline.status import ModelState
from tests.pipeline.scripted_sensor import Event, ScriptedSensor
from tests.reliability.fault import Outcome, fault
from tests.waiting import PATIENCE_S, started, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rgbd_seg.inference.graph_segmenter import Inferred

_TINY = DeResUNetConfig(2, "resnet18", "dual", 4, (16, 16, 8, 8, 8), 4)
_LABELS = LabelSet("two", (LabelClass("a", (1, 2, 3)), LabelClass("b", (4, 5, 6))))


# The quickest to load; broken files are refused before any back end sees them.
_TORCH = SegmenterOptions(backend="torch")
# Large enough to become smaller when memory is short.
_LARGE = SegmenterOptions(backend="torch", size=(128, 128))


def _frames() -> Iterator[Event]:
    for number in count(1):
        time.sleep(0.005)
        yield number


def write_model(path: Path) -> None:
    """A tiny model with random weights: always the same, so that what has been made of it once is in the cache."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = DeResUNet(_TINY)
    save_model(path, network, ModelCard(name="tiny", network=_TINY, label_set=_LABELS, size=(32, 32)))


def _swap_for(break_it: Callable[[Path], object], folder: Path) -> Outcome:
    """Runs a model from a file, breaks the file, loads it again: the running model must go on."""
    path = folder / "model.safetensors"
    write_model(path)
    with started(LivePipeline(ScriptedSensor(_frames()), segmenter=open_segmenter(path, _TORCH))) as pipeline:
        until(lambda: pipeline.status().segmented > 3)
        break_it(path)
        pipeline.model.load(path, _TORCH)
        until(lambda: pipeline.status().model.state is ModelState.FAILED)
        begin, known = time.monotonic(), pipeline.status().segmented
        until(lambda: pipeline.status().segmented > known + 1)
        pipeline.results.take()
        result = pipeline.results.take(PATIENCE_S)
        assert result is not None
        assert result.model == "tiny"
        recovered_s = time.monotonic() - begin
    status = pipeline.status()
    return Outcome(status.model.error, status.captured, status.captured, 0.0, recovered_s)


@fault("model file truncated while it runs")
def _truncated(folder: Path) -> Outcome:
    return _swap_for(lambda path: path.write_bytes(path.read_bytes()[:-1000]), folder)


@fault("model file replaced by a pickle")
def _pickle(folder: Path) -> Outcome:
    return _swap_for(lambda path: path.write_bytes(pickle.dumps({"state_dict": list(range(1000))})), folder)


@fault("model file deleted while it runs")
def _deleted(folder: Path) -> Outcome:
    return _swap_for(lambda path: path.unlink(), folder)


@fault("weights changed in a model file while it runs")
def _changed(folder: Path) -> Outcome:
    """A file of the right size and shape, in which one bit of the weights is another."""

    def change(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[-1000] ^= 1
        path.write_bytes(data)

    return _swap_for(change, folder)


class _FailingRunner(EagerRunner):
    """Runs the real network until the device fails: the error is raised where CUDA raises its own."""

    errors: ClassVar[list[Exception]] = []

    def run(self, *frame: Any) -> Inferred:
        if self.errors:
            raise self.errors.pop()
        return super().run(*frame)


@contextmanager
def _failing_pipeline(folder: Path) -> Iterator[LivePipeline]:
    """A pipeline with the real PyTorch back end, which has seen its first frames."""
    write_model(folder / "model.safetensors")
    network, card = load_model(folder / "model.safetensors")
    _FailingRunner.errors.clear()
    device = torch.device("cpu")
    path = folder / "model.safetensors"
    segmenter = TorchSegmenter(path, network, card, _LARGE, device, "float32", "a test", _FailingRunner)
    with started(LivePipeline(ScriptedSensor(_frames()), segmenter=segmenter)) as pipeline:
        until(lambda: pipeline.status().segmented > 3)
        yield pipeline


def _fail_for_good(folder: Path, errors: list[Exception]) -> Outcome:
    """The device fails until the model is given up: the picture goes on, and the model can be loaded again."""
    with _failing_pipeline(folder) as pipeline:
        _FailingRunner.errors += errors
        until(lambda: pipeline.status().model.state is ModelState.FAILED)
        seen, begin, known = pipeline.status().model.error, time.monotonic(), pipeline.status().segmented
        until(lambda: pipeline.status().segmented > known)
        recovered_s = time.monotonic() - begin
        _FailingRunner.errors.clear()
        pipeline.model.load(folder / "model.safetensors", _TORCH)
        until(lambda: pipeline.status().model.state is ModelState.READY)
        pipeline.results.take()
        until(lambda: (result := pipeline.results.take(5)) is not None and result.labels is not None)
    status = pipeline.status()
    return Outcome(seen, status.captured, status.captured, 0.0, recovered_s)


@fault("GPU out of memory for good (simulated at the call)")
def _out_of_memory(folder: Path) -> Outcome:
    error = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    return _fail_for_good(folder, [error] * 20)


@fault("GPU lost (simulated at the call)")
def _device_lost(folder: Path) -> Outcome:
    error = torch.AcceleratorError("CUDA error: unspecified launch failure\nCUDA kernel errors might be reported later")
    return _fail_for_good(folder, [error])


@fault("GPU out of memory once (simulated at the call)")
def _out_of_memory_once(folder: Path) -> Outcome:
    """The network goes on at a smaller size, with labels, and says so."""
    with _failing_pipeline(folder) as pipeline:
        begin = time.monotonic()
        _FailingRunner.errors.append(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"))
        until(lambda: not _FailingRunner.errors)
        known = pipeline.status().segmented
        until(lambda: pipeline.status().segmented > known)
        recovered_s = time.monotonic() - begin
        pipeline.results.take()
        result = pipeline.results.take(PATIENCE_S)
    assert result is not None
    assert result.labels is not None
    info, status = pipeline.status().model.info, pipeline.status()
    return Outcome(info.notes[-1] if info else "", status.captured, status.captured, 0.0, recovered_s)
