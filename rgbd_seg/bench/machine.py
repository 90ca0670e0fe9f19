"""What a benchmark ran on: processor, memory, accelerators, system and versions, without naming the machine itself."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

_PACKAGES = ("torch", "openvino", "onnxruntime", "numpy", "opencv-python-headless", "PySide6-Essentials")
# The CPU features that decide which arithmetic is fast, by their names in Linux's /proc/cpuinfo.
_CPU_FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_bf16", "amx_int8", "asimd", "bf16")


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine of a measurement.

    Attributes:
        cpu: Name of the processor.
        cores: Logical CPUs that this process may use.
        features: Vector and matrix extensions of the processor that matter here.
        memory_gib: Main memory in GiB.
        accelerators: Names of the GPUs that PyTorch sees; empty if it was not asked.
        system: Operating system and Python.
        versions: Installed libraries.
    """

    cpu: str
    cores: int
    features: tuple[str, ...]
    memory_gib: float
    accelerators: tuple[str, ...]
    system: str
    versions: dict[str, str]

    def __str__(self) -> str:
        features = f" with {', '.join(self.features)}" if self.features else ""
        gpus = f"; {', '.join(self.accelerators)}" if self.accelerators else "; no GPU"
        libraries = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        return (
            f"{self.cpu}, {self.cores} logical cores{features}, {self.memory_gib:.0f} GiB{gpus}; "
            f"{self.system}; {libraries}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def describe_machine(accelerators: tuple[str, ...] = ()) -> Machine:
    """Describes this machine.

    Args:
        accelerators: Names of the GPUs, from whoever has loaded PyTorch (this function does not).
    """
    cpu, flags = _processor()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(
        cpu=cpu,
        cores=cores,
        features=tuple(name for name in _CPU_FEATURES if name in flags),
        memory_gib=psutil.virtual_memory().total / 2**30,
        accelerators=accelerators,
        system=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        versions={name: found for name in _PACKAGES if (found := _version(name))},
    )


def _processor() -> tuple[str, frozenset[str]]:
    """The processor's name and its feature flags (empty where the system does not list them)."""
    name, flags = platform.processor() or platform.machine(), frozenset[str]()
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:  # Not Linux.
        return name, flags
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            name = value.strip()
        elif key.strip() in ("flags", "Features"):
            flags = frozenset(value.split())
    return name, flags


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
