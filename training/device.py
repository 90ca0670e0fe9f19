"""Where to compute, checked before any work is done."""

from __future__ import annotations

import torch

from rgbd_seg.errors import ConfigurationError


def checked_device(name: str) -> str:
    """The name of a device that works here.

    Raises:
        ConfigurationError: There is no such device, or PyTorch was built without it.
    """
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigurationError(f"cannot compute on {name!r} ({reason}); --device cpu always works") from None
    return name
