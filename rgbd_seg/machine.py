"""What a benchmark ran on: processor, memory, accelerators, system and versions, without naming the machine itself."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import psutil

from rgbd_seg.inference.cpu import cpu_features, cpu_name, permitted_cpus

_PACKAGES = ("torch", "openvino", "onnxruntime", "numpy", "opencv-python-headless", "PySide6-Essentials")
# The CPU features that decide which arithmetic is fast, by Linux's names.
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
    features = cpu_features()
    return Machine(
        cpu=cpu_name(),
        cores=permitted_cpus(),
        features=tuple(name for name in _CPU_FEATURES if name in features),
        memory_gib=psutil.virtual_memory().total / 2**30,
        accelerators=accelerators,
        system=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        versions={name: found for name in _PACKAGES if (found := _version(name))},
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
