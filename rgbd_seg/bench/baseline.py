"""What every back end is measured against: the network as it was trained, in float32, by PyTorch, step by step."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.frame import Segmentation
from rgbd_seg.inference.cpu import cpu_name, default_threads, wait_passively
from rgbd_seg.inference.segmenter import Segmenter, SegmenterInfo

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.inference.graph import DeployedGraph


def open_baseline(model: Path, size: tuple[int, int] | None, device: str, threads: int | None) -> Segmenter:
    """Loads a model file as it is: nothing folded, no other memory layout, no compiler.

    Args:
        model: A model file of this program.
        size: Network input (height, width), None for the card's.
        device: "cpu", "cuda", "mps", ...; whatever PyTorch does not know: an NVIDIA GPU if there is one, else the CPU.
        threads: CPU threads, None for what the window would take.
    """
    wait_passively()
    return EagerBaseline(model, size, device, threads)


class EagerBaseline(Segmenter):
    """The deployed graph called as Python."""

    def __init__(self, model: Path, size: tuple[int, int] | None, device: str, threads: int | None) -> None:
        import torch

        from rgbd_seg.models.model_file import load_model

        network, self._card = load_model(model)
        self._size = size or self._card.size
        known = device.partition(":")[0] in ("cpu", "cuda", "mps")
        self._device = torch.device(device if known else "cuda" if torch.cuda.is_available() else "cpu")
        self._graphs: dict[tuple[int, int], DeployedGraph] = {}
        self._network = network.to(self._device)
        torch.set_num_threads(threads or default_threads())
        name = torch.cuda.get_device_name() if self._device.type == "cuda" else cpu_name()
        self.label_set = self._card.label_set
        self.info = SegmenterInfo(
            self._card.name,
            str(model),
            self._card.trained_on or "random weights",
            "PyTorch, eager",
            name,
            "float32",
            self._size,
            "it is the baseline",
        )

    def __call__(self, frame: RgbdFrame) -> Segmentation:
        import torch

        graph = self._graph((frame.height, frame.width))
        started = time.perf_counter()
        with torch.inference_mode():
            color = torch.from_numpy(frame.color.copy()).to(self._device)
            depth = torch.from_numpy(frame.depth.astype(np.int32)).to(self._device)
            unit_m = torch.tensor(frame.calibration.depth_unit_m, device=self._device)
            labels, confidence = (result.cpu().numpy() for result in graph(color, depth, unit_m))
        elapsed_s = {"network": time.perf_counter() - started}
        return Segmentation(frame, labels, confidence, self.label_set, elapsed_s, self.info.model)

    def _graph(self, frame_size: tuple[int, int]) -> DeployedGraph:
        """The graph for frames of that size, made once."""
        from rgbd_seg.inference.graph import DeployedGraph

        if frame_size not in self._graphs:
            graph = DeployedGraph(self._network, self._card, frame_size, self._size)
            self._graphs[frame_size] = graph.to(self._device).eval()
        return self._graphs[frame_size]
