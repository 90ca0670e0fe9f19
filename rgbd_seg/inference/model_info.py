"""What people are told about a loaded model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rgbd_seg.inference.segmenter import SegmenterInfo

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
