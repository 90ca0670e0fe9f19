"""Callbacks that write down what a run has inside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lightning


class ClassWeights(lightning.Callback):
    """Writes the weights of the loss to `class_weights.json`."""

    def on_train_start(self, trainer: lightning.Trainer, module: Any) -> None:
        (Path(trainer.log_dir or "") / "class_weights.json").write_text(json.dumps(module.class_weights.tolist()))
