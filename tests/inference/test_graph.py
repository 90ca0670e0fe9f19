"""The deployed graph against the same steps written out by hand, and what it must not depend on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from rgbd_seg.inference.graph import Decision, DeployedGraph, ScoringGraph
from rgbd_seg.inference.resize import resize_color, resize_nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.models.card import ModelCard
    from rgbd_seg.models.deresunet import DeResUNet


def tensors(frame: RgbdFrame) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    unit = torch.tensor(frame.calibration.depth_unit_m)
    return torch.from_numpy(frame.color.copy()), torch.from_numpy(frame.depth.astype(np.int32)), unit


def run(graph: DeployedGraph, frame: RgbdFrame) -> tuple[np.ndarray, np.ndarray]:
    with torch.inference_mode():
        labels, confidence = graph(*tensors(frame))
    return labels.numpy(), confidence.numpy()


def by_hand(network: DeResUNet, card: ModelCard, frame: RgbdFrame) -> np.ndarray:
    """Softmax probabilities (classes, H, W) at the camera's size, by numpy and OpenCV's resizing up to the network."""
    color = resize_color(frame.color, card.size).astype(np.float32) / 255
    color = (color - np.float32(card.color_mean)) / np.float32(card.color_std)
    metres = resize_nearest(frame.depth, card.size).astype(np.float32) * np.float32(frame.calibration.depth_unit_m)
    depth = (np.minimum(metres, card.depth_max_m) - card.depth_mean_m) / card.depth_std_m
    depth[metres == 0] = 0
    with torch.inference_mode():
        logits = network(torch.from_numpy(color).permute(2, 0, 1)[None], torch.from_numpy(depth)[None, None].float())
        planes = torch.softmax(logits[0] / card.temperature, dim=0).numpy()
    half = (frame.height // 2, frame.width // 2)
    if half > card.size:  # A small network: the logits are enlarged to half the camera's size before the softmax.
        scores = torch.nn.functional.interpolate(logits, half, mode="bilinear", align_corners=False)
        planes = torch.softmax(scores[0] / card.temperature, dim=0).numpy()
    return np.stack([resize_nearest(plane, (frame.height, frame.width)) for plane in planes])


@pytest.mark.parametrize(
    ("frame_size", "size"),
    [((96, 128), (96, 128)), ((192, 256), (96, 128)), ((100, 150), (80, 100)), ((300, 400), (80, 100))],
)
def test_graph_does_what_the_steps_by_hand_do(
    network: DeResUNet,
    card: ModelCard,
    make_frame: Callable[..., RgbdFrame],
    frame_size: tuple[int, int],
    size: tuple[int, int],
) -> None:
    card = replace(card, size=size, temperature=1.7)
    frame = make_frame(size=frame_size)
    labels, confidence = run(DeployedGraph(network, card, frame_size).eval(), frame)
    expected = by_hand(network, card, frame)
    assert labels.shape == confidence.shape == frame_size
    assert labels.dtype == confidence.dtype == np.uint8
    assert len(np.unique(labels)) > 1  # Else equality would say nothing.
    assert (labels == expected.argmax(axis=0) + 1).mean() > 0.99
    assert np.abs(confidence / 255 - expected.max(axis=0)).mean() < 0.01


def test_a_small_network_has_edges_as_fine_as_half_the_camera() -> None:
    """A straight, slanted edge that the network sees at an eighth of the camera's size."""
    rows, columns = torch.meshgrid(torch.arange(12.0), torch.arange(16.0), indexing="ij")
    towards_first = 2 * columns + rows - 20
    logits = torch.stack([towards_first, -towards_first])[None]
    labels, _ = Decision((12, 16), (96, 128))(logits)
    y, x = (torch.arange(n) / 8 - 0.4375 for n in (96, 128))
    truth = torch.where(2 * x[None] + y[:, None] - 20 > 0, 1, 2)
    blocky, _ = Decision((12, 16), (12, 16))(logits)
    blocky = blocky.repeat_interleave(8, 1).repeat_interleave(8, 2)
    assert (labels[0] != truth).sum() < 0.3 * (blocky[0] != truth).sum()


