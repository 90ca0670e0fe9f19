"""ONNX Runtime as this program uses it: which of its execution providers are here, and sessions that leave room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.inference.cpu import cpu_name, default_threads

# Our names of devices -> ONNX Runtime's provider, what people call it, and where its tensors live; fastest first.
_PROVIDERS = {
    "tensorrt": ("TensorrtExecutionProvider", "NVIDIA GPU (TensorRT)", "cuda"),
    "cuda": ("CUDAExecutionProvider", "NVIDIA GPU", "cuda"),
    "directml": ("DmlExecutionProvider", "GPU (DirectML)", "cpu"),
    "coreml": ("CoreMLExecutionProvider", "Apple (Core ML)", "cpu"),
    "cpu": ("CPUExecutionProvider", "", "cpu"),
}
# GPUs compute float16 faster; Core ML decides by itself, and the CPU provider has no 16-bit convolutions.
_PRECISIONS = {"tensorrt": ("float16", "float32"), "cuda": ("float16", "float32"), "directml": ("float16", "float32")}
_SILENT = 3  # ONNX Runtime's severity "error": its warnings are about its own optimiser.


@dataclass(frozen=True, slots=True)
class Provider:
    """An execution provider of this installation.

    Attributes:
        device: Our name, such as "cuda".
        provider: ONNX Runtime's name.
        name: What people call it.
        memory: Where its tensors live: "cpu" or "cuda".
        precisions: What it computes in, its default first.
    """

    device: str
    provider: str
    name: str
    memory: str
    precisions: tuple[str, ...]


def installed_providers() -> tuple[Provider, ...]:
    """The execution providers of this installation that this program knows, fastest first."""
    import onnxruntime

    installed = set(onnxruntime.get_available_providers())
    return tuple(
        Provider(device, provider, name or cpu_name(), memory, _PRECISIONS.get(device, ("float32",)))
        for device, (provider, name, memory) in _PROVIDERS.items()
        if provider in installed
    )


def find_provider(wanted: str) -> Provider:
    """The provider for a device; "auto": the fastest of this installation.

    Raises:
        ConfigurationError: This installation has none for it; the message lists what it has.
    """
    here = {provider.device: provider for provider in installed_providers()}
    device = next(iter(here)) if wanted == "auto" else wanted.partition(":")[0]
    if device not in here:
        raise ConfigurationError(f"ONNX Runtime, as installed here, runs on {', '.join(here)}, not on {wanted!r}")
    return here[device]


def choose_precision(provider: Provider, wanted: str) -> str:
    """The arithmetic to use.

    Raises:
        ConfigurationError: The provider does not compute in that.
    """
    if wanted == "auto":
        return provider.precisions[0]
    if wanted not in provider.precisions:
        raise ConfigurationError(
            f"ONNX Runtime on {provider.name} computes in {', '.join(provider.precisions)}, not in {wanted!r}"
        )
    return wanted


def open_sessions(models: Sequence[bytes | str], provider: Provider, threads: int | None) -> list[Any]:
    """Sessions for models (their bytes, or paths) that run one after the other.

    Raises:
        ModelError: ONNX Runtime refused a model, or its provider could not start.
    """
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads or default_threads()
    settings.inter_op_num_threads = 1
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")  # Idle threads sleep.
    settings.log_severity_level = _SILENT
    wanted = list(dict.fromkeys((provider.provider, "CPUExecutionProvider")))
    try:
        sessions = [onnxruntime.InferenceSession(model, settings, providers=wanted) for model in models]
    except Exception as error:  # ONNX Runtime's own exceptions have no common base.
        raise ModelError(f"ONNX Runtime cannot use the network: {str(error)[:500]}") from error
    for session in sessions:
        if session.get_providers()[0] != provider.provider:
            raise ModelError(f"ONNX Runtime could not start on {provider.name}: are its libraries installed?")
    return sessions
