"""Running the deployed graph on an NVIDIA GPU as one CUDA graph: upload, preprocessing, network, decision, download.

The GPU receives a single launch for each frame, so that the hundreds of small kernels of the network do not wait for
Python. Frames go through page-locked buffers on a stream of their own, and the only synchronisation with the host is
the one at the end, on an event that lets the waiting thread sleep.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from rgbd_seg.inference.graph_segmenter import Inferred
from rgbd_seg.inference.resize import Size
from rgbd_seg.inference.smoothing import SmoothingState
from rgbd_seg.inference.torch.plan import Plan
from rgbd_seg.inference.torch.runner import Runner
from rgbd_seg.models.card import ModelCard
from rgbd_seg.models.deresunet import DeResUNet

_WARM_UP_RUNS = 3  # cuDNN chooses its algorithms in the first; the allocator has settled after the others.


class CudaGraphRunner(Runner):
    """A captured chain from page-locked camera bytes to page-locked labels, once as it is and once with smoothing."""

    def __init__(self, network: DeResUNet, card: ModelCard, plan: Plan, frame_size: Size, device: torch.device) -> None:
        torch.backends.cudnn.benchmark = True  # Shapes are fixed: the fastest algorithm is worth a search.
        super().__init__(network, card, plan, frame_size, device)
        self._color = torch.zeros((*frame_size, 3), dtype=torch.uint8, pin_memory=True)
        # The bits of uint16 as int16, which every operation knows; made unsigned again on the GPU.
        self._depth = torch.zeros(frame_size, dtype=torch.int16, pin_memory=True)
        self._scalars = torch.tensor([0.001, 0.0], pin_memory=True)  # Metres per count, strength of the smoothing.
        self._results = torch.zeros((2, *frame_size), dtype=torch.uint8, pin_memory=True)
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._done = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        with torch.cuda.device(device), torch.inference_mode():
            self._inputs = [torch.empty_like(t, device=device) for t in (self._color, self._depth, self._scalars)]
            self._state = SmoothingState.empty(network.config.classes, plan.size, device)
            self._stream.wait_stream(torch.cuda.current_stream(device))
            self._plain = self._capture(smoothed=False)
            self._smoothed = self._capture(smoothed=True)

    def run(
        self, color: NDArray[np.uint8], depth: NDArray[np.uint16], depth_unit_m: float, strength: float | None
    ) -> Inferred:
        started = time.perf_counter()
        np.copyto(self._color.numpy(), color)
        np.copyto(self._depth.numpy(), depth.view(np.int16))
        self._scalars[0], self._scalars[1] = depth_unit_m, strength or 0.0
        filled = time.perf_counter()
        with torch.cuda.device(self._device), torch.cuda.stream(self._stream):
            (self._plain if strength is None else self._smoothed).replay()
            self._done.record(self._stream)
            self._done.synchronize()
        computed = time.perf_counter()
        labels, confidence = self._results.numpy().copy()
        download_s = time.perf_counter() - computed
        stages = {"upload": filled - started, "network": computed - filled, "download": download_s}
        return Inferred(labels, confidence, stages)

    def run_batch(
        self, colors: Sequence[NDArray[np.uint8]], depths: Sequence[NDArray[np.uint16]], depth_unit_m: float
    ) -> list[Inferred]:
        started = time.perf_counter()
        # Many frames fill the GPU without a captured graph.
        with torch.cuda.device(self._device), torch.cuda.stream(self._stream), torch.inference_mode():
            color = torch.from_numpy(np.stack(colors)).pin_memory().to(self._device, non_blocking=True)
            counts = torch.from_numpy(np.stack(depths).view(np.int16)).pin_memory().to(self._device, non_blocking=True)
            unit = torch.tensor(depth_unit_m, dtype=torch.float32, device=self._device)
            maps = torch.stack(self._graph.segment(color, _unsigned(counts), unit)).cpu().numpy()
        each_s = (time.perf_counter() - started) / len(colors)
        return [Inferred(maps[0, i], maps[1, i], {"network": each_s}) for i in range(len(colors))]

    def close(self) -> None:
        """Frees the graph and its memory on the GPU."""
        self._stream.synchronize()
        self._plain.reset()
        self._smoothed.reset()
        del self._graph, self._score, self._decide, self._smooth, self._inputs, self._state
        with torch.cuda.device(self._device):
            torch.cuda.empty_cache()

    def _capture(self, *, smoothed: bool) -> torch.cuda.CUDAGraph:
        """The chain as one graph, after the runs in which everything settles."""
        captured = torch.cuda.CUDAGraph()
        with torch.cuda.stream(self._stream):
            for _ in range(_WARM_UP_RUNS):
                self._chain(smoothed=smoothed)
        self._stream.synchronize()
        with torch.cuda.graph(captured, stream=self._stream):
            self._chain(smoothed=smoothed)
        return captured

    def _chain(self, *, smoothed: bool) -> None:
        """Everything from the page-locked inputs to the page-locked results, enqueued on the current stream."""
        for target, source in zip(self._inputs, (self._color, self._depth, self._scalars), strict=True):
            target.copy_(source, non_blocking=True)
        color, depth, scalars = self._inputs
        logits, normalised, depth_m = self._score(color, _unsigned(depth), scalars[0])
        if not smoothed:
            labels, confidence = self._decide(logits)
        else:
            labels, confidence, averaged = self._smooth(logits, normalised, depth_m, scalars[1], *self._state)
            for kept, new in zip(self._state, (averaged, normalised, depth_m), strict=True):
                kept.copy_(new)
        self._results[0].copy_(labels, non_blocking=True)
        self._results[1].copy_(confidence, non_blocking=True)


def _unsigned(counts: torch.Tensor) -> torch.Tensor:
    """The int16 bits of unsigned counts as int32 counts."""
    return counts.to(torch.int32) & 0xFFFF
