"""The thread that draws the 3D view: newest wish wins, and the cloud is thinned until it keeps up.

A cloud that stands still is drawn once more with every point.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.app.view.cloud.gl_painter import GlPainter
from rgbd_seg.app.view.cloud.scene import Scene, point_grid
from rgbd_seg.app.view.cloud.splat_painter import SplatPainter
from rgbd_seg.pipeline.slot import LatestSlot

_log = logging.getLogger(__name__)
_STRIDES = (1, 2, 3, 4, 6, 8)
_SLOW_MS = 45.0
_ROOM = 0.6  # Of that, at most, a finer cloud is expected to take before it is tried: else the two would alternate.
_DRAWINGS = 5  # So many take part in the decision, so that a single slow one changes nothing.
_STANDING_S = 0.15  # Without another wish the cloud counts as standing still.
# On a machine that draws with its processor, the network needs it more: at most this share of the time is drawing.
_SOFTWARE_SHARE = 0.35
_LONGEST_REST_S = 0.25


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


@dataclass(frozen=True, slots=True, eq=False)
class _Wish:
    """A scene, and from when on (monotonic seconds) it stands still if no other has been asked for."""

    scene: Scene
    stands_s: float


class Thinning:
    """How much a moving cloud is thinned: changed by several drawings together, and only where it will stay so."""

    def __init__(self) -> None:
        self._level = 2
        self._took_ms: deque[float] = deque(maxlen=_DRAWINGS)

    @property
    def stride(self) -> int:
        """Pixels of the frame between two points."""
        return _STRIDES[self._level]

    def took(self, elapsed_ms: float) -> None:
        """Counts a drawing of this stride."""
        self._took_ms.append(elapsed_ms)
        if len(self._took_ms) < _DRAWINGS:
            return
        usual_ms = median(self._took_ms)
        finer = _STRIDES[max(self._level - 1, 0)]
        if usual_ms > _SLOW_MS and self._level < len(_STRIDES) - 1:
            self._change(1)
        elif finer < self.stride and usual_ms * (self.stride / finer) ** 2 < _ROOM * _SLOW_MS:
            self._change(-1)

    def _change(self, by: int) -> None:
        self._level += by
        self._took_ms.clear()


class CloudWorker:
    """Takes scenes, gives drawings. Starts with the first scene."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """Draws nothing yet.

        Args:
            wake: Called from the thread when a drawing is ready.
        """
        self.drawings: LatestSlot[Drawing] = LatestSlot()
        self._wishes: LatestSlot[_Wish] = LatestSlot()
        self._wake = wake
        self._thread: threading.Thread | None = None

    def draw(self, scene: Scene, *, stands: bool = False) -> None:
        """Asks for a picture; an older wish that was not begun is forgotten.

        Args:
            scene: What to draw.
            stands: Nothing has moved since the last one, so that it is drawn with every point at once.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="rgbd-seg cloud", daemon=True)
            self._thread.start()
        self._wishes.put(_Wish(scene, time.monotonic() + (0.0 if stands else _STANDING_S)))

    def close(self, timeout_s: float = 2.0) -> None:
        self._wishes.close()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        painter = _best_painter()
        thinning = Thinning()
        rough: _Wish | None = None  # The last one drawn, if it was thinned.
        rest_until_s = 0.0
        try:
            while not self._wishes.closed:
                wish = self._wishes.take(max(rough.stands_s - time.monotonic(), 0.0) if rough is not None else None)
                if wish is not None:  # It moves: the network has its turn first, what comes meanwhile is drawn instead.
                    time.sleep(max(rest_until_s - time.monotonic(), 0.0))
                    wish = self._wishes.take_nowait() or wish
                else:
                    wish = rough
                if wish is None:
                    continue
                started = time.monotonic()
                stride = thinning.stride if started < wish.stands_s else 1
                scene = wish.scene
                try:
                    pixels = painter.paint(point_grid(scene, stride), scene.orbit, scene.size)
                except Exception:  # A driver may fail on any frame; the pictures beside go on.
                    _log.exception("the 3D view could not be drawn")
                    return
                elapsed_s = time.monotonic() - started
                self.drawings.put(Drawing(pixels, stride, elapsed_s * 1000, painter.name))
                self._wake()
                rough = wish if stride > 1 else None
                if stride == thinning.stride:
                    thinning.took(elapsed_s * 1000)
                if painter.software:
                    rest_until_s = time.monotonic() + min(elapsed_s * (1 / _SOFTWARE_SHARE - 1), _LONGEST_REST_S)
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
