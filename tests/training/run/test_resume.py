"""A run that was killed and goes on meets the samples and has the losses of one that was never stopped."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import lightning
import pytest

from tests.training.small_run import fit

# Resumed runs get folders of their own here, so that they cannot change the unbroken one.
pytestmark = pytest.mark.filterwarnings("ignore:The dirpath has changed", "ignore:This DataLoader will create 4 worker")

EPOCHS, BATCHES = 4, 4
SEEN = "seen.jsonl"


class Witness(lightning.Callback):
    """Writes down every batch with its loss and its learning rate, and every validation."""

    def __init__(self) -> None:
        self._rate = 0.0

    def on_train_batch_start(self, trainer: lightning.Trainer, *_: Any) -> None:
        self._rate = trainer.optimizers[0].param_groups[0]["lr"]

    def on_train_batch_end(self, trainer: lightning.Trainer, module: Any, outputs: Any, batch: Any, *_: Any) -> None:
        digest = hashlib.sha256(batch["names"][0].encode())
        for part in (batch["color"], batch["depth_m"], *batch["labels"]):
            digest.update(part.contiguous().numpy().tobytes())
        loss = float(outputs["loss"])
        self._write(trainer, {"step": trainer.global_step, "batch": digest.hexdigest(), "loss": loss, "lr": self._rate})

    def on_validation_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("val/")}
        self._write(trainer, {"step": trainer.global_step, "validation": metrics})

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: Any) -> None:
        self._write(trainer, {"step": trainer.global_step, "train": module.train_confusion.compute().tolist()})

    def _write(self, trainer: lightning.Trainer, row: dict[str, Any]) -> None:
        with (Path(trainer.log_dir or "") / SEEN).open("a") as file:
            file.write(json.dumps(row) + "\n")


def run(folder: Path, out: Path, schedule: str, *more: str) -> Path:
    """Four epochs of four batches that keep a checkpoint of every second step, every epoch's end, and every score."""
    return fit(
        folder,
        out,
        f"--model.optimizer.schedule={schedule}",
        "--model.optimizer.patience=0",
        "--model.optimizer.learning_rate=1e-4",
        "--model.base_width=4",
        "--data.augmentation=gentle",
        "--data.batch_size=2",
        "--trainer.logger.class_path=lightning.pytorch.loggers.CSVLogger",
        f"--trainer.max_epochs={EPOCHS}",
        "--trainer.callbacks+=tests.training.run.test_resume.Witness",
        "--trainer.callbacks+=training.WeightAveraging",
        "--trainer.callbacks.decay=0.9",
        "--recent.every_n_train_steps=2",
        "--recent.save_top_k=-1",
        "--recent.filename={step}",
        "--last.save_top_k=-1",
        "--last.filename=end-{epoch}",
        "--checkpoint.save_top_k=-1",
        "--checkpoint.filename=scored-{epoch}",
        *more,
    )


def rows(run: Path, first_step: int = 0) -> list[dict[str, Any]]:
    """What a run wrote down after a step."""
    seen = [json.loads(line) for line in (run / SEEN).read_text().splitlines()]
    return [row for row in seen if row["step"] > first_step]


@pytest.fixture(scope="module")
def unbroken(small_folder: Path, tmp_path_factory: pytest.TempPathFactory):
    """The run of a schedule that nobody stopped."""
    return cache(lambda schedule: run(small_folder, tmp_path_factory.mktemp(schedule), schedule))


# Where the run was killed, and how many steps it had done.
PLACES = {
    "step=10": 10,  # In mid-epoch.
    "scored-2": 12,  # Between a validation and the end of its epoch.
    "step=12": 12,  # Due at the last step of an epoch.
    "end-epoch=2": 12,
}


@pytest.mark.parametrize(
    ("schedule", "place", "workers"),
    [("cosine", place, workers) for place in ("step=10", "end-epoch=2") for workers in (0, 1, 4)]
    + [("cosine", "step=12", 1), ("cosine", "scored-2", 1)]
    # A plateau is looked for at validations only, whoever loads the pictures.
    + [("plateau", place, 0) for place in ("step=10", "end-epoch=2", "scored-2")],
)
def test_samples_rates_and_losses_are_those_of_an_unbroken_run(
    small_folder: Path, tmp_path: Path, unbroken, schedule: str, place: str, workers: int
):
    whole = unbroken(schedule)
    checkpoint = whole / "checkpoints" / f"{place}.ckpt"
    done = PLACES[place]
    resumed = run(small_folder, tmp_path, schedule, f"--data.num_workers={workers}", f"--ckpt_path={checkpoint}")
    expected = rows(whole, done)
    assert len([row for row in expected if "batch" in row]) == EPOCHS * BATCHES - done
    assert rows(resumed) == expected


def test_the_unbroken_runs_differ_from_step_to_step(unbroken):
    for schedule in ("cosine", "plateau"):
        batches = [row for row in rows(unbroken(schedule)) if "batch" in row]
        assert len({row["batch"] for row in batches}) == EPOCHS * BATCHES
        assert len({row["lr"] for row in batches}) > 1
