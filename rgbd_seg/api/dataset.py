"""Any recording as a data set for PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from torch.utils.data import Dataset

from rgbd_seg.api.recording import open_recording
from rgbd_seg.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from rgbd_seg.labels import LabelSet
    from rgbd_seg.recording.reader import RecordingReader


class RecordingDataset(Dataset[dict[str, "Tensor"]]):
    """Frames of a recording as tensors, at random; safe for a `DataLoader` with workers, each of which opens the file.

    Each item is a dictionary: `color` (3, H, W) float32 0..1; `depth_m` (1, H, W) float32 metres, 0 at holes; and, if
    the recording has truth, `labels` (H, W) int64 with 0 for what has none.

    Args:
        path: Whatever `open_recording` opens.
        labels: Whether frames without truth are an error (True) or labels are left out (False).

    Raises:
        RecordingError: It cannot be opened.
        ConfigurationError: Labels are wanted, and the recording has none.
    """

    def __init__(self, path: str | Path, *, labels: bool = False) -> None:
        self._path = str(path)
        self._labels = labels
        self._reader: RecordingReader | None = open_recording(path)
        self._length = len(self._reader)
        self.label_set: LabelSet | None = self._reader.info.label_set
        if labels and self.label_set is None:
            self.close()
            raise ConfigurationError(f"{path} has no truth: label it by hand, or say labels=False")

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if not -self._length <= index < self._length:
            raise IndexError(f"index must be {-self._length}..{self._length - 1}, not {index}")
        if self._reader is None:  # In a worker, or after `close`.
            self._reader = open_recording(self._path)
        frame = self._reader.read(index % self._length)
        item = {
            "color": torch.from_numpy(frame.color.transpose(2, 0, 1).astype(np.float32) / 255),
            "depth_m": torch.from_numpy(frame.depth[None] * np.float32(frame.calibration.depth_unit_m)),
        }
        if frame.truth is not None:
            item["labels"] = torch.from_numpy(frame.truth.labels.astype(np.int64))
        elif self._labels:
            raise ConfigurationError(f"{self._path}: frame {index} has no truth")
        return item

    def close(self) -> None:
        """Frees the file. It is opened again when an item is asked for."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_reader": None}
