"""One of our own model files before it is loaded, and what people are told about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rgbd_seg.inference.segmenter import SegmenterInfo
from rgbd_seg.models.model_header import count_parameters, read_card

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.inference.resize import Size
    from rgbd_seg.models.card import ModelCard

NOTHING = "random weights"  # What a model without a word about its training was trained on.


def describe(
    path: Path,
    card: ModelCard,
    parameters: int,
    backend: str,
    device: str,
    precision: str,
    size: Size,
    reason: str,
) -> SegmenterInfo:
    """The info of a segmenter for one of our own model files."""
    details = {
        "network": f"DeResUNet, {card.network.encoder}, {card.network.fusion}",
        "parameters": f"{parameters:,}",
        "classes": f"{card.label_set.name} ({len(card.label_set)})",
    }
    details |= {name: f"{value:.4g}" for name, value in card.scores.items()}
    if card.licence:
        details["licence"] = card.licence
    details |= card.details
    return SegmenterInfo(
        card.name, str(path), card.trained_on or NOTHING, backend, device, precision, size, reason, details=details
    )


class OwnModelFile:
    """A model file at a network size; each back end adds how it makes its graphs of it.

    Args:
        path: The file.
        size: Height and width at which the network runs; None for the card's.

    Raises:
        ModelError: The file cannot be used.
    """

    def __init__(self, path: Path, size: Size | None) -> None:
        self._path, self._card = path, read_card(path)
        self._size = size or self._card.size
        self.label_set = self._card.label_set

    def describe(self, backend: str, device: str, precision: str, reason: str) -> SegmenterInfo:
        parameters = count_parameters(self._path)
        return describe(self._path, self._card, parameters, backend, device, precision, self._size, reason)
