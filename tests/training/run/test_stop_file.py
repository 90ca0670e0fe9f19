"""A run that is asked to end: it stops after the step, and keeps what it has."""

from __future__ import annotations

import json
from pathlib import Path

import lightning

from rgbd_seg.training_files import STOP_FILE
from tests.training.small_run import fit


class AskToStop(lightning.Callback):
    """Writes the file after the first step, as somebody else would."""

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: object) -> None:
        assert trainer.log_dir is not None
        (Path(trainer.log_dir) / STOP_FILE).touch()


def test_the_file_ends_the_run_with_validation_and_checkpoint(small_folder: Path, tmp_path: Path):
    run = fit(
        small_folder,
        tmp_path,
        "--trainer.max_epochs=50",
        "--trainer.callbacks+=tests.training.run.test_stop_file.AskToStop",
        "--trainer.callbacks+=training.StopFile",
    )
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["event"] for row in rows].count("validation") == 1
    assert rows[-1]["event"] == "end"
    assert rows[-1]["step"] <= 2
    assert (run / "checkpoints" / "last.ckpt").is_file()
