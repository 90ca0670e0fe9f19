"""The PyTorch back end on the CPU, and what it does when memory or range is short."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.inference.segmenter import SegmenterOptions
from rgbd_seg.inference.torch.cuda_runner import CudaGraphRunner, _unsigned
from rgbd_seg.inference.torch.model import TorchSegmenter
from rgbd_seg.inference.torch.plan import NotFinite, Plan, is_out_of_memory
from rgbd_seg.inference.torch.runner import EagerRunner
from rgbd_seg.inference.torch.segmenter import open_segmenter, problem
from rgbd_seg.testing.backends import SegmenterConformance, ignore
from rgbd_seg.testing.models import card_for, random_network

if TYPE_CHECKING:
    from collections.abc import Callable

    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.inference.graph_segmenter import Inferred
    from rgbd_seg.inference.segmenter import Segmenter


class TestFloat32(SegmenterConformance):
    least_equal = 0.999

    def open(self, path: Path, options: SegmenterOptions, progress: Callable[[str, float], None]) -> Segmenter:
        if options.precision == "auto":
            options = SegmenterOptions(precision="float32", device=options.device, threads=1)
        return open_segmenter(path, options, "it is tested", progress)


def test_bfloat16_keeps_most_labels_and_says_so(model_path: Path, make_frame: Callable[..., RgbdFrame]) -> None:
    options = SegmenterOptions(precision="bfloat16", device="cpu", threads=1)
    with open_segmenter(model_path, options, "", ignore) as fast:
        assert fast.info.precision == "bfloat16"
        with open_segmenter(model_path, SegmenterOptions(precision="float32", threads=1), "", ignore) as exact:
            assert (
                fast(make_frame()).labels == exact(make_frame()).labels
            ).mean() > 0.9  # Random weights: pessimistic.


def test_devices_that_are_not_there() -> None:
    assert problem("cpu") is None
    assert problem("auto") is None
    assert "'npu'" in str(problem("npu"))
    if not torch.cuda.is_available():
        assert "no NVIDIA GPU" in str(problem("cuda"))


def test_precision_of_another_back_end(model_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="float32, bfloat16, not in 'int8'"):
        open_segmenter(model_path, SegmenterOptions(device="cpu", precision="int8"), "", ignore)


class ShortOfMemory(EagerRunner):
    """Runs for real, unless the network's input is wider than `widest`; then it fails as CUDA does."""

    widest = 10**9
    fails_when_built = True

    def __init__(self, network: Any, card: Any, plan: Plan, *args: Any, **kwargs: Any) -> None:
        self.plan = plan
        if self.fails_when_built:
            self._refuse()
        super().__init__(network, card, plan, *args, **kwargs)

    def run(self, *args: Any) -> Inferred:
        self._refuse()
        return super().run(*args)

    def _refuse(self) -> None:
        if self.plan.size[1] > self.widest:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def segmenter_on(
    runner: type[EagerRunner], network: Any = None, size: tuple[int, int] = (96, 128), precision: Any = "float32"
) -> TorchSegmenter:
    network = network or random_network()
    card, cpu = card_for(network, size=size), torch.device("cpu")
    return TorchSegmenter(Path("x"), network, card, SegmenterOptions(), cpu, precision, "", runner)


def short_of_memory(widest: int, *, fails_when_built: bool) -> TorchSegmenter:
    kind = type("Short", (ShortOfMemory,), {"widest": widest, "fails_when_built": fails_when_built})
    return segmenter_on(kind, size=(192, 256))


@pytest.mark.parametrize("fails_when_built", [True, False])
def test_out_of_memory_leads_to_a_smaller_input_that_is_said(
    make_frame: Callable[..., RgbdFrame], fails_when_built: bool
) -> None:
    with short_of_memory(200, fails_when_built=fails_when_built) as segmenter:
        result = segmenter(make_frame(size=(120, 160)))
        assert result.labels is not None
        assert result.labels.shape == (120, 160)
        assert segmenter.info.size == (128, 192)
        assert segmenter.info.notes == ("out of memory at 256x192: running the network at 192x128",)
        assert segmenter(make_frame(size=(120, 160), index=1)).labels is not None
        assert len(segmenter.info.notes) == 1


def test_out_of_memory_to_the_end_is_a_sentence(make_frame: Callable[..., RgbdFrame]) -> None:
    with short_of_memory(1, fails_when_built=True) as segmenter, pytest.raises(ModelError, match="memory even at"):
        segmenter(make_frame())


def test_a_gpu_first_takes_the_smaller_precision() -> None:
    plan, note = Plan("float32", (480, 640)).after_out_of_memory("cuda")
    assert plan == Plan("float16", (480, 640))
    assert "float16" in note
    plan, note = plan.after_out_of_memory("cuda")
    assert plan == Plan("float16", (320, 448))
    assert "448x320" in note


def test_values_beyond_the_range_lead_to_a_wider_precision(make_frame: Callable[..., RgbdFrame]) -> None:
    network = random_network()
    with torch.no_grad():
        network.tail.bn.weight *= 1e7  # Far beyond 65,504, the largest float16.
        network.classify.weight *= 1e-7
    with segmenter_on(EagerRunner, network, precision="float16") as segmenter:
        assert segmenter(make_frame()).labels is not None
        assert segmenter.info.precision == "bfloat16"
        assert "too large for float16" in segmenter.info.notes[0]


def test_not_finite_in_float32_is_a_sentence() -> None:
    with pytest.raises(ModelError, match="training went wrong"):
        Plan("float32", (96, 128)).after_not_finite()


def test_what_counts_as_out_of_memory() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    assert is_out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"))
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("shape mismatch"))
    assert not is_out_of_memory(NotFinite())


def test_another_fault_of_the_runner_is_a_sentence(make_frame: Callable[..., RgbdFrame]) -> None:
    class Broken(EagerRunner):
        def run(self, *_: Any) -> Inferred:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")

    sentence = r"tiny failed on PyTorch.*illegal memory access"
    with segmenter_on(Broken) as segmenter, pytest.raises(ModelError, match=sentence):
        segmenter(make_frame())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU, on which the CUDA graph can be made")
def test_where_no_cuda_graph_can_be_made_it_runs_step_by_step_and_says_so(make_frame: Callable[..., RgbdFrame]) -> None:
    network = random_network()
    with segmenter_on(CudaGraphRunner, network) as segmenter:  # type: ignore[arg-type]
        result = segmenter(make_frame())
        assert "no CUDA graph could be made" in segmenter.info.notes[0]
    with segmenter_on(EagerRunner, network) as reference:
        assert np.array_equal(result.labels, reference(make_frame()).labels)


def test_depth_counts_travel_as_signed_bits_and_come_back_unsigned() -> None:
    counts = np.array([0, 1, 32767, 32768, 65535], np.uint16)
    assert _unsigned(torch.from_numpy(counts.view(np.int16))).tolist() == counts.tolist()


def test_a_batch_that_does_not_fit_runs_one_by_one(make_frame: Callable[..., RgbdFrame]) -> None:
    class SmallBatches(EagerRunner):
        def run_batch(self, *_: Any) -> list[Inferred]:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    with segmenter_on(SmallBatches) as segmenter:
        results = segmenter.batch([make_frame(seed) for seed in (0, 1)])
    assert [np.shape(result.labels) for result in results] == [(96, 128)] * 2
