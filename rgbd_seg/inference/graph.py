"""The deployed graph: camera bytes in, labels and confidence out, with everything in between inside.

It has three parts, preparation, network and decision, so that a back end may also run them one after the other. Every
back end and every exported file is made from this module, so that none of them normalises, resizes, pads or
decides in a way of its own. Shapes are fixed when it is built: it is cheap, and fixed shapes are what compilers want.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from rgbd_seg.inference.resize import Size, decision_size, nearest_index_tensors, resize_color_tensor
from rgbd_seg.models.card import ModelCard
from rgbd_seg.models.deresunet import DeResUNet


class NetworkInput(NamedTuple):
    """A frame as the network sees it.

    Attributes:
        color: (N, 3, h, w) float32, normalised.
        depth: (N, 1, h, w) float32, normalised, 0 at holes.
        depth_m: (N, 1, h, w) float32 metres, 0 at holes.
    """

    color: Tensor
    depth: Tensor
    depth_m: Tensor


class Preparation(nn.Module):
    """Camera bytes to what the network takes: resized and normalised.

    Args:
        card: The network's card.
        frame_size: Height and width of the camera's frames.
        size: Height and width at which the network runs.
    """

    color_scale: Tensor
    color_shift: Tensor
    rows: Tensor
    columns: Tensor

    def __init__(self, card: ModelCard, frame_size: Size, size: Size) -> None:
        super().__init__()
        self.frame_size, self.size = frame_size, size
        mean, std = torch.tensor(card.color_mean), torch.tensor(card.color_std)
        self.register_buffer("color_scale", (1 / (255 * std)).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("color_shift", (-mean / std).reshape(1, 3, 1, 1), persistent=False)
        rows, columns = nearest_index_tensors(frame_size, size)
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("columns", columns, persistent=False)
        self.depth_mean_m, self.depth_std_m, self.depth_max_m = card.depth_mean_m, card.depth_std_m, card.depth_max_m

    def forward(self, color: Tensor, depth: Tensor, depth_unit_m: Tensor) -> NetworkInput:
        """Prepares N frames of one camera.

        Args:
            color: (N, H, W, 3) uint8 RGB.
            depth: (N, H, W) int32 or uint16 counts, 0 at holes (some exporters know no uint16).
            depth_unit_m: () float32, metres per count.
        """
        picture = color.permute(0, 3, 1, 2).to(torch.float32)
        picture = resize_color_tensor(picture, self.frame_size, self.size) * self.color_scale + self.color_shift
        counts = depth.to(torch.float32).unsqueeze(1)
        if self.size != self.frame_size:
            counts = counts[..., self.rows, self.columns]
        depth_m = (counts * depth_unit_m).clamp(max=self.depth_max_m)
        normalised = (depth_m - self.depth_mean_m) / self.depth_std_m
        return NetworkInput(picture, torch.where(depth_m > 0, normalised, 0.0), depth_m)


class Decision(nn.Module):
    """Logits at the network's size to labels and confidence at the camera's.

    Where the network runs at less than half the camera's size, the logits are enlarged to that half bilinearly, which
    is what training compares with its labels; the decision falls there, and its two bytes a pixel go on to the
    camera's size by the nearest pixel. Enlarging the float maps all the way takes longer and gains next to nothing
    (docs/inference.md has figures).

    Args:
        size: Height and width at which the network runs.
        frame_size: Height and width of the camera's frames.
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, size: Size, frame_size: Size) -> None:
        super().__init__()
        self.size, self.frame_size, self.decided_at = size, frame_size, decision_size(size, frame_size)
        rows, columns = nearest_index_tensors(self.decided_at, frame_size)
        self.register_buffer("rows", rows[:, 0], persistent=False)
        self.register_buffer("columns", columns, persistent=False)

    def forward(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Decides for N pictures.

        Args:
            logits: (N, classes, h, w) float32, already divided by the temperature.

        Returns:
            Labels (N, H, W) uint8, ids from 1, and confidence (N, H, W) uint8, the softmax probability of the label's
            class, 255 = certain.
        """
        if self.decided_at != self.size:
            logits = functional.interpolate(logits, self.decided_at, mode="bilinear", align_corners=False)
        confidence, channel = torch.softmax(logits, dim=1).max(dim=1)
        return self._enlarge((channel + 1).to(torch.uint8)), self._enlarge(
            torch.round(confidence * 255).to(torch.uint8)
        )

    def _enlarge(self, bytes_map: Tensor) -> Tensor:
        if self.decided_at == self.frame_size:
            return bytes_map
        return bytes_map.index_select(1, self.rows).index_select(2, self.columns)


class DeployedGraph(nn.Module):
    """Preparation, the network and the decision in one.

    Args:
        network: The loaded network, in evaluation mode; it is used, not copied.
        card: Its card.
        frame_size: Height and width of the camera's frames.
        size: Height and width at which the network runs; None for the card's.
    """

    def __init__(self, network: DeResUNet, card: ModelCard, frame_size: Size, size: Size | None = None) -> None:
        super().__init__()
        self.network = network
        self.frame_size = frame_size
        self.size = size or card.size
        self.dtype = next(network.parameters()).dtype  # The network's arithmetic; all around it is float32.
        self.prepare = Preparation(card, frame_size, self.size)
        self.decide = Decision(self.size, frame_size)
        self.temperature = card.temperature

    def logits(self, prepared: NetworkInput) -> Tensor:
        """(N, classes, h, w) float32 from the network, at its own size."""
        output: Tensor = self.network(prepared.color.to(self.dtype), prepared.depth.to(self.dtype))
        return output.to(torch.float32)

    def calibrated(self, logits: Tensor) -> Tensor:
        """The logits over the card's temperature, which makes their softmax honest.

        Guo et al., "On Calibration of Modern Neural Networks", 2017.
        """
        return logits / self.temperature

    def segment(self, color: Tensor, depth: Tensor, depth_unit_m: Tensor) -> tuple[Tensor, Tensor]:
        """The same as `forward` for N unrelated frames of one camera."""
        prepared = self.prepare(color, depth, depth_unit_m)
        labels, confidence = self.decide(self.calibrated(self.logits(prepared)))
        return labels, confidence

    def forward(self, color: Tensor, depth: Tensor, depth_unit_m: Tensor) -> tuple[Tensor, Tensor]:
        """Segments one frame.

        Args:
            color: (H, W, 3) uint8 RGB, H and W as given by `frame_size`.
            depth: (H, W) int32 or uint16 counts, 0 at holes.
            depth_unit_m: () float32, metres per count.

        Returns:
            Labels (H, W) uint8, ids from 1; confidence (H, W) uint8, 255 = certain.
        """
        labels, confidence = self.segment(color.unsqueeze(0), depth.unsqueeze(0), depth_unit_m)
        return labels[0], confidence[0]


class ScoringGraph(nn.Module):
    """The first part of a deployed graph: a frame to logits, and to what smoothing compares between frames."""

    def __init__(self, graph: DeployedGraph) -> None:
        super().__init__()
        self.deployed = graph  # Not "graph": torch.export gives its result an attribute of that name.

    def forward(self, color: Tensor, depth: Tensor, depth_unit_m: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Scores one frame; the arguments are those of `DeployedGraph.forward`.

        Returns:
            Logits (1, classes, h, w) float32 over the temperature; normalised colour (1, 3, h, w) float32; depth
            (1, 1, h, w) float32 metres, 0 at holes.
        """
        prepared = self.deployed.prepare(color.unsqueeze(0), depth.unsqueeze(0), depth_unit_m)
        return self.deployed.calibrated(self.deployed.logits(prepared)), prepared.color, prepared.depth_m


class PlainDecision(nn.Module):
    """The second part: what `ScoringGraph` says of one frame to its labels."""

    def __init__(self, decide: Decision) -> None:
        super().__init__()
        self.decide = decide

    def example_inputs(self, classes: int) -> tuple[Tensor, ...]:
        """Inputs of the right shapes, for exporters."""
        return (torch.zeros(1, classes, *self.decide.size),)

    def forward(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """(1, classes, h, w) float32 to labels (H, W) uint8 and confidence (H, W) uint8."""
        labels, confidence = self.decide(logits)
        return labels[0], confidence[0]
