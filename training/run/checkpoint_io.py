"""Checkpoints that are either whole or not there, also when the disk is full or the process is killed."""

from __future__ import annotations

import errno
import os
import pickle
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from rgbd_seg.errors import ConfigurationError, RgbdSegError
from training.network.weights import unreadable

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the target and renames, so that the checkpoint of before stays until the new one is on the disk.

    What it reads holds numbers and plain containers, so that a checkpoint from a stranger cannot run code.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None) -> None:
        """Writes one checkpoint.

        Raises:
            RgbdSegError: There is no room for it; an earlier checkpoint of that name is as it was.
        """
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(target.name + ".part")
        try:
            with partial.open("wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(target)
        except (OSError, RuntimeError) as error:
            partial.unlink(missing_ok=True)
            cause: BaseException | None = error
            while cause is not None and getattr(cause, "errno", None) not in _NO_ROOM:
                cause = cause.__cause__ or cause.__context__
            if cause is None:
                raise
            left = sorted(target.parent.glob("*.ckpt"), key=lambda path: path.stat().st_mtime)
            then = (
                f"go on with --ckpt_path {left[-1]}, which is intact"
                if left
                else "start again: there is none before it"
            )
            raise RgbdSegError(
                f"there is no room for the checkpoint {target} ({cause}). Make room and {then}"
            ) from None

    def load_checkpoint(
        self, path: str | Path, map_location: Any = "cpu", weights_only: bool | None = True
    ) -> dict[str, Any]:
        """Reads one checkpoint.

        Args:
            path: Which one.
            map_location: Where tensors go.
            weights_only: Not used: nothing else is ever read.

        Raises:
            ConfigurationError: There is no such file.
            ModelError: It is damaged or no checkpoint.
        """
        try:
            return super().load_checkpoint(path, map_location, weights_only=True)
        except FileNotFoundError:
            raise ConfigurationError(
                f"there is no checkpoint {path}: a run's checkpoints are in its folder checkpoints/"
            ) from None
        except (OSError, RuntimeError, EOFError, KeyError, ValueError, pickle.UnpicklingError) as error:
            raise unreadable(str(path), error) from None
