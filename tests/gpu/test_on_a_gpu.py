"""PyTorch on a real GPU: conformance, parity of every precision, memory that comes back, memory that is short.

Skipped where there is no NVIDIA GPU. `RGBD_SEG_GPU=cpu` rehearses on the processor what can be rehearsed there.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from rgbd_seg.assets import asset
from rgbd_seg.inference.segmenter import SegmenterOptions
from rgbd_seg.inference.torch.segmenter import open_segmenter
from rgbd_seg.sensors import open_sensor
from rgbd_seg.testing.backends import SegmenterConformance, ignore
from tests.inference.conftest import make_frame, model_path, network  # noqa: F401 (fixtures)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.inference.segmenter import Segmenter

DEVICE = os.environ.get("RGBD_SEG_GPU", "cuda")
ON_GPU = DEVICE.startswith("cuda")
pytestmark = pytest.mark.skipif(ON_GPU and not torch.cuda.is_available(), reason="there is no NVIDIA GPU")
only_gpu = pytest.mark.skipif(not ON_GPU, reason="a GPU's memory cannot be rehearsed")
# Share of pixels with the label of float32 on the processor, for the trained demo model.
LEAST_EQUAL = {"float32": 0.999, "float16": 0.99, "bfloat16": 0.985}


@pytest.fixture(scope="module")
def room() -> list[RgbdFrame]:
    with open_sensor("synthetic:?seed=3&size=640x480&fps=0&speed=3") as sensor:
        return [sensor.read(60) for _ in range(4)]


def opened(path: Path, precision: str, device: str = DEVICE, **fields: object) -> Segmenter:
    options = SegmenterOptions(precision=precision, device=device, **fields)  # type: ignore[arg-type]
    return open_segmenter(path, options, "it is tested", ignore)


class TestOnTheGpu(SegmenterConformance):
    def open(self, path: Path, options: SegmenterOptions, progress: Callable[[str, float], None]) -> Segmenter:
        precision = "float32" if options.precision == "auto" else options.precision
        device = DEVICE if options.device == "auto" else options.device
        options = SegmenterOptions(precision=precision, device=device, frame_size=options.frame_size)
        return open_segmenter(path, options, "a test", progress)


@pytest.mark.parametrize("precision", LEAST_EQUAL)
def test_every_precision_gives_the_labels_of_float32_on_the_processor(precision: str, room: list[RgbdFrame]) -> None:
    if precision == "float16" and not ON_GPU:
        pytest.skip("the processor has no float16")
    path = asset("models/demo.safetensors")
    with opened(path, "float32", "cpu") as exact, opened(path, precision) as fast:
        assert fast.info.precision == precision
        assert not fast.info.notes
        equal = [(exact(frame).labels == fast(frame).labels).mean() for frame in room]  # type: ignore[union-attr]
    print(f"{precision}: {np.mean(equal):.5f} of the pixels have the label of float32 on the processor")
    assert min(equal) >= LEAST_EQUAL[precision]


def test_a_batch_gives_what_single_frames_give(room: list[RgbdFrame]) -> None:
    with opened(asset("models/demo.safetensors"), "float32") as segmenter:
        alone = [segmenter(frame).labels for frame in room]
        together = [result.labels for result in segmenter.batch(room)]
    for one, other in zip(alone, together, strict=True):
        assert (one == other).mean() >= 0.999  # type: ignore[union-attr]


def test_frames_that_change_their_size_get_their_own_labels(make_frame: Callable[..., RgbdFrame]) -> None:  # noqa: F811
    path = asset("models/demo.safetensors")
    with opened(path, "float32", "cpu") as exact, opened(path, "float32") as segmenter:
        for seed in range(3):
            for size in ((240, 320), (480, 640)):
                frame = make_frame(seed, size)
                assert (exact(frame).labels == segmenter(frame).labels).mean() >= 0.995  # type: ignore[union-attr]


@only_gpu
def test_memory_comes_back_when_models_are_swapped(room: list[RgbdFrame]) -> None:
    held = []
    for _ in range(6):
        with opened(asset("models/demo.safetensors"), "float16") as segmenter:
            segmenter(room[0])
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        held.append(torch.cuda.memory_reserved())
    assert held[-1] <= held[1], held


@only_gpu
def test_short_memory_makes_the_network_smaller_and_says_so(room: list[RgbdFrame]) -> None:
    """The real thing: the GPU is filled until little is left."""
    free, _ = torch.cuda.mem_get_info()
    filling = torch.empty(max(free - 700_000_000, 0), dtype=torch.uint8, device=DEVICE)
    try:
        with opened(asset("models/demo.safetensors"), "float32", size=(2048, 2560)) as segmenter:
            result = segmenter(room[0])
            assert result.labels is not None
            assert any("out of memory" in note for note in segmenter.info.notes)
    finally:
        del filling
        torch.cuda.empty_cache()
