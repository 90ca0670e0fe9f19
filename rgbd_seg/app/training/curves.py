"""How a run goes, from its growing `metrics.jsonl`: losses, scores, and how far it is. No Qt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rgbd_seg.app.training.run_folder import number

_READ_BYTES = 1_000_000  # At most so much at a time: the rest comes with the next look.
_MOST_POINTS = 20_000


class Curves:
    """What is known of a run; `read` goes on where it stopped."""

    def __init__(self, path: Path) -> None:
        """Names the file, which need not be there yet."""
        self._path = path
        self.clear()

    def clear(self) -> None:
        self._offset = 0
        self._half_line = b""
        self.steps: list[float] = []
        self.losses: list[float] = []
        self.scored_steps: list[float] = []
        self.val_losses: list[float] = []
        self.mious: list[float] = []
        self.iou: Mapping[str, float] = {}
        self.epoch = 0
        self.step = 0
        self.progress = 0.0
        self.first_s: float | None = None
        self.last_s: float | None = None

    @property
    def best_miou(self) -> float | None:
        return max(self.mious, default=None)

    @property
    def seconds_left(self) -> float | None:
        """How long it will take at the present pace, None while that cannot be told."""
        if self.first_s is None or self.last_s is None or not 0.02 < self.progress < 1:
            return None
        return (self.last_s - self.first_s) * (1 - self.progress) / self.progress

    def read(self) -> bool:
        """Takes in what was written since; returns whether there was anything."""
        try:
            size = self._path.stat().st_size
            if size < self._offset:  # Another run has begun in the folder.
                self.clear()
            if size == self._offset:
                return False
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read(_READ_BYTES)
        except OSError:
            return False
        self._offset += len(data)
        *lines, half_line = (self._half_line + data).split(b"\n")
        self._half_line = half_line[:_READ_BYTES]
        for line in lines:
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(row, dict):
                self._take(row)
        return True

    def _take(self, row: dict[str, Any]) -> None:
        step, epoch, now = number(row, "step"), number(row, "epoch"), number(row, "time")
        if step is not None:
            self.step = int(step)
        if epoch is not None:
            self.epoch = int(epoch)
        self.progress = min(max(number(row, "progress") or 0.0, 0.0), 1.0)
        if now is not None:
            self.first_s = now if self.first_s is None else self.first_s
            self.last_s = now
        loss, miou = number(row, "train_loss"), number(row, "val_miou")
        if loss is not None and len(self.steps) < _MOST_POINTS:
            self.steps.append(self.step)
            self.losses.append(loss)
        if miou is not None and len(self.mious) < _MOST_POINTS:
            val_loss = number(row, "val_loss")
            self.scored_steps.append(self.step)
            self.mious.append(miou)
            self.val_losses.append(float("nan") if val_loss is None else val_loss)
            iou = row.get("iou")
            if isinstance(iou, dict):
                found = {str(name): number(iou, name) for name in iou}
                self.iou = {name: value for name, value in found.items() if value is not None}
