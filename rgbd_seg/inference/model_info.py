"""What people are told about a loaded model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rgbd_seg.inference.segmenter import SegmenterInfo

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.inference.resize import Size
    from rgbd_seg.models.card import ModelCard
    from rgbd_seg.models.deresunet import DeResUNet

NOTHING = "random weights"  # What a model without a word about its training was trained on.


def describe(
    path: Path,
    network: DeResUNet,
    card: ModelCard,
    backend: str,
    device: str,
    precision: str,
    size: Size,
    reason: str,
) -> SegmenterInfo:
    """The info of a segmenter for one of our own model files."""
    details = {
        "network": f"DeResUNet, {card.network.encoder}, {card.network.fusion}",
        "parameters": f"{sum(p.numel() for p in network.parameters()):,}",
        "classes": f"{card.label_set.name} ({len(card.label_set)})",
    }
    details |= {name: f"{value:.4g}" for name, value in card.scores.items()}
    if card.licence:
        details["licence"] = card.licence
    details |= card.details
    return SegmenterInfo(
        card.name, str(path), card.trained_on or NOTHING, backend, device, precision, size, reason, details=details
    )
