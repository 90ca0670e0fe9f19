"""OpenVINO as this program uses it: imported without telemetry, and asked what devices can do."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

from rgbd_seg.errors import ConfigurationError, ModelError

# Our names of precisions, OpenVINO's capability for each, and its name for the inference hint.
PRECISIONS = {"float32": ("FP32", "f32"), "bfloat16": ("BF16", "bf16"), "float16": ("FP16", "f16")}
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
        precisions = [ours for ours, (theirs, _) in PRECISIONS.items() if theirs in capabilities]
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


def choose_precision(device: Device, wanted: str, *, calibrated: bool = False) -> tuple[str, str]:
    """The arithmetic to use on a device, and why.

    Args:
        device: Where the network will run.
        wanted: "auto", or a precision that must then be had.
        calibrated: Whether the model is calibrated for int8, which "auto" takes on CPUs without 16-bit arithmetic.

    Raises:
        ConfigurationError: The device does not have the wanted arithmetic in hardware.
    """
    if wanted == "auto":
        for precision in ("bfloat16", "float16"):
            if precision in device.precisions:
                return precision, f"it has {precision} in hardware, which is faster than float32 here"
        if calibrated and device.id == "CPU" and "int8" in device.precisions:
            return (
                "int8",
                "it has no 16-bit arithmetic in hardware, and the model is calibrated for int8",
            )
        return "float32", "it has no 16-bit arithmetic in hardware, so that float32 is fastest without calibration"
    if wanted not in device.precisions:
        raise ConfigurationError(
            f"{device.name} has no {wanted} arithmetic; with OpenVINO it has {', '.join(device.precisions)}"
        )
    return wanted, f"{wanted} was asked for"
