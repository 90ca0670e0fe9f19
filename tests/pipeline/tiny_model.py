"""A small network with random weights in a model file, for tests that need a real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from rgbd_seg.labels import LabelSet
from rgbd_seg.models.card import ModelCard
from rgbd_seg.models.deresunet import DeResUNet, DeResUNetConfig
from rgbd_seg.models.model_file import save_model

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ("wall", "floor", "night_stand")


def write_tiny_model(path: Path, seed: int = 3) -> Path:
    """Writes a model file for 32x32 pictures and returns its path."""
    torch.manual_seed(seed)
    config = DeResUNetConfig(len(CLASSES), "resnet18", base_width=8, decoder_widths=(16, 16, 8, 8, 8), tail_width=4)
    label_set = LabelSet.from_dict({"name": "three", "classes": list(CLASSES)})
    save_model(path, DeResUNet(config).eval(), ModelCard("tiny", config, label_set, (32, 32)))
    return path
