"""Steady pictures: averaging class probabilities over time, pixel by pixel, where the scene has not changed.

The average is recursive, p <- p + w (previous p - p), with a weight for each pixel: the chosen strength, times how well
its depth and colour agree with those of the frame before, times how much of the whole picture agrees. So an object
that moves takes its labels along, and a cut or a moving camera starts anew. All of it is tensor arithmetic inside the
graph, on the device and at the network's size, before the logits go to the camera's size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn
from torch.nn import functional

from rgbd_seg.inference.steadiness import (
    COLOR_TOLERANCE,
    NOISE_M,
    NOISE_SIGMAS,
    SMALLEST_PROBABILITY,
    STEADY_PICTURE,
    STEADY_TILE,
    TILES,
)

if TYPE_CHECKING:
    from torch import Tensor

    from rgbd_seg.inference.graph import Decision
    from rgbd_seg.inference.resize import Size


class SmoothingState(NamedTuple):
    """What is remembered of the frames before, at the network's size.

    Attributes:
        probabilities: (1, classes, h, w) float32, averaged.
        color: (1, 3, h, w) float32, normalised colour of the last frame.
        depth_m: (1, 1, h, w) float32 metres of the last frame.
    """

    probabilities: Tensor
    color: Tensor
    depth_m: Tensor

    @classmethod
    def empty(cls, classes: int, size: Size, device: torch.device | None = None) -> SmoothingState:
        """No memory yet; the first frame after it must run with strength 0."""
        return cls(*(torch.zeros(1, channels, *size, device=device) for channels in (classes, 3, 1)))


class SmoothedDecision(nn.Module):
    """The second part of a deployed graph, with a memory.

    What it remembers goes in and comes out, so that every back end can keep it. It takes the place of `PlainDecision`
    while smoothing is on: the network runs unchanged before either.
    """

    def __init__(self, decide: Decision) -> None:
        super().__init__()
        self.decide = decide

    def example_inputs(self, classes: int) -> tuple[Tensor, ...]:
        """Inputs of the right shapes, for exporters."""
        size = self.decide.size
        # Exporters take one tensor given twice for one input: every one is another.
        return (*SmoothingState.empty(classes, size), torch.tensor(0.0), *SmoothingState.empty(classes, size))

    def forward(
        self,
        logits: Tensor,
        color: Tensor,
        depth_m: Tensor,
        strength: Tensor,
        probabilities: Tensor,
        previous_color: Tensor,
        previous_depth_m: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Decides for one frame in the light of those before.

        Args:
            logits: From `ScoringGraph`.
            color: Likewise.
            depth_m: Likewise.
            strength: () float32, one of `STRENGTHS`, or 0 for the first frame after a reset.
            probabilities: What the call before returned.
            previous_color: `color` of the frame before.
            previous_depth_m: `depth_m` of the frame before.

        Returns:
            Labels (H, W) uint8, confidence (H, W) uint8, and the probabilities to remember.
        """
        state = SmoothingState(probabilities, previous_color, previous_depth_m)
        averaged = average(torch.softmax(logits, dim=1), color, depth_m, strength, state)
        labels, confidence = self.decide(as_logits(averaged))
        return labels[0], confidence[0], averaged


def average(now: Tensor, color: Tensor, depth_m: Tensor, strength: Tensor | float, state: SmoothingState) -> Tensor:
    """The probabilities of this frame, averaged with those remembered: (1, classes, h, w) float32.

    Args:
        now: (1, classes, h, w) float32, what the network says of this frame.
        color: (1, 3, h, w) float32, the frame's normalised colour.
        depth_m: (1, 1, h, w) float32 metres, 0 at holes.
        strength: One of `STRENGTHS`.
        state: What is remembered.
    """
    weight = strength * agreement(color, depth_m, state)
    return now + weight * (state.probabilities - now)


def as_logits(probabilities: Tensor) -> Tensor:
    """Logarithms of probabilities are logits: without a memory, the labels are those of the plain graph."""
    return torch.log(probabilities.clamp(min=SMALLEST_PROBABILITY))


def agreement(color: Tensor, depth_m: Tensor, state: SmoothingState) -> Tensor:
    """How much each pixel may keep of what was seen before: (1, 1, h, w) float32, 0..1."""
    difference = (color - state.color).abs().mean(dim=1, keepdim=True)
    same_color = torch.exp(-((difference / COLOR_TOLERANCE) ** 2))
    return same_color * _depth_agreement(depth_m, state.depth_m) * _steadiness(same_color)


def _steadiness(same_color: Tensor) -> Tensor:
    """How much may be kept of the picture as a whole: (1,) float32, 0 for a moving camera or a cut."""
    height, width = same_color.shape[-2:]
    tiles = functional.avg_pool2d(same_color, (height // TILES, width // TILES))
    steady = _ramp(tiles, *STEADY_TILE).mean(dim=(1, 2, 3))
    return _ramp(steady, *STEADY_PICTURE)


def _ramp(values: Tensor, low: float, high: float) -> Tensor:
    """0 up to `low`, 1 from `high` on."""
    return ((values - low) / (high - low)).clamp(0.0, 1.0)


def _depth_agreement(depth_m: Tensor, previous_m: Tensor) -> Tensor:
    """Agreement of depth alone, 0..1; 1 at holes of either frame, where colour alone must tell.

    A pixel at an object's edge may jump between object and background from frame to frame though nothing moves, so the
    depth is compared with the range of the 3 x 3 pixels around it in the frame before.
    """
    measured, was_measured = depth_m > 0, previous_m > 0
    farthest = functional.max_pool2d(previous_m, 3, stride=1, padding=1)
    nearest = -functional.max_pool2d(torch.where(was_measured, -previous_m, -1000.0), 3, stride=1, padding=1)
    outside_m = (depth_m - farthest).clamp(min=0.0) + (nearest - depth_m).clamp(min=0.0)
    tolerance_m = NOISE_SIGMAS * (NOISE_M[0] + NOISE_M[1] * (depth_m - NOISE_M[2]) ** 2)
    same_depth = torch.exp(-((outside_m / tolerance_m) ** 2))
    return torch.where(measured & was_measured, same_depth, 1.0)
