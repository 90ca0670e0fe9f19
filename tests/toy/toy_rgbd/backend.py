"""A back end that lets PyTorch do the work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rgbd_seg.inference.available import DeviceChoice
from rgbd_seg.inference.torch import segmenter as torch_backend

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rgbd_seg.inference.segmenter import Segmenter, SegmenterOptions

NAME = "Toy"
SUFFIXES = (".safetensors",)


def devices() -> tuple[DeviceChoice, ...]:
    return (DeviceChoice("cpu", "CPU", ("float32",)),)


def problem(device: str) -> str | None:
    return None if device in ("auto", "cpu") else f"the toy has no {device}"


def open_segmenter(
    path: Path, options: SegmenterOptions, reason: str, progress: Callable[[str, float], None]
) -> Segmenter:
    return torch_backend.open_segmenter(path, options, reason, progress)
