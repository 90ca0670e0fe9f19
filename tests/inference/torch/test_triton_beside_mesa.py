"""Triton is imported early where a GPU may need it, and hidden where it would meet Mesa's LLVM or serve nobody."""

from __future__ import annotations

import subprocess
import sys
import types
from typing import TYPE_CHECKING

import pytest

from rgbd_seg.inference.torch import triton_beside_mesa as settling

if TYPE_CHECKING:
    from pathlib import Path

_ROOM_FIRST = """
from rgbd_seg.sensors import open_sensor
with open_sensor("synthetic:?seed=1") as room:
    room.read(30)
from rgbd_seg.inference.torch.triton_beside_mesa import settle
settle()
import rgbd_seg.models.deresunet as deresunet
import torchvision
print(deresunet.DeResUNetConfig.lite(5).classes)
"""


def test_network_is_imported_after_a_room_was_rendered() -> None:
    result = subprocess.run([sys.executable, "-c", _ROOM_FIRST], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout.strip()) == (0, "5"), result.stderr[-2000:]


@pytest.mark.parametrize(
    ("gpu", "mapped", "hidden"),
    [(True, "libc.so.6", False), (True, "/usr/lib/libLLVM-15.so.1", True), (False, "libc.so.6", True)],
    ids=["GPU", "GPU after Mesa", "no GPU"],
)
def test_triton_is_there_for_a_gpu_and_hidden_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gpu: bool, mapped: str, hidden: bool
) -> None:
    driver, maps = tmp_path / "nvidiactl", tmp_path / "maps"
    maps.write_text(f"7f00-7f01 r-xp 00000000 08:01 1 {mapped}\n")
    if gpu:
        driver.touch()
    monkeypatch.setattr("rgbd_seg.inference.torch.gpu_files.FILES", (driver,))
    monkeypatch.setattr(settling, "MAPS", maps)
    (tmp_path / "triton.py").write_text("")  # The real one must not meet what other tests have loaded.
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "triton", None)
    del sys.modules["triton"]
    settling.settle()
    found = sys.modules["triton"]
    assert found is None if hidden else isinstance(found, types.ModuleType)
