"""The PyTorch back end: NVIDIA GPUs, Apple's GPUs, and any CPU.

PyTorch is loaded where it is needed and not before: most machines have no GPU, and the window does without it there.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.inference.available import DeviceChoice
from rgbd_seg.inference.cpu import cpu_name, default_threads, has_bfloat16
from rgbd_seg.inference.graph_segmenter import warmed
from rgbd_seg.inference.torch.gpu_files import has_gpu_files
from rgbd_seg.inference.torch.runtime import load_libraries

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from rgbd_seg.inference.graph_segmenter import Progress
    from rgbd_seg.inference.segmenter import SegmenterOptions
    from rgbd_seg.inference.torch.model import TorchSegmenter
    from rgbd_seg.inference.torch.plan import Precision

NAME = "PyTorch"
SUFFIXES = (".safetensors",)

_PRECISIONS: dict[str, tuple[Precision, ...]] = {  # By kind of device; on GPUs the default first.
    "cpu": ("float32", "bfloat16"),
    "mps": ("float16", "float32"),
    "cuda": ("float16", "bfloat16", "float32"),
}


def devices() -> tuple[DeviceChoice, ...]:
    """What PyTorch finds here, best first."""
    found = []
    if _may_have_gpu():
        torch = _import_torch()
        gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
        found = [
            DeviceChoice("cuda" if gpus == 1 else f"cuda:{i}", torch.cuda.get_device_name(i), _PRECISIONS["cuda"])
            for i in range(gpus)
        ]
        if torch.backends.mps.is_available():
            found.append(DeviceChoice("mps", "Apple GPU", _PRECISIONS["mps"]))
    return (*found, DeviceChoice("cpu", f"CPU ({cpu_name()})", _PRECISIONS["cpu"]))


def problem(device: str) -> str | None:
    if find_spec("torch") is None:
        return "PyTorch is not installed: pip install 'rgbd-seg[torch]'"
    kind, _, number = device.partition(":")
    if kind in ("auto", "cpu"):
        return None
    if kind == "cuda":
        if not (_may_have_gpu() and _import_torch().cuda.is_available()):
            return "PyTorch finds no NVIDIA GPU on this machine"
        count = _import_torch().cuda.device_count()
        if number and not (number.isdigit() and int(number) < count):
            return f"there is no GPU {number}: this machine has {count}"
        return None
    if kind == "mps":
        there = _may_have_gpu() and _import_torch().backends.mps.is_available()
        return None if there else "PyTorch finds no Apple GPU on this machine"
    return f"PyTorch runs on cpu, cuda and mps, not on {device!r}"


def open_segmenter(path: Path, options: SegmenterOptions, reason: str, progress: Progress) -> TorchSegmenter:
    trouble = problem(options.device)
    if trouble:
        raise ModelError(f"{trouble}: choose another device, or auto")
    progress("loading PyTorch", 0.05)
    torch = _import_torch()
    from rgbd_seg.inference.torch.model import TorchSegmenter, device_name
    from rgbd_seg.models.model_file import load_model

    device = _choose_device(options.device)
    precision = _choose_precision(device, options.precision)
    if device.type == "cpu":
        torch.set_num_threads(options.threads or default_threads())
    progress("reading the model", 0.1)
    network, card = load_model(path)
    progress(f"moving it to {device_name(device)}", 0.4)
    segmenter = TorchSegmenter(path, network, card, options, device, precision, reason)
    return warmed(segmenter, options, progress)


def _may_have_gpu() -> bool:
    return has_gpu_files() or not sys.platform.startswith("linux")


def _import_torch() -> Any:
    load_libraries()
    import torch

    return torch


def _choose_device(device: str) -> torch.device:
    import torch

    if device != "auto":
        return torch.device(device)
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _choose_precision(device: torch.device, precision: str) -> Precision:
    """What was asked for, or the fastest arithmetic of the device that keeps the labels."""
    if precision == "auto":
        return "bfloat16" if device.type == "cpu" and has_bfloat16() else _PRECISIONS[device.type][0]
    for known in _PRECISIONS[device.type]:
        if precision == known:
            return known
    raise ConfigurationError(
        f"PyTorch on {device.type} computes in {', '.join(_PRECISIONS[device.type])}, not in {precision!r}"
    )
