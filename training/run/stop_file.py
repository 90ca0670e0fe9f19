"""Ending a run from outside, with its last weights scored and kept: a file named `stop` in its directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning

from rgbd_seg.training_files import STOP_FILE


class StopFile(lightning.Callback):
    """Ends the run after the step during which the file `stop` appears in its directory.

    Attributes:
        found: Whether the file has ended the run.

    The run then validates and writes its checkpoints as at the end of an epoch. A run that is started again in the same
    directory removes the file first.
    """

    def __init__(self) -> None:
        """Looks for nothing yet."""
        self._file: Path | None = None
        self.found = False

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Finds out where the file would be."""
        log_dir = trainer.log_dir  # All processes must ask: it is sent from the first to the others.
        self._file = Path(log_dir) / STOP_FILE if log_dir is not None else None

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Looks for the file."""
        wanted = self._file is not None and self._file.exists()
        if trainer.strategy.reduce_boolean_decision(wanted, all=False):
            self.found = trainer.should_stop = True
