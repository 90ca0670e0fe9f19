"""`metrics.jsonl` in a run's directory: how the run goes, line by line, for programs that watch it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import ModelCheckpoint

from rgbd_seg.training_files import LAST, METRICS_FILE
from training.network.schedule import training_progress

_IOU = "iou/"


class MetricsFile(lightning.Callback):
    """Appends one JSON object a line, each written at once.

    Every line has `event`, `time` (seconds since 1970), `epoch` (from 0), `step` (optimiser steps done), `total_steps`
    (null where only time limits the run) and `progress` (share of the run that is done, 0..1). The events:

    - `start`: the run begins, or goes on in its own directory, which appends to the file; `held_out` names the pictures
      that were cut out of the folder for validation.
    - `train`: every `trainer.log_every_n_steps` steps, with `train_loss` and `learning_rate`.
    - `validation`: with `val_loss`, `val_miou`, `val_pixel_accuracy`, `val_mean_accuracy`, and `iou` by class name;
      where weights are averaged also `val_miou_averaged`, `val_miou_plain`, and in `weights` which of both the others
      are of ("averaged" or "plain").
    - `end`: the run is complete; `best` and `last` are its checkpoints.
    - `error`: it stopped before; `message` says why.

    A figure that is no number is null.
    """

    def __init__(self) -> None:
        self._path: Path | None = None

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        log_dir = trainer.log_dir  # All processes must ask: it is sent from the first to the others.
        if log_dir is not None and trainer.is_global_zero:
            self._path = Path(log_dir) / METRICS_FILE
        data = getattr(trainer, "datamodule", None)
        self._write(trainer, "start", {"held_out": getattr(data, "held_out", [])})

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Writes `train` at the steps that are logged."""
        if trainer.global_step % max(1, trainer.log_every_n_steps) == 0:  # type: ignore[attr-defined]
            loss = trainer.callback_metrics["train/loss"]
            rate = trainer.optimizers[0].param_groups[0]["lr"]
            self._write(trainer, "train", {"train_loss": float(loss), "learning_rate": rate})

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Writes `validation`, but not for the batches that Lightning tries before training."""
        if trainer.sanity_checking:
            return
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        figures: dict[str, Any] = {
            name.replace("/", "_"): value for name, value in metrics.items() if name.startswith("val/")
        }
        figures["weights"] = getattr(pl_module, "kept_weights", "") or None
        figures["iou"] = {name.removeprefix(_IOU): value for name, value in metrics.items() if name.startswith(_IOU)}
        self._write(trainer, "validation", figures)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        kept = [c for c in trainer.checkpoint_callbacks if isinstance(c, ModelCheckpoint)]
        best = next((c.best_model_path for c in kept if c.monitor is not None), "")
        last = next((c.best_model_path for c in kept if c.filename == LAST), "")
        paths = {"best": best, "last": last}
        self._write(trainer, "end", paths)

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        self._write(trainer, "error", {"message": str(exception) or type(exception).__name__})

    def _write(self, trainer: lightning.Trainer, event: str, figures: Mapping[str, Any]) -> None:
        if self._path is None:
            return
        total = trainer.estimated_stepping_batches
        row = {
            "event": event,
            "time": time.time(),
            "epoch": trainer.current_epoch,
            "step": trainer.global_step,
            "total_steps": int(total) if 0 < total < math.inf else None,
            "progress": training_progress(trainer),
            **figures,
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(_without_nan(row)) + "\n")


def _without_nan(value: Any) -> Any:
    # JSON has no word for what is no number.
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
