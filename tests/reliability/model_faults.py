"""Faults of models under a running pipeline: broken files, and back ends that fail on a frame."""

from __future__ import annotations

import pickle
import time
from itertools import count
from typing import TYPE_CHECKING

from rgbd_seg.errors import ModelError
from rgbd_seg.inference import open_segmenter
from rgbd_seg.inference.segmenter import SegmenterOptions
from rgbd_seg.labels import LabelClass, LabelSet
from rgbd_seg.models.card import ModelCard
from rgbd_seg.models.deresunet import DeResUNet, DeResUNetConfig
from rgbd_seg.models.model_file import save_model
from rgbd_seg.pipeline.live import LivePipeline
from rgbd_seg.pipeline.status import ModelState
from tests.pipeline.constant_segmenter import ConstantSegmenter
from tests.pipeline.scripted_sensor import Event, ScriptedSensor
from tests.reliability.fault import Outcome, fault, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_TINY = DeResUNetConfig(2, "resnet18", "dual", 4, (16, 16, 8, 8, 8), 4)
_LABELS = LabelSet("two", (LabelClass("a", (1, 2, 3)), LabelClass("b", (4, 5, 6))))


# The quickest to load; broken files are refused before any back end sees them.
_TORCH = SegmenterOptions(backend="torch")


def _frames() -> Iterator[Event]:
    for number in count(1):
        time.sleep(0.005)
        yield number


def write_model(path: Path) -> None:
    """A tiny model with random weights."""
    save_model(path, DeResUNet(_TINY), ModelCard(name="tiny", network=_TINY, label_set=_LABELS, size=(32, 32)))


def _swap_for(break_it: Callable[[Path], object], folder: Path) -> Outcome:
    """Runs a model from a file, breaks the file, loads it again: the running model must go on."""
    path = folder / "model.safetensors"
    write_model(path)
    pipeline = LivePipeline(ScriptedSensor(_frames()), segmenter=open_segmenter(path, _TORCH))
    pipeline.start()
    until(lambda: pipeline.status().segmented > 3)
    break_it(path)
    pipeline.load_model(lambda progress: open_segmenter(path, _TORCH, progress))
    until(lambda: pipeline.status().model.state is ModelState.FAILED)
    begin, known = time.monotonic(), pipeline.status().segmented
    until(lambda: pipeline.status().segmented > known + 1)
    pipeline.results.take()
    result = pipeline.results.take(5)
    assert result is not None
    assert result.model == "tiny"
    recovered_s = time.monotonic() - begin
    pipeline.stop()
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


def _fail_on_a_frame(error: Exception) -> Outcome:
    """A back end fails on one frame: the picture goes on without labels, and a model can be loaded again."""
    segmenter = ConstantSegmenter()
    pipeline = LivePipeline(ScriptedSensor(_frames()), segmenter=segmenter)
    pipeline.start()
    until(lambda: pipeline.status().segmented > 3)
    segmenter.error = error
    until(lambda: pipeline.status().model.state is ModelState.FAILED)
    seen, begin, known = pipeline.status().model.error, time.monotonic(), pipeline.status().segmented
    until(lambda: pipeline.status().segmented > known)
    recovered_s = time.monotonic() - begin
    pipeline.load_model(lambda progress: ConstantSegmenter("second"))
    until(lambda: pipeline.status().model.state is ModelState.READY)
    pipeline.stop()
    status = pipeline.status()
    assert segmenter.closed
    return Outcome(seen, status.captured, status.captured, 0.0, recovered_s)


@fault("GPU out of memory (simulated at the call)")
def _out_of_memory(folder: Path) -> Outcome:
    import torch

    return _fail_on_a_frame(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"))


@fault("GPU lost (simulated at the call)")
def _device_lost(folder: Path) -> Outcome:
    return _fail_on_a_frame(ModelError("the GPU does not answer any more: load the model again"))
