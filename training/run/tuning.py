"""Batch size and learning rate found by Lightning's tuner before a run."""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

import lightning
from lightning.pytorch.tuner.tuning import Tuner

from rgbd_seg.errors import ConfigurationError, RgbdSegError

if TYPE_CHECKING:
    from training.data.data_module import RgbdData
    from training.network.module import SegmentationModule

Wanted = Literal["nothing", "batch_size", "learning_rate", "both"]
_TRIALS = 8  # Doublings of the batch: by then it is as large as anybody wants it.
_STEPS = 100  # Between the smallest and the largest rate.


def find_settings(
    trainer: lightning.Trainer, module: SegmentationModule, data: RgbdData, wanted: Wanted
) -> dict[str, float]:
    """Tries them out, and sets what was found on the module and the data.

    Args:
        trainer: Of the run that follows, whose device and precision are taken; nothing is done with it.
        module: The network, whose weights are as they were afterwards.
        data: The data.
        wanted: Which of them.

    Returns:
        What was found, by name.

    Raises:
        ConfigurationError: The batch size is to be found without a GPU.
        RgbdSegError: No rate stood out.
    """
    found: dict[str, float] = {}
    on_cpu = trainer.strategy.root_device.type == "cpu"
    if wanted in ("batch_size", "both") and on_cpu:
        raise ConfigurationError(
            "the largest batch is found by filling a GPU's memory; a processor's would be filled until the system ends "
            "programs. Here set data.batch_size yourself: 8 to 16 is usual"
        )
    with TemporaryDirectory() as folder:
        # A trainer of its own, so that the run's begins as if nothing had been.
        probe = lightning.Trainer(
            accelerator="cpu" if on_cpu else "gpu",
            devices=1,
            precision=trainer.precision,
            max_epochs=-1,
            limit_val_batches=0,
            use_distributed_sampler=False,
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            default_root_dir=folder,
        )
        if wanted in ("batch_size", "both"):
            Tuner(probe).scale_batch_size(module, datamodule=data, init_val=data.batch_size, max_trials=_TRIALS)
            found["batch_size"] = data.batch_size
        if wanted in ("learning_rate", "both"):
            finder = Tuner(probe).lr_find(
                module, datamodule=data, min_lr=1e-6, max_lr=0.3, num_training=_STEPS, update_attr=False
            )
            rate = finder.suggestion() if finder is not None else None
            if rate is None:
                raise RgbdSegError(
                    f"no learning rate stood out in {_STEPS} steps from 1e-6 to 0.3: set model.optimizer.learning_rate"
                )
            module.learning_rate = found["learning_rate"] = float(rate)
    return found
