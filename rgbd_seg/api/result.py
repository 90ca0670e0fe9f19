"""What a model saw in a frame, and what can be asked of it."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, fields
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import deproject
from rgbd_seg.coloring import OPACITY, paint_overlay
from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.frame import Segmentation
from rgbd_seg.labels import LabelSet
from rgbd_seg.measurements import measure

_NEAREST_PERCENT = 1.0


class AssumedLens(UserWarning):
    """Metres beside the line of sight come from a lens that nobody has given."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Result(Segmentation):
    """A segmentation by a model: labels are always there.

    Attributes:
        frame: The frame that was segmented, an `RgbdFrame`.
        labels: (H, W) uint8 ids of `label_set`, 0 = unlabelled.
        confidence: (H, W) uint8, 255 = certain, or None where the model has none.
        label_set: What the ids mean: `label_set.names`, `label_set.id_of("chair")`.
        elapsed_s: Seconds by stage, in order.
        model: Name of the model.
    """

    labels: NDArray[np.uint8]
    label_set: LabelSet

    @staticmethod
    def of(segmentation: Segmentation) -> Result:
        """The same with labels that are known to be there.

        Raises:
            ModelError: There are none.
        """
        if segmentation.labels is None or segmentation.label_set is None:
            raise ModelError(f"the model gave no labels for frame {segmentation.frame.index}")
        known: dict[str, Any] = {field.name: getattr(segmentation, field.name) for field in fields(Segmentation)}
        return Result(**known)

    def mask(self, name: str, *, min_confidence: float = 0.0) -> NDArray[np.bool_]:
        """Where a class is: (H, W) bool.

        Args:
            name: Of the class, such as "chair".
            min_confidence: Pixels below this (0..1) are left out.

        Raises:
            ConfigurationError: The model knows no such class (the message lists those it knows), or `min_confidence`
                is not 0..1.
        """
        if not 0 <= min_confidence <= 1:
            raise ConfigurationError(f"min_confidence must be 0..1, not {min_confidence!r}")
        mask: NDArray[np.bool_] = self.labels == self.label_set.id_of(name)
        if min_confidence > 0 and self.confidence is not None:
            mask &= self.confidence >= min_confidence * 255
        return mask

    def areas(self) -> dict[str, float]:
        """Visible surface in square metres of each class in view, largest first; slant is counted, holes are not."""
        self._warn_of_assumed_lens()
        return {one.name: one.area_m2 for one in measure(self)}

    def nearest(self, name: str, *, min_confidence: float = 0.0, min_pixels: int = 100) -> float:
        """Metres from the camera to the nearest part of a class: that of its nearest 1 %, against single wrong pixels.

        Pixels without depth cannot count: at very short range cameras give none, so keep another guard for that.

        Args:
            name: Of the class, such as "person".
            min_confidence: Pixels below this (0..1) do not count; small models often see a little of everything.
            min_pixels: Fewer pixels with depth than this count as none.

        Returns:
            `math.inf` where the class is not in view.

        Raises:
            ConfigurationError: As `mask`.
        """
        mask = self.mask(name, min_confidence=min_confidence) & (self.frame.depth > 0)
        if np.count_nonzero(mask) < max(min_pixels, 1):
            return math.inf
        self._warn_of_assumed_lens()
        points = deproject(self.frame.depth, self.frame.calibration)[mask]
        points = points[points[:, 2] > 0]  # Some lenses have no ray for pixels at the very edge.
        if not len(points):
            return math.inf
        return float(np.percentile(np.linalg.norm(points, axis=1), _NEAREST_PERCENT))

    def overlay(self, opacity: float = OPACITY) -> NDArray[np.uint8]:
        """The classes in their colours over the camera's picture: (H, W, 3) uint8 RGB, a new array.

        Args:
            opacity: 0 shows the camera alone, 1 the classes alone.

        Raises:
            ConfigurationError: `opacity` is not 0..1.
        """
        if not 0 <= opacity <= 1:
            raise ConfigurationError(f"opacity must be 0..1, not {opacity!r}")
        return paint_overlay(self.frame.color, self.labels, self.label_set.palette(), opacity)

    @overload
    def points(self) -> NDArray[np.float32]: ...
    @overload
    def points(self, *, labels: Literal[False]) -> NDArray[np.float32]: ...
    @overload
    def points(self, *, labels: Literal[True]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]: ...
    def points(self, *, labels: bool = False) -> NDArray[np.float32] | tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Everything with depth as points in metres: x right, y down, z ahead of the colour camera.

        Args:
            labels: Whether the class of each point comes with it.

        Returns:
            (N, 3) float32; with `labels` also (N,) uint8 ids. In the order of `frame.depth > 0`, so that
            `frame.color[frame.depth > 0]` are their colours.
        """
        self._warn_of_assumed_lens()
        there = self.frame.depth > 0
        points = deproject(self.frame.depth, self.frame.calibration)[there]
        return (points, self.labels[there]) if labels else points

    def _warn_of_assumed_lens(self) -> None:
        if self.frame.calibration.origin == "assumed":
            warnings.warn(
                "areas, distances and points are of a lens that was assumed: give intrinsics where they are known",
                AssumedLens,
                stacklevel=3,
            )
