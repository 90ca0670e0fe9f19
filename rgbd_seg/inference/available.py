"""What can run a model on this machine: back ends, their devices and the arithmetic of each, to choose from."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.system.extensions import extensions, load_extension

_GROUP = "rgbd_seg.backends"

# Back end -> its module, and the library that it cannot do without. On a CPU, "auto" takes the first that can be
# used: the order is that of speed there.
BACKENDS = {
    "openvino": ("rgbd_seg.inference.openvino.segmenter", "openvino"),
    "onnxruntime": ("rgbd_seg.inference.onnx.segmenter", "onnxruntime"),
    "torch": ("rgbd_seg.inference.torch.segmenter", "torch"),
}


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """A device that a back end finds here.

    Attributes:
        name: As in `SegmenterOptions.device`, such as "cpu" or "cuda:1".
        title: What people call it, such as "NVIDIA H200".
        precisions: As in `SegmenterOptions.precision`; "auto" takes one of them.
    """

    name: str
    title: str
    precisions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BackendChoice:
    """A back end and what it can do here.

    Attributes:
        name: As in `SegmenterOptions.backend`.
        problem: Why it cannot be chosen, as a sentence without a full stop; "" if it can.
        devices: What it runs on here; empty if it cannot be chosen, or was not asked.
    """

    name: str
    problem: str = ""
    devices: tuple[DeviceChoice, ...] = ()


def backends() -> tuple[str, ...]:
    """The names that `SegmenterOptions.backend` may have, besides "auto": ours, then those of other packages."""
    return (*BACKENDS, *(name for name in extensions(_GROUP) if name not in BACKENDS))


def backend_module(name: str) -> ModuleType:
    """The module of a back end.

    Raises:
        ConfigurationError: There is no such back end, or the package that brings it is broken.
    """
    if name in BACKENDS:
        return import_module(BACKENDS[name][0])
    if name in extensions(_GROUP):
        return load_extension(_GROUP, name)
    raise ConfigurationError(f"there is no back end {name!r}; there are auto, {', '.join(backends())}")


def installed_backends() -> tuple[BackendChoice, ...]:
    """Our back ends, best first, with what is not installed marked as such; loads no library, so it takes no time."""
    return tuple(BackendChoice(name, _not_installed(library)) for name, (_, library) in BACKENDS.items())


def available_backends() -> tuple[BackendChoice, ...]:
    """All back ends, best first, then those of other packages, each asked what it finds here.

    Loads the libraries, which takes seconds the first time: call it where waiting does no harm.
    """
    others = (BackendChoice(name) for name in backends() if name not in BACKENDS)
    return tuple(_ask(choice) for choice in (*installed_backends(), *others))


def _not_installed(library: str) -> str:
    if find_spec(library) is None:
        wanted = "'rgbd-seg[torch]'" if library == "torch" else library
        return f"{library} is not installed: pip install {wanted}"
    return ""


def _ask(choice: BackendChoice) -> BackendChoice:
    if choice.problem:
        return choice
    try:
        devices = backend_module(choice.name).devices()
    except Exception as error:  # A library that is installed but broken throws whatever it likes.
        return BackendChoice(choice.name, f"{choice.name} cannot be used: {type(error).__name__}: {str(error)[:200]}")
    return BackendChoice(choice.name, "" if devices else f"{choice.name} finds no device here", devices)
