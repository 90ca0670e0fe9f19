"""OpenVINO as this program uses it: imported without telemetry, asked what devices can do, compiled with a cache."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.inference.cache import cache_key, read_entry, write_entry
from rgbd_seg.inference.cpu import default_threads

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Our names of precisions, OpenVINO's capability for each, and its name for the inference hint.
_PRECISIONS = {"float32": ("FP32", "f32"), "bfloat16": ("BF16", "bf16"), "float16": ("FP16", "f16")}
_INT8 = "INT8"


@cache
def import_openvino() -> Any:
    """The `openvino` module, with its usage statistics off.

    The statistics come from a package of their own that OpenVINO can do without: it is hidden before the first import.

    Raises:
        ModelError: OpenVINO is not installed for this platform.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino
    except ImportError as error:
        raise ModelError(f"OpenVINO cannot be imported ({error}): install it with pip install openvino") from None
    return openvino


@cache
def core() -> Any:
    """The process's OpenVINO core."""
    return import_openvino().Core()


@dataclass(frozen=True, slots=True)
class Device:
    """One device that OpenVINO can run on.

    Attributes:
        id: OpenVINO's name, such as "CPU" or "GPU.0".
        name: What people call it.
        precisions: Arithmetic that it has in hardware: "float32", "bfloat16", "float16", "int8".
    """

    id: str
    name: str
    precisions: tuple[str, ...]


@cache
def devices() -> tuple[Device, ...]:
    """The devices of this machine, in OpenVINO's order."""
    found = []
    for device in core().available_devices:
        capabilities = core().get_property(device, "OPTIMIZATION_CAPABILITIES")
        precisions = [ours for ours, (theirs, _) in _PRECISIONS.items() if theirs in capabilities]
        precisions += ["int8"] if _INT8 in capabilities else []
        name = str(core().get_property(device, "FULL_DEVICE_NAME")).strip()
        found.append(Device(device, name, tuple(precisions)))
    return tuple(found)


def find_device(wanted: str) -> Device:
    """The device of that name ("auto" and "cpu": the CPU; "gpu", "gpu.1", "npu"), whatever its case.

    Raises:
        ConfigurationError: OpenVINO sees no such device; the message lists what it sees.
    """
    name = "CPU" if wanted == "auto" else wanted.upper().replace(":", ".")
    for device in devices():
        if device.id == name or device.id == f"{name}.0":
            return device
    seen = ", ".join(f"{device.id.lower()} ({device.name})" for device in devices())
    raise ConfigurationError(f"OpenVINO has no device {wanted!r} here; it sees {seen}")


def choose_precision(device: Device, wanted: str) -> tuple[str, str]:
    """The arithmetic to use on a device, and why.

    Args:
        device: Where the network will run.
        wanted: "auto", or a precision that must then be had. "int8" is never chosen by "auto": it has to be
            calibrated on a recording first.

    Raises:
        ConfigurationError: The device does not have the wanted arithmetic in hardware.
    """
    if wanted == "auto":
        for precision in ("bfloat16", "float16"):
            if precision in device.precisions:
                return precision, f"it has {precision} in hardware, which is faster than float32 here"
        return "float32", "it has no 16-bit arithmetic in hardware, so that float32 is fastest without calibration"
    if wanted not in device.precisions:
        raise ConfigurationError(
            f"{device.name} has no {wanted} arithmetic; with OpenVINO it has {', '.join(device.precisions)}"
        )
    return wanted, f"{wanted} was asked for"


def compile_model(
    build: Callable[[], Any], key: str, device: Device, precision: str, threads: int | None
) -> tuple[Any, bool]:
    """Compiles a model, or takes it compiled from the cache.

    Args:
        build: Makes the `openvino.Model`; not called where the cache has it.
        key: What the model is made of, for the cache; "" keeps the cache out of it.
        device: Where it will run.
        precision: Its arithmetic; "int8" models carry their own and keep float32 for the rest.
        threads: CPU threads, None for `default_threads`.

    Returns:
        The `openvino.CompiledModel`, and whether it came from the cache.

    Raises:
        ModelError: The device refused the model.
    """
    openvino = import_openvino()
    hint = _PRECISIONS["float32" if precision == "int8" else precision][1]
    settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": hint}
    if device.id == "CPU":
        settings["INFERENCE_NUM_THREADS"] = threads or default_threads()
    exportable = "EXPORT_IMPORT" in core().get_property(device.id, "OPTIMIZATION_CAPABILITIES")
    entry = cache_key(key, openvino.__version__, device, precision, settings) + ".blob"
    cached = read_entry(entry) if key and exportable else None
    if cached is not None:
        try:
            return core().import_model(io.BytesIO(cached.read_bytes()), device.id, settings), True
        except (RuntimeError, OSError):  # From another driver, or cut off: compile again.
            cached.unlink(missing_ok=True)
    model = build()
    try:
        compiled = core().compile_model(model, device.id, settings)
    except RuntimeError as error:
        raise ModelError(f"OpenVINO cannot compile the network for {device.name}: {error}") from error
    if key and exportable:
        write_entry(entry, lambda path: _write_blob(path, compiled))
    return compiled, False


def _write_blob(path: Path, compiled: Any) -> None:
    path.write_bytes(compiled.export_model().getvalue())
