"""Runs of the real command line on tiny data and a tiny network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path

NETWORK = (
    "--model.encoder=resnet18",
    "--model.base_width=8",
    "--model.decoder_widths=[32,16,16,8,8]",
    "--model.tail_width=8",
)


def arguments(folder: Path, out: Path, *more: str) -> list[str]:
    """The arguments of a fit; `more` come last and win."""
    return [
        "fit",
        "--data=training.FolderData",
        f"--data.root={folder}",
        "--data.size=[64,64]",
        "--data.batch_size=4",
        "--data.num_workers=0",
        "--data.augmentation=none",
        "--data.val_share=0.34",
        *NETWORK,
        "--model.optimizer.name=adamw",
        "--model.optimizer.learning_rate=0.01",
        "--model.optimizer.schedule=constant",
        "--trainer.logger.class_path=lightning.pytorch.loggers.TensorBoardLogger",
        f"--trainer.logger.init_args.save_dir={out}",
        "--trainer.logger.init_args.name=run",
        "--trainer.logger.init_args.version=one",
        "--pictures.samples=0",  # Drawing them takes longer than the run.
        "--trainer.enable_progress_bar=false",
        "--trainer.enable_model_summary=false",
        "--trainer.num_sanity_val_steps=0",
        "--trainer.log_every_n_steps=1",
        "--trainer.accelerator=cpu",
        "--trainer.max_epochs=2",
        *more,
    ]


def fit(folder: Path, out: Path, *more: str) -> Path:
    """Runs a fit that must succeed; gives the run's directory."""
    assert main(arguments(folder, out, *more)) == 0
    return out / "run" / "one"
