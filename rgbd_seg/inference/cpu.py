"""What this machine's processor is and can, and how much of it a network may take."""

from __future__ import annotations

import os
import platform
import sys
from functools import lru_cache
from pathlib import Path

import psutil

_CPUINFO = Path("/proc/cpuinfo")
_BFLOAT16_FLAGS = {"amx_bf16", "avx512_bf16", "bf16"}  # The last is ARM's.
_MOST_THREADS = 16  # Networks of this size gain nothing from more.


def wait_passively() -> None:
    """Lets idle OpenMP threads sleep: spinning ones take the window's share, and slow shared machines several times.

    Has an effect only before torch is imported for the first time; settings of the user's own stay.
    """
    if "torch" not in sys.modules:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        os.environ.setdefault("GOMP_SPINCOUNT", "0")


def permitted_cpus() -> int:
    """How many logical processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # Not on Linux.


def default_threads() -> int:
    """Threads for a network: one for each core this process may use, less one for the window where there are many."""
    permitted = permitted_cpus()
    cores = min(permitted, psutil.cpu_count(logical=False) or permitted)
    return min(cores if cores <= 2 else cores - 1, _MOST_THREADS)


@lru_cache(maxsize=1)
def cpu_name() -> str:
    """The processor's name as its maker writes it."""
    name = _cpuinfo().get("model name", "") or platform.processor() or platform.machine()
    return " ".join(name.split())


@lru_cache(maxsize=1)
def cpu_features() -> frozenset[str]:
    """What the processor can besides the usual, by Linux's names; empty where the system does not list it."""
    found = _cpuinfo()
    return frozenset(f"{found.get('flags', '')} {found.get('Features', '')}".split())


def has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 in hardware; False where that cannot be found out."""
    return bool(_BFLOAT16_FLAGS & cpu_features())


def _cpuinfo() -> dict[str, str]:
    """The first processor's lines of /proc/cpuinfo; empty where there is none."""
    try:
        text = _CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    lines = text.split("\n\n", 1)[0].splitlines()
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
