"""Lens models by the many names that ROS, Foxglove, OpenCV and Kalibr give them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rgbd_seg.calibration import Intrinsics, LensModel

_POLYNOMIAL = frozenset(
    {"", "plumb_bob", "rational_polynomial", "brown_conrady", "modified_brown_conrady", "radtan"}
    | {"opencv", "opencv5", "opencv8", "opencv_pinhole"}
)
_FISHEYE = frozenset({"equidistant", "kannala_brandt", "kannala_brandt4", "fisheye", "fisheye4", "opencv_fisheye"})
_NONE = frozenset({"none", "pinhole", "simple_pinhole", "rectilinear"})


def distortion_of(model: str, numbers: Sequence[float]) -> tuple[tuple[float, ...], LensModel, str]:
    """A lens by the name that ROS, Foxglove, OpenCV or Kalibr give it.

    Args:
        model: The name; "" is taken for OpenCV's usual lens.
        numbers: Its coefficients, as many as the file has.

    Returns:
        The coefficients as `Intrinsics` wants them, the model, and a sentence if there is a lens that is not used.
    """
    name = model.strip().lower().replace("-", "_").replace(" ", "_")
    values = tuple(numbers)
    if not any(values) or name in _NONE:  # NaN counts as something.
        return (), "brown-conrady", ""
    if not all(map(math.isfinite, values)):
        return (), "brown-conrady", "Its lens distortion is not finite and is left out."
    if name in _FISHEYE and len(values) >= 4 and not any(values[4:]):
        return values[:4], "kannala-brandt", ""
    if name in _POLYNOMIAL:
        trimmed = values[: max((i + 1 for i, value in enumerate(values) if value), default=0)]
        for count in (5, 8):
            if len(trimmed) <= count:
                return trimmed + (0.0,) * (count - len(trimmed)), "brown-conrady", ""
    return (
        (),
        "brown-conrady",
        f"Its lens distortion ({model or 'unnamed'!r:.40} with {len(values)} numbers) is not known and is left out: "
        "points near the edges are off.",
    )


def scaled_to(intrinsics: Intrinsics, width: int, height: int) -> Intrinsics:
    """The same camera for a picture of this size."""
    if (intrinsics.width, intrinsics.height) == (width, height):
        return intrinsics
    return intrinsics.scaled(width, height)
