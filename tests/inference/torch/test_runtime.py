"""PyTorch's libraries are in the process before Python imports them, and PyTorch works afterwards."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.waiting import PATIENCE_S

_CODE = """
import sys
from pathlib import Path
from rgbd_seg.inference.torch.runtime import load_libraries
load_libraries()
assert "libtorch_cpu.so" in Path("/proc/self/maps").read_text()
assert "torch" not in sys.modules
import torch
print(int(torch.ones(3, 3).sum()))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the import itself loads them")
def test_libraries_come_before_the_import() -> None:
    done = subprocess.run([sys.executable, "-c", _CODE], capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    assert done.stdout.strip() == "9"
