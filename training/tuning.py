"""Batch size and learning rate found by Lightning's tuner before a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from lightning.pytorch.tuner.tuning import Tuner

from rgbd_seg.errors import ConfigurationError, RgbdSegError

if TYPE_CHECKING:
    import lightning

    from training.data import RgbdData
    from training.module import SegmentationModule

Wanted = Literal["nothing", "batch_size", "learning_rate", "both"]
_TRIALS = 8  # Doublings of the batch: by then it is as large as anybody wants it.
_STEPS = 100  # Between the smallest and the largest rate.


def find_settings(
    trainer: lightning.Trainer, module: SegmentationModule, data: RgbdData, wanted: Wanted
) -> dict[str, float]:
    """Tries them out, and sets what was found on the module and the data.

    Args:
        trainer: Of the run that follows; it is as it was afterwards.
        module: The network, whose weights are as they were afterwards.
        data: The data.
        wanted: Which of them.

    Returns:
        What was found, by name.

    Raises:
        ConfigurationError: The batch size is to be found without a GPU.
        RgbdSegError: No rate stood out.
    """
    tuner, found = Tuner(trainer), dict[str, float]()
    if wanted in ("batch_size", "both"):
        if trainer.strategy.root_device.type == "cpu":
            raise ConfigurationError(
                "the largest batch is found by filling a GPU's memory; a processor's would be filled until the system "
                "ends programs. Here set data.batch_size yourself: 8 to 16 is usual"
            )
        tuner.scale_batch_size(module, datamodule=data, init_val=data.batch_size, max_trials=_TRIALS)
        found["batch_size"] = data.batch_size
    if wanted in ("learning_rate", "both"):
        # As many epochs as it takes, and nothing but steps.
        loop, every = trainer.fit_loop, trainer.check_val_every_n_epoch
        epochs, loop.max_epochs, trainer.check_val_every_n_epoch = loop.max_epochs, -1, 1 << 30
        finder = tuner.lr_find(module, datamodule=data, min_lr=1e-6, max_lr=0.3, num_training=_STEPS, update_attr=False)
        loop.max_epochs, trainer.check_val_every_n_epoch = epochs, every
        rate = finder.suggestion() if finder is not None else None
        if rate is None:
            raise RgbdSegError(
                f"no learning rate stood out in {_STEPS} steps from 1e-6 to 0.3: set model.optimizer.learning_rate"
            )
        module.learning_rate = found["learning_rate"] = float(rate)
    return found
