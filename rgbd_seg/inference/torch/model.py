"""One of our own model files run by PyTorch; where memory or the range of numbers is short, in a smaller way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rgbd_seg.errors import ModelError
from rgbd_seg.frame import RgbdFrame, Segmentation
from rgbd_seg.inference.cpu import cpu_name
from rgbd_seg.inference.graph_segmenter import USUAL_FRAME_SIZE, GraphSegmenter, Inferred
from rgbd_seg.inference.model_info import describe
from rgbd_seg.inference.resize import Size
from rgbd_seg.inference.segmenter import SegmenterOptions
from rgbd_seg.inference.torch.cuda_runner import CudaGraphRunner
from rgbd_seg.inference.torch.plan import NotFinite, Plan, Precision, is_out_of_memory
from rgbd_seg.inference.torch.runner import EagerRunner, Runner
from rgbd_seg.models.card import ModelCard
from rgbd_seg.models.deresunet import DeResUNet

RunnerMaker = Callable[..., Runner]

NAME = "PyTorch"


class TorchSegmenter(GraphSegmenter):
    """Runs a network with PyTorch; where memory or the range of numbers is short, in a smaller way, and says so."""

    def __init__(
        self,
        path: Path,
        network: DeResUNet,
        card: ModelCard,
        options: SegmenterOptions,
        device: torch.device,
        precision: Precision,
        reason: str,
        make_runner: RunnerMaker | None = None,
    ) -> None:
        """Takes a loaded network.

        Args:
            path: Where it came from.
            network: In float32 on the CPU.
            card: Its card.
            options: Size and settings.
            device: Where to run it.
            precision: In which arithmetic to begin.
            reason: Why, in a sentence.
            make_runner: Makes what runs the graph; None for what suits the device.
        """
        self._network, self._card, self._device = network, card, device
        self._plan = Plan(precision, options.size or card.size)
        self._make_runner = make_runner or (CudaGraphRunner if device.type == "cuda" else EagerRunner)
        self._runner: Runner | None = None
        self._frames_of = USUAL_FRAME_SIZE
        parameters = sum(p.numel() for p in network.parameters())
        where = device_name(device)
        info = describe(path, card, parameters, NAME, where, precision, self._plan.size, reason)
        super().__init__(info, card.label_set, options)

    def build(self, frame_size: Size) -> None:
        """Makes a runner, falling back step by step where memory or range is short."""
        self._frames_of = frame_size
        self.release()
        while self._runner is None:
            try:
                self._runner = self._make_runner(self._network, self._card, self._plan, frame_size, self._device)
            except NotFinite:
                self._change_plan(*self._plan.after_not_finite())
            except (RuntimeError, MemoryError) as error:
                if is_out_of_memory(error):
                    self._change_plan(*self._plan.after_out_of_memory(self._device.type))
                elif self._make_runner is CudaGraphRunner:
                    self._make_runner = EagerRunner
                    self._note(
                        f"no CUDA graph could be made ({str(error)[:200]}): running step by step, which is slower"
                    )
                else:
                    raise

    def infer(
        self, color: NDArray[np.uint8], depth: NDArray[np.uint16], depth_unit_m: float, strength: float | None
    ) -> Inferred:
        """Runs the graph; memory that runs out in between leads to a smaller plan, not to an end."""
        while True:
            if self._runner is None:
                raise ModelError(f"the model {self.info.model} is closed: open it again")
            try:
                return self._runner.run(color, depth, depth_unit_m, strength)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            self._change_plan(*self._plan.after_out_of_memory(self._device.type))
            self.build(self._frames_of)
            strength = None if strength is None else 0.0  # What was remembered is gone with the old graph.

    def batch(self, frames: Sequence[RgbdFrame]) -> list[Segmentation]:
        """Segments unrelated frames of one camera in one pass; of several cameras, one by one."""
        kinds = {(frame.height, frame.width, frame.calibration.depth_unit_m) for frame in frames}
        if len(frames) < 2 or len(kinds) != 1:
            return super().batch(frames)
        height, width, unit_m = kinds.pop()
        self.reset()
        self._adopt_size((height, width))
        runner = self._runner
        if runner is None:
            raise ModelError(f"the model {self.info.model} is closed: open it again")
        try:
            results = runner.run_batch([f.color for f in frames], [f.depth for f in frames], unit_m)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return super().batch(frames)
        return [self._finish(frame, result) for frame, result in zip(frames, results, strict=True)]

    def release(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()

    def _change_plan(self, plan: Plan, note: str) -> None:
        self.release()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        self._plan = plan
        self._note(note)

    def _note(self, note: str) -> None:
        self.info = replace(
            self.info, precision=self._plan.precision, size=self._plan.size, notes=(*self.info.notes, note)
        )


def device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return "Apple GPU" if device.type == "mps" else f"CPU ({cpu_name()})"
