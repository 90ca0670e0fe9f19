"""A model can be loaded after pictures were rendered: the two sides bring libraries that do not get along."""

from __future__ import annotations

import subprocess
import sys

_CODE = """
from rgbd_seg.sensors import open_sensor
with open_sensor("synthetic:?seed=1") as room:
    room.read(30)
import rgbd_seg.models.deresunet as deresunet
import torchvision
print(deresunet.DeResUNetConfig.lite(5).classes)
"""


def test_network_is_imported_after_a_room_was_rendered() -> None:
    result = subprocess.run([sys.executable, "-c", _CODE], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout.strip()) == (0, "5"), result.stderr[-2000:]
