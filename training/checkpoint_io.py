"""Checkpoints that are either whole or not there, also when the disk is full or the process is killed."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from rgbd_seg.errors import RgbdSegError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the target and renames, so that the checkpoint of before stays until the new one is on the disk."""

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
            raise RgbdSegError(
                f"there is no room for the checkpoint {target} ({cause}). Make room and go on with --ckpt_path and the "
                f"newest checkpoint in {target.parent}, which is intact"
            ) from None
