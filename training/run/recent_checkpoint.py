"""The checkpoint of a while ago, written in mid-epoch too, so that a killed run loses minutes and not an epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import ModelCheckpoint

from rgbd_seg.training_files import CONFIG_FILE
from training.run.ending import short_path
from training.run.stop_signals import Stopped, StopSignals


class RecentCheckpoint(ModelCheckpoint):
    """Writes every so many steps, but never between a step and the validation or the end of the epoch that follow it.

    From there Lightning would go on with the next epoch and leave both out. What is due then is written after them.
    Ctrl-C and SIGTERM make it due at once, and end the run when it is written.
    """

    _is_due = False
    _signals: StopSignals | None = None

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        super().on_train_start(trainer, pl_module)
        self._signals = StopSignals()
        self._signals.listen()

    def teardown(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        self._close()

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        self._close()
        super().on_exception(trainer, pl_module, exception)

    def _close(self) -> None:
        if self._signals is not None:
            self._signals.close()

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
        is_stopping = self._is_stopping(trainer)
        if not loop.batch_progress.is_last_batch and not loop._should_check_val_fx(fetcher):  # noqa: SLF001
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
            if is_stopping:
                self._is_due = True
                self._write(trainer)
        elif is_stopping or trainer.global_step % max(1, self._every_n_train_steps) == 0:
            self._is_due = True

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Writes what was due before a validation in mid-epoch."""
        if not trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            self._write(trainer)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Writes what was due at the last step of the epoch."""
        self._write(trainer)

    def _is_stopping(self, trainer: lightning.Trainer) -> bool:
        """Whether a signal has come, to any of the processes."""
        received = self._signals is not None and self._signals.received > 0
        return trainer.strategy.reduce_boolean_decision(received, all=False)

    def _write(self, trainer: lightning.Trainer) -> None:
        is_stopping = self._is_stopping(trainer)
        if (self._is_due or is_stopping) and not self._should_skip_saving_checkpoint(trainer):
            self._save_topk_checkpoint(trainer, self._monitor_candidates(trainer))
        self._is_due = False
        if is_stopping:
            signals = self._signals if self._signals is not None else StopSignals()
            name = signals.name if signals.received else "a signal to another process"
            raise Stopped(
                signals.received or 15,
                f"{name} ended the run after step {trainer.global_step}. {go_on_with(self.best_model_path)}",
            )


def go_on_with(checkpoint: str | Path) -> str:
    """The command that goes on from a checkpoint of a run, in a sentence."""
    if not checkpoint:
        return "There is no checkpoint yet: start it again"
    shown = short_path(checkpoint)
    config = shown.parent.parent / CONFIG_FILE
    return f"Go on with: python -m training fit --config {config} --ckpt_path {shown}"