def test_depth_unit_is_part_of_the_input(
    network: DeResUNet, card: ModelCard, make_frame: Callable[..., RgbdFrame]
) -> None:
    graph = DeployedGraph(network, card, (96, 128)).eval()
    millimetres, fifths = make_frame(unit_m=0.001), make_frame(unit_m=0.0002)
    assert (run(graph, millimetres)[0] == run(graph, fifths)[0]).mean() > 0.99  # Only the rounding of counts differs.
    color, depth, _ = tensors(millimetres)
    with torch.inference_mode():
        prepared = graph.prepare(color[None], depth[None], torch.tensor(0.0005))
    assert torch.allclose(prepared.depth_m[0, 0], depth * 0.0005)


def test_holes_are_zero_and_far_depth_is_clipped(
    network: DeResUNet, card: ModelCard, make_frame: Callable[..., RgbdFrame]
) -> None:
    graph = DeployedGraph(network, card, (96, 128)).eval()
    depth = torch.tensor([0, 2290, 8000, 65535], dtype=torch.int32).repeat(96, 32)
    prepared = graph.prepare(torch.zeros(1, 96, 128, 3, dtype=torch.uint8), depth[None], torch.tensor(0.001))
    row = prepared.depth[0, 0, 0, :4].tolist()
    assert row == pytest.approx([0.0, 0.0, (8 - 2.29) / 1.11, (8 - 2.29) / 1.11], abs=1e-5)


def test_sixteen_bit_depth_is_read_unsigned(
    network: DeResUNet, card: ModelCard, make_frame: Callable[..., RgbdFrame]
) -> None:
    graph = DeployedGraph(network, card, (96, 128)).eval()
    color, depth, _ = tensors(make_frame(unit_m=0.0001))
    assert depth.max() > 2**15
    unit = torch.tensor(0.0001)
    with torch.inference_mode():
        assert torch.equal(graph(color, depth, unit)[0], graph(color, depth.to(torch.uint16), unit)[0])


def test_temperature_moves_confidence_and_no_label(
    network: DeResUNet, card: ModelCard, make_frame: Callable[..., RgbdFrame]
) -> None:
    frame = make_frame()
    labels, sure = run(DeployedGraph(network, card, (96, 128)), frame)
    same, unsure = run(DeployedGraph(network, replace(card, temperature=4.0), (96, 128)), frame)
    assert np.array_equal(labels, same)
    assert unsure.mean() < sure.mean()


def test_a_batch_is_its_frames(network: DeResUNet, card: ModelCard, make_frame: Callable[..., RgbdFrame]) -> None:
    graph = DeployedGraph(network, card, (96, 128)).eval()
    inputs = [tensors(make_frame(seed)) for seed in (1, 2)]
    color, depth = (torch.stack([one[i] for one in inputs]) for i in (0, 1))
    with torch.inference_mode():
        labels, _ = graph.segment(color, depth, inputs[0][2])
        assert (labels[0] == graph(*inputs[0])[0]).float().mean() > 0.999
        assert (labels[1] == graph(*inputs[1])[0]).float().mean() > 0.999


def test_graph_can_be_exported_with_fixed_shapes(
    network: DeResUNet, card: ModelCard, make_frame: Callable[..., RgbdFrame]
) -> None:
    frame = make_frame(size=(120, 160))
    graph = DeployedGraph(network, card, (120, 160)).eval()
    exported = torch.export.export(graph, tensors(frame)).module()
    with torch.inference_mode():
        expected, got = graph(*tensors(frame)), exported(*tensors(frame))
    assert torch.equal(expected[0], got[0])
    assert torch.equal(expected[1], got[1])


def test_its_parts_are_the_whole(network: DeResUNet, card: ModelCard, make_frame: Callable[..., RgbdFrame]) -> None:
    frame = make_frame(size=(120, 160))
    graph = DeployedGraph(network, replace(card, temperature=1.7), (120, 160)).eval()
    with torch.inference_mode():
        logits, color, depth_m = ScoringGraph(graph)(*tensors(frame))
        assert torch.equal(graph.decide(logits)[1][0], graph(*tensors(frame))[1])
    assert (color.shape, depth_m.shape) == ((1, 3, 96, 128), (1, 1, 96, 128))
