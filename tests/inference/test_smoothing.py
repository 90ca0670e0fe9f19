"""Temporal smoothing: what it remembers, what it must not, and that it steadies noisy rooms without lagging."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

from rgbd_seg.inference.graph import DeployedGraph, NetworkInput, ScoringGraph
from rgbd_seg.inference.segmenter import STRENGTHS
from rgbd_seg.inference.smoothing import SmoothedDecision, SmoothingState, agreement
from rgbd_seg.testing.models import card_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.models.card import ModelCard
    from rgbd_seg.models.deresunet import DeResUNet

SIZE = (48, 64)


def seen(color: float = 0.0, depth_m: float = 2.0) -> NetworkInput:
    """A frame of one colour and one depth."""
    return NetworkInput(torch.full((1, 3, *SIZE), color), torch.zeros(1, 1, *SIZE), torch.full((1, 1, *SIZE), depth_m))


def gate(now: NetworkInput, before: NetworkInput) -> torch.Tensor:
    return agreement(now.color, now.depth_m, SmoothingState(before.color, before.color, before.depth_m))[0, 0]


def test_a_standing_picture_is_kept() -> None:
    assert torch.allclose(gate(seen(), seen()), torch.tensor(1.0))


def test_noise_of_the_sensor_passes_and_motion_does_not() -> None:
    before, now = seen(), seen()
    now.depth_m[..., :8, :8] += 0.005  # One standard deviation at 2 m.
    now.depth_m[..., 20:28, 20:28] -= 0.3  # A hand comes in.
    now.color[..., 40:, 40:] += 2.0  # A change of colour at the same depth.
    kept = gate(now, before)
    assert kept[:8, :8].min() > 0.8
    assert kept[20:28, 20:28].max() < 0.01
    assert kept[40:, 40:].max() < 0.01
    assert kept[30, 10] > 0.9


def test_edges_that_jitter_by_a_pixel_are_kept() -> None:
    before, now = seen(depth_m=3.0), seen(depth_m=3.0)
    before.depth_m[..., 32:] = 1.0
    now.depth_m[..., 31:] = 1.0  # The object's edge is one pixel farther left.
    assert gate(now, before)[:, 31].min() > 0.9
    now.depth_m[..., 28:] = 1.0  # Four pixels: it moved.
    assert gate(now, before)[:, 28].max() < 0.01


def test_holes_leave_the_decision_to_colour() -> None:
    before, now = seen(), seen()
    before.depth_m[..., :10, :] = 0
    now.depth_m[..., 20:30, :] = 0
    assert gate(now, before).min() > 0.9
    now.color[..., :10, :] += 2.0
    assert gate(now, before)[:10].max() < 0.01


def test_a_cut_forgets_everything() -> None:
    before, now = seen(), seen(color=1.0)
    now.color[..., :20, :] = 0.0  # Less than half of the picture agrees by chance.
    assert gate(now, before).max() == 0


def test_somebody_who_walks_through_does_not_unsettle_the_rest() -> None:
    before, now = seen(), seen()
    now.color[..., :, 10:16] += 1.0  # An eighth of the picture.
    now.depth_m[..., :, 10:16] = 1.0
    kept = gate(now, before)
    assert kept[:, 24:].min() > 0.9
    assert kept[:, 10:16].max() < 0.01


class TruthWithNoise(nn.Module):
    """A network that knows the class from the depth and is unsure by a random amount in every frame."""

    def __init__(self, real: DeResUNet, strength: float) -> None:
        super().__init__()
        self.config = real.config
        self.scale = nn.Parameter(torch.tensor(strength))
        self.generator = torch.Generator().manual_seed(0)

    def forward(self, color: torch.Tensor, depth: torch.Tensor) -> torch.Tensor:
        near = (depth[:, 0] < 0).long()
        sure = nn.functional.one_hot(near, self.config.classes).permute(0, 3, 1, 2).float()
        return sure + self.scale * torch.randn(sure.shape, generator=self.generator)


def play(network: DeResUNet, strength: float, speed: int) -> tuple[float, float]:
    """Flicker (share of pixels that change) and accuracy of 30 frames in which a box moves `speed` pixels a frame."""
    noisy = TruthWithNoise(network, 0.8).eval()
    graph = DeployedGraph(noisy, card_for(network), SIZE, SIZE).eval()  # type: ignore[arg-type]
    score, smoothed = ScoringGraph(graph), SmoothedDecision(graph.decide)
    state = SmoothingState.empty(network.config.classes, SIZE)
    rng = np.random.default_rng(1)
    flicker, right, before = [], [], None
    for i in range(30):
        depth, color = np.full(SIZE, 3000.0), np.full((*SIZE, 3), 90.0)
        left = (4 + speed * i) % 40
        depth[16:32, left : left + 16], color[16:32, left : left + 16] = 1500, 160
        truth = np.where(depth == 1500, 2, 1)
        depth += rng.normal(0, 0.0019 * (depth / 1000) ** 2 * 1000)
        color += rng.normal(0, 4, color.shape)
        inputs = torch.from_numpy(color.clip(0, 255).astype(np.uint8)), torch.from_numpy(depth.astype(np.int32))
        with torch.inference_mode():
            scores = score(*inputs, torch.tensor(0.001))
            labels, _, averaged = smoothed(*scores, torch.tensor(strength if i else 0.0), *state)
            state = SmoothingState(averaged, *scores[1:])
        if before is not None:
            flicker.append((labels != before).float().mean().item())
        before = labels
        right.append((labels.numpy() == truth).mean())
    return float(np.mean(flicker)), float(np.mean(right))


@pytest.mark.parametrize("level", ["low", "high"])
def test_flicker_falls_by_half_and_more(network: DeResUNet, level: str) -> None:
    flicker, _ = play(network, 0.0, speed=0)
    steady, _ = play(network, STRENGTHS[level], speed=0)  # type: ignore[index]
    assert flicker > 0.1
    assert steady < flicker / 2


@pytest.mark.parametrize("level", ["low", "high"])
def test_moving_things_are_labelled_no_worse(network: DeResUNet, level: str) -> None:
    _, right = play(network, 0.0, speed=3)
    _, smoothed = play(network, STRENGTHS[level], speed=3)  # type: ignore[index]
    assert smoothed >= right


def test_without_memory_it_is_the_plain_graph(
    network: DeResUNet, card: ModelCard, make_frame: Callable[..., RgbdFrame]
) -> None:
    graph = DeployedGraph(network, card, (120, 160)).eval()
    smoothed = SmoothedDecision(graph.decide)
    frame = make_frame(size=(120, 160))
    inputs = (torch.from_numpy(frame.color.copy()), torch.from_numpy(frame.depth.astype(np.int32)), torch.tensor(0.001))
    with torch.inference_mode():
        labels, confidence = graph(*inputs)
        first, sure, *_ = smoothed(
            *ScoringGraph(graph)(*inputs), torch.tensor(0.0), *SmoothingState.empty(network.config.classes, graph.size)
        )
    assert (labels == first).float().mean() > 0.999
    assert (confidence.float() - sure.float()).abs().mean() < 0.5  # The smallest probabilities are rounded up.
