"""One of our own model files for OpenVINO: what it is, and how its graphs are made where the cache lacks them.

Does without PyTorch until a graph has to be made, and leaves even that to another process where it can: the window
neither waits for PyTorch nor keeps it in memory.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from rgbd_seg.inference.cache import file_digest
from rgbd_seg.inference.chain import Chain
from rgbd_seg.inference.model_info import OwnModelFile
from rgbd_seg.inference.openvino.conversion import Conversion, convert_apart

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.inference.openvino.runtime import Device
    from rgbd_seg.inference.resize import Size


class OpenVinoModel(OwnModelFile):
    """A model file in the precision of a device: the network is left in float32, and the device computes in its own."""

    def __init__(self, path: Path, size: Size | None, precision: str) -> None:
        super().__init__(path, size)
        self._precision = precision

    def parts(self, frame_size: Size) -> Chain:
        """The graph for frames of that size, in two parts."""
        return Chain(
            {"scores": lambda: self._scores(frame_size), "labels": partial(self._decision, frame_size, smoothed=False)},
            partial(self._decision, frame_size, smoothed=True),
        )

    def contents(self, frame_size: Size) -> str:
        """Names what the parts are made from, for the cache."""
        return f"{file_digest(self._path)} {self._size} {frame_size}"

    def make_ready(self, frame_size: Size, device: Device, threads: int | None) -> None:
        """Lets another process make the parts and fill the cache with them, where that is worth its while.

        A process that has loaded PyTorch gains nothing by it any more: it makes the parts itself, as does one whose
        cache cannot be written.

        Raises:
            ModelError: The file cannot be used.
        """
        if "torch" not in sys.modules:
            convert_apart(Conversion(str(self._path), self._size, self._precision, frame_size, device.id, threads))

    def _scores(self, frame_size: Size) -> Any:
        from rgbd_seg.inference.openvino.graph import first_part

        return first_part(self._path, frame_size, self._size)

    def _decision(self, frame_size: Size, *, smoothed: bool) -> Any:
        from rgbd_seg.inference.openvino.graph import decision

        return decision(self._card.network.classes, frame_size, self._size, smoothed=smoothed)
