"""The deployed graph: camera bytes in, labels and confidence out, with everything in between inside.

Every back end and every exported file is made from this module, so that none of them normalises, resizes, pads or
decides in a way of its own. Shapes are fixed when it is built: it is cheap, and fixed shapes are what compilers want.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn

from rgbd_seg.inference.resize import Size, nearest_index_tensors, resize_color_tensor

if TYPE_CHECKING:
    from torch import Tensor

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


class DeployedGraph(nn.Module):
    """Normalisation, resizing, padding, the network, cropping, resizing back, argmax and confidence.

    Args:
        network: The loaded network, in evaluation mode; it is used, not copied.
        card: Its card.
        frame_size: Height and width of the camera's frames.
        size: Height and width at which the network runs; None for the card's.
    """

    color_scale: Tensor
    color_shift: Tensor
    rows: Tensor
    columns: Tensor
    frame_rows: Tensor
    frame_columns: Tensor

    def __init__(self, network: DeResUNet, card: ModelCard, frame_size: Size, size: Size | None = None) -> None:
        super().__init__()
        self.network = network
        self.frame_size = frame_size
        self.size = size or card.size
        self.dtype = next(network.parameters()).dtype  # The network's arithmetic; all around it is float32.
        mean, std = torch.tensor(card.color_mean), torch.tensor(card.color_std)
        self.register_buffer("color_scale", (1 / (255 * std)).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("color_shift", (-mean / std).reshape(1, 3, 1, 1), persistent=False)
        rows, columns = nearest_index_tensors(frame_size, self.size)
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("columns", columns, persistent=False)
        frame_rows, frame_columns = nearest_index_tensors(self.size, frame_size)
        self.register_buffer("frame_rows", frame_rows[:, 0], persistent=False)
        self.register_buffer("frame_columns", frame_columns, persistent=False)
        self.depth_mean_m, self.depth_std_m, self.depth_max_m = card.depth_mean_m, card.depth_std_m, card.depth_max_m
        self.temperature = card.temperature

    def prepare(self, color: Tensor, depth: Tensor, depth_unit_m: Tensor) -> NetworkInput:
        """Camera bytes to the network's input.

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

    def logits(self, prepared: NetworkInput) -> Tensor:
        """(N, classes, h, w) float32 from the network, at its own size."""
        output: Tensor = self.network(prepared.color.to(self.dtype), prepared.depth.to(self.dtype))
        return output.to(torch.float32)

    def decide(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Logits at the network's size to labels and confidence at the camera's, (N, H, W) uint8 each.

        The confidence is the softmax probability of the label's class. The decision falls at the network's size, and
        its two bytes a pixel go to the camera's: enlarging 37 float maps from 240x320 to 480x640 first took three
        times as long in all (92 for 28 ms with OpenVINO, 262 for 84 ms with PyTorch, on two cores of an AMD EPYC),
        more than a small network itself.

        Args:
            logits: (N, classes, h, w) float32, already divided by the temperature.
        """
        confidence, channel = torch.softmax(logits, dim=1).max(dim=1)
        return self._enlarge((channel + 1).to(torch.uint8)), self._enlarge(
            torch.round(confidence * 255).to(torch.uint8)
        )

    def _enlarge(self, bytes_map: Tensor) -> Tensor:
        if self.size == self.frame_size:
            return bytes_map
        return bytes_map.index_select(1, self.frame_rows).index_select(2, self.frame_columns)

    def segment(self, color: Tensor, depth: Tensor, depth_unit_m: Tensor) -> tuple[Tensor, Tensor]:
        """The same as `forward` for N unrelated frames of one camera."""
        # The temperature calibrates the softmax: Guo et al., "On Calibration of Modern Neural Networks", 2017.
        logits = self.logits(self.prepare(color, depth, depth_unit_m)) / self.temperature
        return self.decide(logits)

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
