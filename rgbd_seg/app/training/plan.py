"""What is to be trained: what people choose in the dialog, and the settings file for `training fit`. No Qt."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rgbd_seg.system.training_needs import missing_for_training

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.app.training.data_survey import DataSurvey
    from rgbd_seg.app.training.start_model import StartModel

FEWEST_FRAMES = 5
_VAL_SHARE = 0.2
# The network of the recipe `lite`: 7.5 million parameters.
_LITE = {
    "encoder": "resnet18",
    "fusion": "dual",
    "base_width": 32,
    "decoder_widths": [192, 128, 64, 32, 32],
    "tail_width": 16,
}
_SAMPLES_BETWEEN_SCORES = 400
_PICTURES_TO_SCORE = 200


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """One run.

    Attributes:
        name: What people will call the model.
        data: The labelled pictures.
        start: The model to start from, None to start from nothing.
        classes: Names of the classes to learn; pixels of all others are left out.
        size: Network input (height, width).
        batch_size: Pictures in a step.
        minutes: How long to train, None where `epochs` says it.
        epochs: How often to go through the pictures, None where `minutes` says it.
        predictions_are_wanted: Whether labels that a model has made are to be trained on.
    """

    name: str
    data: DataSurvey
    start: StartModel | None
    classes: tuple[str, ...]
    size: tuple[int, int]
    batch_size: int = 8
    minutes: int | None = 10
    epochs: int | None = None
    predictions_are_wanted: bool = False

    @property
    def problem(self) -> str:
        """Why this cannot be trained, in a sentence; "" if it can."""
        missing = missing_for_training()
        if missing:
            return f"Training needs {missing}: install them with pip install 'rgbd-seg[train]'."
        if not self.name.strip():
            return "Give the model a name."
        if self.data.frames < FEWEST_FRAMES:
            count = self.data.frames
            return f"{self.data.folder.name} has {count} labelled pictures; at least {FEWEST_FRAMES} are needed."
        if not self.classes:
            return "Choose at least one class."
        if not any(self.data.shares.get(name, 0) > 0 for name in self.classes):
            return "None of the chosen classes is in the pictures."
        if self.data.predicted and not self.predictions_are_wanted:
            return f"The labels are {self.data.predicted}: tick that they are to be trained on, or correct them first."
        return ""

    @property
    def held_out(self) -> int:
        """How many pictures are held out to be scored."""
        return max(1, round(self.data.done * _VAL_SHARE))

    @property
    def scored(self) -> int:
        """How many of them are scored after each epoch."""
        return min(self.held_out, -(-_PICTURES_TO_SCORE // self._batch) * self._batch)

    @property
    def steps(self) -> int:
        """Steps of an epoch that goes through all pictures once."""
        # What travelled from frames that are held out is not trained on.
        return max(1, round(self.data.frames * (1 - self.held_out / self.data.done)) // self._batch)

    @property
    def _batch(self) -> int:
        return max(1, min(self.batch_size, round(self.data.frames * (1 - _VAL_SHARE))))

    @property
    def keeps_classes(self) -> bool:
        """Whether the start model's own classes are learned further; otherwise its last layer starts anew."""
        return self.start is not None and self.start.classes == self.classes

    @property
    def kind(self) -> str:
        """Plans of one kind run at one pace: the same machine, network, input, batch and size of the pictures."""
        settings = self.settings(self.data.folder)
        told = [settings["model"][name] for name in _LITE]
        told += [settings["data"]["init_args"][name] for name in ("size", "batch_size", "num_workers", "augmentation")]
        told += [self.data.size, platform.node(), sys.platform]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]

    def settings(self, folder: Path) -> dict[str, Any]:
        """The settings file of `training fit`.

        Args:
            folder: Of the run: log, metrics and checkpoints go there.
        """
        start = self.start
        frames = self.data.frames
        batch = self._batch
        data: dict[str, Any] = {
            "root": str(self.data.folder),
            "val_share": _VAL_SHARE,
            "size": list(self.size),
            "batch_size": batch,
            "augmentation": "gentle",
            "num_workers": min(4, max(1, (os.cpu_count() or 1) // 2)),
        }
        if self.minutes is not None:  # Otherwise an epoch is what people take it for: all pictures once.
            data["samples_per_epoch"] = max(5 * batch, min(frames, _SAMPLES_BETWEEN_SCORES))
        if self.classes != self.data.label_set.names:
            data["merge"] = {name: [name] for name in self.classes}
        if start is not None:  # The weights expect depth on this scale.
            data["depth_mean_m"], data["depth_std_m"], data["depth_max_m"] = start.depth
        before = f"{start.trained_on or start.name}, then " if start else ""
        labels = f" with labels {self.data.predicted}" if self.data.predicted else ""
        return {
            "seed_everything": 0,
            "data": {"class_path": "training.FolderData", "init_args": data},
            "model": {
                "name": self.name.strip(),
                **(start.network if start else _LITE),
                "trained_on": f"{before}{frames} pictures of {self.data.folder.name}{labels}",
                "licence": start.licence if start else "",
                "initial_weights": str(start.path) if start else "random",
                "side_weight": 0.3,
                "optimizer": {
                    "name": "adamw",
                    "learning_rate": 0.0005 if self.keeps_classes else 0.001,
                    "weight_decay": 0.02,
                    "schedule": "cosine",
                    "warmup": 0.05,
                },
            },
            "pictures": {"samples": 2},
            "recent": {"every_n_train_steps": 50},
            "trainer": {
                "max_epochs": -1 if self.epochs is None else self.epochs,
                "min_epochs": 0,  # So that it can be stopped at any step.
                "max_time": None if self.minutes is None else _days_text(self.minutes),
                "gradient_clip_val": 5.0,
                "log_every_n_steps": 1 if frames < 500 else 5,
                "limit_val_batches": -(-_PICTURES_TO_SCORE // batch),
                "num_sanity_val_steps": 0,
                "enable_progress_bar": False,
                "enable_model_summary": False,
                "logger": {
                    "class_path": "lightning.pytorch.loggers.TensorBoardLogger",
                    "init_args": {"save_dir": str(folder), "name": "", "version": ""},
                },
                "callbacks": [
                    {
                        "class_path": "training.WeightAveraging",
                        "init_args": {"decay": 0.98},
                    },
                    {"class_path": "training.StopFile"},
                ],
            },
        }


def _days_text(minutes: int) -> str:
    """Days, hours, minutes and seconds as Lightning wants them."""
    days, rest = divmod(minutes, 24 * 60)
    return f"{days:02d}:{rest // 60:02d}:{rest % 60:02d}:00"
