"""What every run does besides training: records itself, draws pictures, and stops with a sentence when it must."""

from __future__ import annotations

import json
import math
import platform
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_info

from rgbd_seg.errors import RgbdSegError
from rgbd_seg.version import __version__
from training.drawing import confusion_figure, sample_row

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

    from training.network.module import SegmentationModule

ABOUT_FILE = "about.json"
_PACKAGES = ("torch", "torchvision", "lightning", "torchmetrics", "albumentations", "numpy", "opencv-python-headless")


class RunRecord(lightning.Callback):
    """Writes `about.json` beside the run's `config.yaml`: versions, machine, git state, and where the weights began."""

    def setup(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        """Called once, before training."""
        log_dir = trainer.log_dir  # All processes must ask: it is sent from the first to the others.
        if stage != "fit" or not trainer.is_global_zero or log_dir is None:
            return
        rank_zero_info(f"Starts from {getattr(pl_module, 'initialised_by', '')}")
        folder = Path(log_dir)
        folder.mkdir(parents=True, exist_ok=True)
        about = {
            "program": __version__,
            "python": sys.version.split()[0],
            "machine": f"{platform.system()} {platform.machine()}, {torch.get_num_threads()} threads",
            "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
            "packages": {name: _version(name) for name in _PACKAGES},
            "git": _git_state(),
            "command": sys.argv,
            "initial_weights": getattr(pl_module, "initialised_by", ""),
        }
        (folder / ABOUT_FILE).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _git_state() -> str:
    """The commit of this checkout, with "+ changes" where files differ from it; "" outside a checkout."""
    folder, git = Path(__file__).parent, shutil.which("git")
    if git is None:
        return ""

    def said(*words: str) -> str:
        return subprocess.run([git, *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return said("rev-parse", "HEAD") + (" + changes" if said("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


class StopOnNaN(lightning.Callback):
    """Ends the run at the first loss that is no number, before it spoils weights, and names the batch."""

    def on_before_backward(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, loss: torch.Tensor
    ) -> None:
        """Looks at the loss of the step."""
        value = float(loss.detach())
        if math.isfinite(value):
            return
        batch = getattr(pl_module, "last_batch", {})
        checkpoints = [c.best_model_path for c in trainer.checkpoint_callbacks if isinstance(c, ModelCheckpoint)]
        written = [path for path in checkpoints if path]
        checkpoint = max(written, key=lambda path: Path(path).stat().st_mtime) if written else "none yet"
        raise RgbdSegError(
            f"the loss became {value} in epoch {trainer.current_epoch}, step {trainer.global_step}, on the batch "
            f"{', '.join(batch.get('names', ['unknown']))}. Look at these samples with the command show, or lower "
            f"model.optimizer.learning_rate. Last checkpoint: {checkpoint}"
        )


class Pictures(lightning.Callback):
    """Draws validation samples and the confusion matrix into TensorBoard."""

    def __init__(self, samples: int = 4) -> None:
        """Takes the settings.

        Args:
            samples: How many validation samples are drawn each time, always the same ones; 0 for no pictures at all.
        """
        self._samples = samples
        self._rows: list[np.ndarray[Any, Any]] = []

    def on_validation_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: SegmentationModule,  # type: ignore[override]
        outputs: Any,
        batch: dict[str, Any],
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keeps the first samples."""
        if _board(trainer) is None:
            return
        palette = pl_module.card.label_set.palette()
        for i in range(min(len(batch["labels"]), self._samples - len(self._rows))):
            color = batch["color"][i].permute(1, 2, 0).cpu().numpy()
            depth_m = batch["depth_m"][i, 0].cpu().numpy()
            truth = batch["labels"][i].cpu().numpy()
            self._rows.append(sample_row(color, depth_m, truth, pl_module.last_prediction[i], palette))

    def on_validation_end(
        self,
        trainer: lightning.Trainer,
        pl_module: SegmentationModule,  # type: ignore[override]
    ) -> None:
        """Writes them; not at the end of the epoch, which callbacks meet before the module has its scores."""
        board = _board(trainer)
        rows, self._rows = self._rows, []
        if board is None or trainer.sanity_checking or not self._samples:
            return
        if rows:
            board.add_image("colour, depth, truth, prediction", np.vstack(rows), trainer.global_step, dataformats="HWC")
        if pl_module.validation is not None:
            board.add_figure("confusion", confusion_figure(pl_module.validation), trainer.global_step)


def _board(trainer: lightning.Trainer) -> SummaryWriter | None:
    for logger in trainer.loggers:
        if isinstance(logger, TensorBoardLogger) and trainer.is_global_zero:
            board: SummaryWriter = logger.experiment
            return board
    return None
