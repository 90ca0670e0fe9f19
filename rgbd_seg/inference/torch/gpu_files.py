"""Whether a GPU's driver shows itself in the file system: a question that costs nothing, unlike loading PyTorch."""

from __future__ import annotations

from pathlib import Path

# What Linux has where there may be a GPU for PyTorch: NVIDIA's driver on a PC, on a Jetson, Windows' under WSL, AMD's.
FILES = tuple(Path(name) for name in ("/dev/nvidiactl", "/dev/nvhost-gpu", "/dev/nvgpu", "/dev/dxg", "/dev/kfd"))


def has_gpu_files() -> bool:
    """Whether one of them is there; always False outside Linux."""
    return any(path.exists() for path in FILES)
