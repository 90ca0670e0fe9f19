"""Weight averages that are fair to short runs: warmed up, and kept where they score better than the plain weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

import torch
from lightning.pytorch import callbacks

from rgbd_seg.errors import ConfigurationError

if TYPE_CHECKING:
    import lightning
    from torch import Tensor

    from training.network.module import SegmentationModule

Kept = Literal["averaged", "plain"]
_PLAIN_IS_KEPT = "average_model_state"  # Where a checkpoint has the averages if its `state_dict` has the plain weights.


class WeightAveraging(callbacks.WeightAveraging):
    """Exponential moving averages of weights and batch statistics, one update a step.

    The n-th update keeps min(decay, (1 + n) / (10 + n)) of the average: without that the weights of the start are in it
    for some 1 / (1 - decay) steps, which short runs never leave behind.

    Each validation scores both the averaged weights and the plain ones. The better ones are what the run reports and
    what its checkpoints hold as the network; the others are stored beside them, so that a run goes on exactly.
    """

    def __init__(self, decay: float = 0.999, compare: bool = True) -> None:
        """Takes the settings.

        Args:
            decay: Share of the average that a step keeps, once warmed up.
            compare: False scores and keeps the averaged weights alone, in half the time of validation.

        Raises:
            ConfigurationError: The share is outside 0..1.
        """
        if not 0 <= decay < 1:
            raise ConfigurationError(f"the decay of weight averaging must be from 0 to below 1, not {decay}")
        super().__init__(multi_avg_fn=lambda averaged, plain, n: _average(averaged, plain, _warm(decay, int(n))))
        self._compare = compare
        self.kept: Kept = "averaged"

    def setup(self, trainer: lightning.Trainer, pl_module: SegmentationModule, stage: str) -> None:  # type: ignore[override]
        """Copies the network when a fit begins."""
        super().setup(trainer, pl_module, stage)
        if stage == "fit":
            pl_module.kept_weights = self.kept

    @property
    def _other(self) -> SegmentationModule:
        """The copy of the network, which has the plain weights while the averaged ones are validated."""
        assert self._average_model is not None
        return cast("SegmentationModule", self._average_model.module)

    def _compares(self, trainer: lightning.Trainer) -> bool:
        return self._compare and self._average_model is not None and not trainer.sanity_checking

    def on_validation_epoch_start(self, trainer: lightning.Trainer, pl_module: SegmentationModule) -> None:  # type: ignore[override]
        """Puts the averages into the network."""
        super().on_validation_epoch_start(trainer, pl_module)
        if self._compares(trainer):
            self._other.eval()
            self._other.scoring.reset()

    def on_validation_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Scores the plain weights on the batch that the averaged ones have had."""
        if self._compares(trainer):
            with torch.inference_mode(), trainer.precision_plugin.val_step_context():
                self._other.score(batch)

    def on_validation_epoch_end(self, trainer: lightning.Trainer, pl_module: SegmentationModule) -> None:  # type: ignore[override]
        """Chooses, before the network reports its scores, and gives the plain weights back."""
        if self._compares(trainer):
            averaged, plain = pl_module.scoring.scores().miou, self._other.scoring.scores().miou
            self.kept = "plain" if plain > averaged else "averaged"
            if self.kept == "plain":
                pl_module.scoring, self._other.scoring = self._other.scoring, pl_module.scoring
            pl_module.kept_weights = self.kept
            pl_module.log_dict({"val/miou_averaged": averaged, "val/miou_plain": plain}, sync_dist=True)
        super().on_validation_epoch_end(trainer, pl_module)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Leaves the kept weights in the network."""
        if self.kept == "averaged":
            super().on_train_end(trainer, pl_module)

    def on_save_checkpoint(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Makes the kept weights those of the checkpoint, and stores the others beside them."""
        super().on_save_checkpoint(trainer, pl_module, checkpoint)
        if self.kept == "plain" and "current_model_state" in checkpoint:
            checkpoint[_PLAIN_IS_KEPT] = checkpoint["state_dict"]
            checkpoint["state_dict"] = checkpoint.pop("current_model_state")

    def on_load_checkpoint(
        self,
        trainer: lightning.Trainer,
        pl_module: SegmentationModule,  # type: ignore[override]
        checkpoint: dict[str, Any],
    ) -> None:
        """Sorts them apart again."""
        self.kept = "plain" if _PLAIN_IS_KEPT in checkpoint else "averaged"
        if self.kept == "plain":
            checkpoint = checkpoint | {
                "state_dict": checkpoint[_PLAIN_IS_KEPT],
                "current_model_state": checkpoint["state_dict"],
            }
        super().on_load_checkpoint(trainer, pl_module, checkpoint)
        pl_module.kept_weights = self.kept


def _warm(decay: float, updates: int) -> float:
    return min(decay, (1 + updates) / (10 + updates))


@torch.no_grad()
def _average(averaged: list[Tensor], plain: list[Tensor], decay: float) -> None:
    if averaged[0].is_floating_point():
        torch._foreach_lerp_(averaged, plain, 1 - decay)
        return
    for old, new in zip(averaged, plain, strict=True):  # Counters, of which there is no mean.
        old.copy_(new)
