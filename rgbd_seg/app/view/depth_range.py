"""Which distances the depth colours span: chosen by hand, or following the picture slowly enough not to flicker."""

from __future__ import annotations

from rgbd_seg.coloring import depth_ends_m
from rgbd_seg.frame import RgbdFrame

_FOLLOW = 0.08  # Share of the way to the newest frame's range, each frame.
_JUMP_M = 1.5  # A change as large as this is a cut: follow at once.


class DepthRange:
    """The present near and far end in metres."""

    def __init__(self) -> None:
        self._near_m, self._far_m = 0.4, 6.0
        self._settled = False

    def reset(self) -> None:
        """Forgets the old source."""
        self._settled = False

    def follow(self, frame: RgbdFrame) -> None:
        near, far = depth_ends_m(frame.depth, frame.calibration.depth_unit_m)
        if not self._settled or abs(far - self._far_m) > _JUMP_M:
            self._near_m, self._far_m, self._settled = near, far, True
        else:
            self._near_m += _FOLLOW * (near - self._near_m)
            self._far_m += _FOLLOW * (far - self._far_m)

    def ends(self, near_m: float | None, far_m: float | None) -> tuple[float, float]:
        """Near and far in metres, with what was chosen by hand instead of the automatic end."""
        near = self._near_m if near_m is None else near_m
        far = self._far_m if far_m is None else far_m
        return near, max(far, near + 0.05)
