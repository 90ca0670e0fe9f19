"""The thread that draws the 3D view: newest wish wins, and the cloud is thinned until it keeps up."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rgbd_seg.app.view.cloud.scene import point_grid
from rgbd_seg.pipeline.slot import LatestSlot

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from rgbd_seg.app.view.cloud.gl_painter import GlPainter
    from rgbd_seg.app.view.cloud.scene import Scene
    from rgbd_seg.app.view.cloud.splat_painter import SplatPainter

_log = logging.getLogger(__name__)
_STRIDES = (1, 2, 3, 4, 6, 8)
_SLOW_MS, _QUICK_MS = 45.0, 12.0
# On a machine that draws with its processor, the network needs it more: at most this share of the time is drawing.
_SOFTWARE_SHARE = 0.35


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """One drawn picture.

    Attributes:
        pixels: (H, W, 4) uint8, Qt's RGB32.
        stride: How much the cloud was thinned.
        elapsed_ms: What drawing took.
        painter: How it was drawn, in words.
    """

    pixels: NDArray[np.uint8]
    stride: int
    elapsed_ms: float
    painter: str


class CloudWorker:
    """Takes scenes, gives drawings. Starts with the first scene."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """Draws nothing yet.

        Args:
            wake: Called from the thread when a drawing is ready.
        """
        self.drawings: LatestSlot[Drawing] = LatestSlot()
        self._scenes: LatestSlot[Scene] = LatestSlot()
        self._wake = wake
        self._thread: threading.Thread | None = None

    def draw(self, scene: Scene) -> None:
        """Asks for a picture; an older wish that was not begun is forgotten."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="rgbd-seg cloud", daemon=True)
            self._thread.start()
        self._scenes.put(scene)

    def close(self, timeout_s: float = 2.0) -> None:
        self._scenes.close()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        painter = _best_painter()
        level = 2
        try:
            while (scene := self._scenes.take()) is not None:
                started = time.perf_counter()
                try:
                    grid = point_grid(scene, _STRIDES[level])
                    pixels = painter.paint(grid, scene.orbit, scene.size)
                except Exception:  # A driver may fail on any frame; the pictures beside go on.
                    _log.exception("the 3D view could not be drawn")
                    return
                elapsed_ms = (time.perf_counter() - started) * 1000
                self.drawings.put(Drawing(pixels, _STRIDES[level], elapsed_ms, painter.name))
                self._wake()
                if elapsed_ms > _SLOW_MS and level < len(_STRIDES) - 1:
                    level += 1
                elif elapsed_ms < _QUICK_MS and level > 0:
                    level -= 1
                if painter.software:
                    time.sleep(min(elapsed_ms / 1000 * (1 / _SOFTWARE_SHARE - 1), 0.25))
        finally:
            painter.close()


def _best_painter() -> GlPainter | SplatPainter:
    from rgbd_seg.app.view.cloud.gl_painter import GlPainter
    from rgbd_seg.app.view.cloud.splat_painter import SplatPainter

    try:
        return GlPainter()
    except Exception as error:  # moderngl raises plain exceptions where there is no driver.
        _log.info("no OpenGL for the 3D view: %s", error)
        return SplatPainter()
