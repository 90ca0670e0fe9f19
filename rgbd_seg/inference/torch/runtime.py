"""Loads PyTorch's native libraries ahead of `import torch`, without Python's lock.

`import torch` maps and links some hundred megabytes of code while it holds that lock, and a window in the same process
stands still meanwhile (0.3 s on a quiet machine where the files were in memory, 0.9 s where they were not). Called
through ctypes, the same work lets other threads go on, and the import then finds it done.
"""

from __future__ import annotations

import ctypes
import os
import sys
from importlib.util import find_spec
from pathlib import Path

# In PyTorch's own order; the first is opened for everybody's eyes, as PyTorch does it.
_GLOBAL = "libtorch_global_deps.so"
_LIBRARIES = ("libtorch_cpu.so", "libtorch_cuda.so", "libtorch_python.so")


def load_libraries() -> None:
    """Does it once, on Linux; whatever cannot be loaded is left to `import torch`, which says why."""
    if "torch" in sys.modules or not sys.platform.startswith("linux"):
        return
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return
    folder = Path(spec.origin).parent / "lib"
    open_library = ctypes.CDLL(None).dlopen  # A foreign function: ctypes gives Python's lock away while it runs.
    open_library.restype = ctypes.c_void_p
    for name in (_GLOBAL, *_LIBRARIES):
        path = folder / name
        if path.is_file():
            open_library(os.fsencode(path), os.RTLD_NOW | (os.RTLD_GLOBAL if name == _GLOBAL else os.RTLD_LOCAL))
