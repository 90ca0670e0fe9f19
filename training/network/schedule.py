"""Optimisers and how their learning rate goes over a run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import lightning
import torch
from lightning.pytorch.callbacks import Timer
from torch import nn

from rgbd_seg.errors import ConfigurationError


@dataclass(frozen=True)  # Not slotted: the command line reads the defaults out of its __dict__.
class OptimizerOptions:
    """Optimiser and schedule.

    Attributes:
        name: "adam" or "adamw".
        learning_rate: At its highest.
        encoder_factor: Multiplies the rate of the encoders (0.1 where they come from ImageNet).
        weight_decay: None of it falls on normalisation layers and biases.
        schedule: "constant"; "plateau" (a tenth whenever the validation loss stays); "cosine" or "poly" down to 0 at
            the end of the run, whichever of its limits (steps, epochs, time) it reaches first.
        warmup: Share of the run in which the rate rises from 0, for "cosine" and "poly".
        patience: Epochs that "plateau" waits.
    """

    name: Literal["adam", "adamw"] = "adam"
    learning_rate: float = 1e-4
    encoder_factor: float = 1.0
    weight_decay: float = 0.0
    schedule: Literal["constant", "plateau", "cosine", "poly"] = "plateau"
    warmup: float = 0.02
    patience: int = 5

    def __post_init__(self) -> None:
        if not 0 < self.learning_rate < 10:
            raise ConfigurationError(f"learning_rate must be above 0 and below 10, not {self.learning_rate}")
        if not 0 <= self.warmup < 1:
            raise ConfigurationError(f"warmup must be a share 0..1 of the run, not {self.warmup}")


def build_optimizer(module: nn.Module, options: OptimizerOptions) -> torch.optim.Optimizer:
    """An optimiser over all parameters that want a gradient, in groups by rate and decay."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            rate = options.learning_rate * (options.encoder_factor if ".encoder." in f".{name}" else 1.0)
            decay = options.weight_decay if parameter.dim() > 1 else 0.0
            groups.setdefault((rate, decay), []).append(parameter)
    rows: list[dict[str, Any]] = [
        {"params": parameters, "lr": rate, "weight_decay": decay} for (rate, decay), parameters in groups.items()
    ]
    kind = torch.optim.Adam if options.name == "adam" else torch.optim.AdamW
    return kind(rows, lr=options.learning_rate)


def rate_at(progress: float, options: OptimizerOptions) -> float:
    """Factor of the learning rate.

    Args:
        progress: Share of the run that lies behind, 0..1.
        options: The schedule: "cosine" is (1 + cos(pi p)) / 2, "poly" (1 - p)^0.9.
    """
    if progress < options.warmup:
        return max(progress / options.warmup, 1e-3)
    left = (1 - progress) / (1 - options.warmup)
    factor = left**0.9 if options.schedule == "poly" else (1 + math.cos(math.pi * (1 - left))) / 2
    return max(factor, 1e-3)


def training_progress(trainer: lightning.Trainer) -> float:
    """Share of a run that lies behind: of its steps or of its time, whichever is more."""
    total = trainer.estimated_stepping_batches
    shares = [trainer.global_step / total] if total and math.isfinite(total) else [0.0]
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, Timer) and callback.time_remaining() is not None:
            elapsed, remaining = callback.time_elapsed(), callback.time_remaining() or 0.0
            shares.append(elapsed / max(1e-9, elapsed + remaining))
    return min(1.0, max(shares))
