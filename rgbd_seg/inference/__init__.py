"""Networks at work: one deployed graph from camera bytes to labels, and the back ends that run it.

`open_segmenter` is the way in. A back end is one module, named in `available.BACKENDS` or by another package as an
entry point of the group "rgbd_seg.backends", with

- `NAME`: how people call it,
- `SUFFIXES`: the endings of the files that it reads,
- `devices() -> tuple[DeviceChoice, ...]`: what it can run on here,
- `problem(device) -> str | None`: why it cannot use that device here, None if it can,
- `open_segmenter(path, options, reason, progress) -> Segmenter`: loads and warms a model. `reason` says why this back
  end was chosen and belongs into the info; `progress` may raise to give up, and nothing may stay behind then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.inference.available import available_backends, backend_module, backends, installed_backends
from rgbd_seg.inference.cache import file_digest
from rgbd_seg.inference.cpu import cpu_name, wait_passively
from rgbd_seg.inference.segmenter import Segmenter, SegmenterOptions
from rgbd_seg.inference.torch.triton_beside_mesa import settle

Progress = Callable[[str, float], None]

__all__ = ["Segmenter", "SegmenterOptions", "available_backends", "backends", "installed_backends", "open_segmenter"]

_OWN_SUFFIX = ".safetensors"
_log = logging.getLogger(__name__)


def open_segmenter(
    model_path: str | Path, options: SegmenterOptions | None = None, progress: Progress | None = None
) -> Segmenter:
    """Loads, compiles and warms a model; takes seconds, so call it where waiting does no harm.

    Args:
        model_path: A model file of this program, or a file that one of the back ends reads.
        options: Back end, device, precision and settings; None for "auto" in everything.
        progress: Called with what is being done and a share 0..1. It may raise to give up: the exception comes out
            here, and everything that was taken is freed.

    Raises:
        ConfigurationError: An option is not permitted.
        ModelError: The file cannot be used, or not in the way that was asked for.
    """
    path, options, report = Path(model_path), options or SegmenterOptions(), progress or _ignore
    if options.threads is not None and options.threads < 1:
        raise ConfigurationError(f"threads must be at least 1, not {options.threads}")
    wait_passively()
    settle()
    report("choosing a back end", 0.0)
    if options.backend != "auto":
        module = backend_module(options.backend)
        _refuse_wrong_file(module, path)
        return _open(module, path, options, f"{module.NAME} was asked for", report)
    failures: dict[str, str] = {}
    for module, reason in _candidates(path, options.device):
        why = "; ".join([reason, *(f"{name} failed: {failure}" for name, failure in failures.items())])
        try:
            return _open(module, path, options, why, report)
        except ModelError as error:
            failures[module.NAME] = str(error)
    # A bad file is refused by all of them in the same words.
    raise ModelError("; ".join(dict.fromkeys(failures.values())))


def _ignore(_stage: str, _share: float) -> None:
    """Where nobody asks for the progress."""


def _usable() -> list[ModuleType]:
    """All back ends that can be imported, best first."""
    modules = []
    for name in backends():
        try:
            modules.append(backend_module(name))
        except ConfigurationError as error:  # Of another package; the doctor says so.
            _log.warning("%s", error)
    return modules


def _suffix(path: Path) -> str:
    """The kind of file; what nobody knows is taken for one of our own, whose reader says best what is wrong with it."""
    suffix = path.suffix.lower()
    known = {suffix for module in _usable() for suffix in module.SUFFIXES}
    return suffix if suffix in known else _OWN_SUFFIX


def _refuse_wrong_file(module: ModuleType, path: Path) -> None:
    if _suffix(path) not in module.SUFFIXES:
        raise ModelError(
            f"{module.NAME} reads {', '.join(module.SUFFIXES)} files and not {path.name}: choose another back end, "
            "or auto"
        )


def _open(module: ModuleType, path: Path, options: SegmenterOptions, reason: str, progress: Progress) -> Segmenter:
    trouble = module.problem(options.device)
    if trouble:
        raise ModelError(f"{trouble}: choose another back end or device, or auto")
    segmenter: Segmenter = module.open_segmenter(path, options, reason, progress)
    if path.is_file():  # Some formats are folders.
        segmenter.info = replace(segmenter.info, sha256=file_digest(path))
    return segmenter


def _candidates(path: Path, device: str) -> list[tuple[ModuleType, str]]:
    """The back ends to try, best first, each with the reason.

    Raises:
        ModelError: None of them can use this file and device; the message says why for each.
    """
    suffix = _suffix(path)
    modules = [module for module in _usable() if suffix in module.SUFFIXES]
    problems = {module.NAME: module.problem(device) for module in modules}
    usable = [module for module in modules if problems[module.NAME] is None]
    if not usable:
        reasons = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
        raise ModelError(f"no back end can run {path.name} on {device!r}. {reasons}")
    gpu = _gpu_backend(device)
    if gpu is not None and gpu[0] in usable:
        usable.remove(gpu[0])
        return [gpu, *((module, f"{module.NAME} is the next best") for module in usable)]
    where = f"on {device}" if device != "auto" else f"on this CPU ({cpu_name()})"
    first = (
        f"{usable[0].NAME} is the fastest back end {where}" if len(usable) > 1 else f"only {usable[0].NAME} runs here"
    )
    return [(usable[0], first), *((module, f"{module.NAME} is the next best") for module in usable[1:])]


def _gpu_backend(device: str) -> tuple[ModuleType, str] | None:
    """PyTorch, where it has a GPU to itself: no other back end is faster there."""
    torch_backend = backend_module("torch")
    if device.startswith("cuda") or (device == "auto" and torch_backend.problem("cuda") is None):
        return torch_backend, "there is an NVIDIA GPU: PyTorch runs the whole graph on it"
    if device == "mps" or (device == "auto" and torch_backend.problem("mps") is None):
        return torch_backend, "there is an Apple GPU, which PyTorch uses"
    return None
