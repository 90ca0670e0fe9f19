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

if TYPE_CHECKING:
    from torch import Tensor

    from rgbd_seg.inference.graph import Decision
    from rgbd_seg.inference.resize import Size

# Standard deviation of a structured-light camera's depth: 1.2 mm + 1.9 mm (z - 0.4 m)^2 at z metres (Nguyen, Izadi and
# Lovell, "Modeling Kinect Sensor Noise for Improved 3D Reconstruction and Tracking", 2012). Stereo cameras have more:
# five of them may pass, 3 cm at 2 m.
_NOISE_SIGMAS = 5.0
# A mean difference of the normalised colour channels that leaves a weight of 1/e; 0.4 is about 23 of 255 levels.
_COLOR_TOLERANCE = 0.4
# Whether the camera moves is decided by an 8 x 8 grid of tiles: one of them is steady if its colours agree (from the
# first number on a little, from the second on wholly), and the more of the picture is steady, the more is kept. On
# the synthetic rooms all of it is steady for a standing camera, 0.27 to 0.63 for one that walks at 0.35 m/s and
# 30 frames/s, so that somebody who walks through a standing camera's picture does not make the rest of it flicker.
_TILES = 8
_STEADY_TILE = (0.88, 0.96)
_STEADY_PICTURE = (0.65, 0.85)
_SMALLEST_PROBABILITY = 1e-7  # A float16 device still knows this number; the logarithm of 0 would spread.


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
    return torch.log(probabilities.clamp(min=_SMALLEST_PROBABILITY))


def agreement(color: Tensor, depth_m: Tensor, state: SmoothingState) -> Tensor:
    """How much each pixel may keep of what was seen before: (1, 1, h, w) float32, 0..1."""
    difference = (color - state.color).abs().mean(dim=1, keepdim=True)
    same_color = torch.exp(-((difference / _COLOR_TOLERANCE) ** 2))
    return same_color * _depth_agreement(depth_m, state.depth_m) * _steadiness(same_color)


def _steadiness(same_color: Tensor) -> Tensor:
    """How much may be kept of the picture as a whole: (1,) float32, 0 for a moving camera or a cut."""
    height, width = same_color.shape[-2:]
    tiles = functional.avg_pool2d(same_color, (height // _TILES, width // _TILES))
    steady = _ramp(tiles, *_STEADY_TILE).mean(dim=(1, 2, 3))
    return _ramp(steady, *_STEADY_PICTURE)


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
    tolerance_m = _NOISE_SIGMAS * (0.0012 + 0.0019 * (depth_m - 0.4) ** 2)
    same_depth = torch.exp(-((outside_m / tolerance_m) ** 2))
    return torch.where(measured & was_measured, same_depth, 1.0)
