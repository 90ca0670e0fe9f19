"""A small network with random weights, and frames for it."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.labels import LabelSet
from rgbd_seg.models.card import ModelCard
from rgbd_seg.models.deresunet import DeResUNet, DeResUNetConfig, Fusion

CLASSES = ("wall", "floor", "chair", "table", "lamp")


@cache
def random_network(seed: int = 0, fusion: Fusion = "dual") -> DeResUNet:
    """A tiny network whose labels depend on its input: its last layer is scaled up so that no class wins everywhere."""
    torch.manual_seed(seed)
    network = DeResUNet(
        DeResUNetConfig(len(CLASSES), "resnet18", fusion, 8, decoder_widths=(32, 16, 16, 8, 8), tail_width=4)
    )
    with torch.no_grad():  # Training mode once: running statistics that fit such inputs.
        for _ in range(20):
            network(torch.randn(2, 3, 64, 96), torch.randn(2, 1, 64, 96))
        network.classify.weight *= 3
    return network.eval()


def card_for(network: DeResUNet, **fields: object) -> ModelCard:
    """A card without a word about any training."""
    label_set = LabelSet.from_dict({"name": "five", "classes": list(CLASSES)})
    return ModelCard("tiny", network.config, label_set, **({"size": (96, 128)} | fields))  # type: ignore[arg-type]


def smooth_noise(rng: np.random.Generator, height: int, width: int, low: float, high: float) -> np.ndarray:
    """A random picture with structure at the scale of an eighth of its size."""
    coarse = torch.from_numpy(rng.uniform(low, high, (1, 1, max(height // 8, 1), max(width // 8, 1))))
    fine = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear", align_corners=False)
    return fine[0, 0].numpy()


def make_frame(seed: int = 0, size: tuple[int, int] = (96, 128), unit_m: float = 0.001, index: int = 0) -> RgbdFrame:
    """Colours and distances with structure, and a hole in depth."""
    rng = np.random.default_rng(seed)
    color = np.stack([smooth_noise(rng, *size, 0, 255) for _ in range(3)], axis=-1).astype(np.uint8)
    depth = (smooth_noise(rng, *size, 0.5, 4.0) / unit_m).astype(np.uint16)
    depth[: size[0] // 8, : size[1] // 8] = 0  # A hole.
    intrinsics = Intrinsics(size[1], size[0], 100.0, 100.0, size[1] / 2, size[0] / 2)
    return RgbdFrame(color, depth, Calibration(intrinsics, unit_m), index, host_ns=index * 33_000_000)
