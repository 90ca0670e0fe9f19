"""Running the deployed graph with PyTorch, step by step: on the CPU, on Apple's GPUs, and on CUDA without a graph."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from rgbd_seg.inference.graph import DeployedGraph, PlainDecision, ScoringGraph
from rgbd_seg.inference.graph_segmenter import Inferred
from rgbd_seg.inference.resize import Size
from rgbd_seg.inference.smoothing import SmoothedDecision, SmoothingState
from rgbd_seg.inference.torch.fuse_batch_norm import fuse_batch_norm
from rgbd_seg.inference.torch.plan import NotFinite, Plan
from rgbd_seg.models.card import ModelCard
from rgbd_seg.models.deresunet import DeResUNet

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


class Runner(ABC):
    """One graph, built for one frame size on one device."""

    def __init__(self, network: DeResUNet, card: ModelCard, plan: Plan, frame_size: Size, device: torch.device) -> None:
        self._device = device
        self._graph = deployed(network, card, plan, frame_size, device)
        self._score = ScoringGraph(self._graph)
        self._decide, self._smooth = PlainDecision(self._graph.decide), SmoothedDecision(self._graph.decide)

    @abstractmethod
    def run(
        self, color: NDArray[np.uint8], depth: NDArray[np.uint16], depth_unit_m: float, strength: float | None
    ) -> Inferred:
        """Segments one frame; see `GraphSegmenter.infer`."""

    @abstractmethod
    def run_batch(
        self, colors: Sequence[NDArray[np.uint8]], depths: Sequence[NDArray[np.uint16]], depth_unit_m: float
    ) -> list[Inferred]:
        """Segments unrelated frames in one pass of the network."""

    @abstractmethod
    def close(self) -> None:
        """Frees the device's memory."""


def deployed(network: DeResUNet, card: ModelCard, plan: Plan, frame_size: Size, device: torch.device) -> DeployedGraph:
    """The graph on its device: normalisation folded, channels last, in the plan's precision.

    Raises:
        NotFinite: The network leaves the precision's range on a frame of noise.
    """
    ready = fuse_batch_norm(network).to(device=device, dtype=DTYPES[plan.precision], memory_format=torch.channels_last)  # type: ignore[call-overload]
    graph = DeployedGraph(ready, card, frame_size, plan.size).to(device).eval()
    if plan.precision != "float32":
        _check_range(graph, device)
    return graph


def _check_range(graph: DeployedGraph, device: torch.device) -> None:
    generator = torch.Generator().manual_seed(0)
    height, width = graph.frame_size
    color = torch.randint(0, 256, (1, height, width, 3), dtype=torch.uint8, generator=generator)
    depth = torch.randint(0, 6000, (1, height, width), dtype=torch.int32, generator=generator)
    with torch.inference_mode():
        prepared = graph.prepare(color.to(device), depth.to(device), torch.tensor(0.001, device=device))
        if not bool(torch.isfinite(graph.logits(prepared)).all()):
            raise NotFinite


class EagerRunner(Runner):
    """Calls the graph as Python, one operation after the other."""

    def __init__(self, network: DeResUNet, card: ModelCard, plan: Plan, frame_size: Size, device: torch.device) -> None:
        super().__init__(network, card, plan, frame_size, device)
        self._state = SmoothingState.empty(network.config.classes, plan.size, device)

    def run(
        self, color: NDArray[np.uint8], depth: NDArray[np.uint16], depth_unit_m: float, strength: float | None
    ) -> Inferred:
        with torch.inference_mode():
            started = time.perf_counter()
            inputs = self._upload(color, depth, depth_unit_m)
            uploaded = time.perf_counter()
            logits, normalised, depth_m = self._score(*inputs)
            if strength is None:
                labels, confidence = self._decide(logits)
            else:
                weight = torch.tensor(strength, device=self._device)
                labels, confidence, averaged = self._smooth(logits, normalised, depth_m, weight, *self._state)
                self._state = SmoothingState(averaged, normalised, depth_m)
            label_map, confidence_map = labels.cpu().numpy(), confidence.cpu().numpy()  # Waits for the device.
        stages = {"upload": uploaded - started, "network": time.perf_counter() - uploaded}
        return Inferred(label_map, confidence_map, stages)

    def run_batch(
        self, colors: Sequence[NDArray[np.uint8]], depths: Sequence[NDArray[np.uint16]], depth_unit_m: float
    ) -> list[Inferred]:
        with torch.inference_mode():
            started = time.perf_counter()
            inputs = self._upload(np.stack(colors), np.stack(depths), depth_unit_m)
            labels, confidence = (tensor.cpu().numpy() for tensor in self._graph.segment(*inputs))
        each_s = (time.perf_counter() - started) / len(colors)
        return [Inferred(labels[i], confidence[i], {"network": each_s}) for i in range(len(colors))]

    def close(self) -> None:
        del self._graph, self._score, self._decide, self._smooth, self._state

    def _upload(
        self, color: NDArray[np.uint8], depth: NDArray[np.uint16], depth_unit_m: float
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The arrays as tensors on the device. Depth becomes int32: not every device computes with uint16."""
        # Frames are read-only and torch warns about such arrays; a copy of a picture costs less than a millisecond.
        return (
            torch.from_numpy(color.copy()).to(self._device),
            torch.from_numpy(depth.astype(np.int32)).to(self._device),
            torch.tensor(depth_unit_m, dtype=torch.float32, device=self._device),
        )
