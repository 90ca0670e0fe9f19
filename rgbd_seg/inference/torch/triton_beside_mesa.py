"""Keeping two copies of LLVM in one process apart: that of Triton, and that of OpenGL in software.

PyTorch's compiler for GPUs, Triton, brings an LLVM of its own. Where OpenGL runs in software, Mesa loads another, and
importing Triton after that ends the process with a segmentation fault; the other way round both work (Triton 3.9,
Mesa 22.3 with LLVM 15). PyTorch imports Triton late and unasked, so programs settle the order when they begin, and
`open_segmenter` where nobody has.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from pathlib import Path

from rgbd_seg.inference.torch.gpu_files import has_gpu_files

MAPS = Path("/proc/self/maps")


def settle() -> None:
    """Imports Triton before Mesa can, where there may be a GPU for it, so that `torch.compile` works; else hides it.

    Without a GPU nothing is lost: on CPUs `torch.compile` does without Triton.
    """
    if "triton" in sys.modules:
        return
    if has_gpu_files() and not _mesa_brought_llvm():
        with contextlib.suppress(ImportError):
            import triton  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: F401
        return
    sys.modules["triton"] = None  # type: ignore[assignment]
    logging.getLogger("torch.utils.flop_counter").setLevel(logging.ERROR)  # It would say that Triton is missing.


def _mesa_brought_llvm() -> bool:
    try:
        return "libLLVM" in MAPS.read_text(encoding="utf-8", errors="replace")
    except OSError:  # Not Linux: no Mesa.
        return False
