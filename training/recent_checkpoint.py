"""The checkpoint of a while ago, written in mid-epoch too, so that a killed run loses minutes and not an epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lightning.pytorch.callbacks import ModelCheckpoint

if TYPE_CHECKING:
    import lightning


class RecentCheckpoint(ModelCheckpoint):
    """Writes every so many steps, but never between a step and the validation or the end of the epoch that follow it.

    From there Lightning would go on with the next epoch and leave both out. What is due then is written after them.
    """

    _is_due = False

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Writes, or notes that it has to."""
        loop, fetcher = trainer.fit_loop.epoch_loop, trainer.fit_loop._data_fetcher  # noqa: SLF001 (who else knows)
        assert fetcher is not None
        if not loop.batch_progress.is_last_batch and not loop._should_check_val_fx(fetcher):  # noqa: SLF001
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
        elif trainer.global_step % max(1, self._every_n_train_steps) == 0:
            self._is_due = True

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Writes what was due before a validation in mid-epoch."""
        if not trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            self._write(trainer)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Writes what was due at the last step of the epoch."""
        self._write(trainer)

    def _write(self, trainer: lightning.Trainer) -> None:
        if self._is_due and not self._should_skip_saving_checkpoint(trainer):
            self._save_topk_checkpoint(trainer, self._monitor_candidates(trainer))
            self._is_due = False
