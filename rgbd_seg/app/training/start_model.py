"""The model that a training run starts from, as far as its card tells. Neither Qt nor PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rgbd_seg.models.model_header import read_card


@dataclass(frozen=True, slots=True)
class StartModel:
    """What the new model takes over.

    Attributes:
        path: The model file.
        name: What people call it.
        network: Settings of its network, by the names that `training` gives them.
        classes: Its class names by id.
        size: Its input (height, width).
        depth: Mean, deviation and limit of the depth that it expects, in metres.
        trained_on: Its training data in words.
        licence: Terms of use of its weights.
    """

    path: Path
    name: str
    network: dict[str, Any]
    classes: tuple[str, ...]
    size: tuple[int, int]
    depth: tuple[float, float, float]
    trained_on: str
    licence: str


def read_start_model(path: Path) -> StartModel:
    """Reads the card of a model file.

    Raises:
        ModelError: It is no model file.
    """
    card = read_card(path)
    network = {
        "encoder": card.network.encoder,
        "fusion": card.network.fusion,
        "base_width": card.network.base_width,
        "decoder_widths": list(card.network.decoder_widths),
        "tail_width": card.network.tail_width,
    }
    depth = (card.depth_mean_m, card.depth_std_m, card.depth_max_m)
    return StartModel(path, card.name, network, card.label_set.names, card.size, depth, card.trained_on, card.licence)
