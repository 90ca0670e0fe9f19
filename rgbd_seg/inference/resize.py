"""The one definition of how pictures change size: in training, in the deployed graph, and in every exported file.

All sampling points are those of half-pixel centres: output pixel i looks at (i + 0.5) * before / after - 0.5.

- Colour: bilinear without antialiasing (OpenCV's INTER_LINEAR, ONNX Resize "linear" with "half_pixel"). Where the
  picture is at least two times too large both ways, blocks of k x k whole pixels are averaged first; that keeps fine
  texture from turning into noise, and each back end can do it exactly.
- Depth and labels: nearest, index ((2 i + 1) * before) // (2 * after) (OpenCV's INTER_NEAREST_EXACT). Never a mean:
  between an object and the wall behind it, or beside a hole, a mean is a depth where nothing is. Taken by whole-number
  indices and never by a runtime's own nearest resizing: from 480x640 to 256x320, OpenVINO's took another pixel than
  PyTorch's at 11 % of the places, because it rounds position / scale in its own way.

Mixing definitions costs much more than one expects. Share of equal labels between a network fed by OpenCV's
INTER_LINEAR and INTER_NEAREST and the same network (random weights) fed otherwise, 480x640 to 240x320, on Kinect v1
frames and on random numbers: bilinear in float 0.998 and 0.999 (only the rounding to bytes differs); corners aligned
0.981 and 0.910; antialiased 0.982 and 0.917; depth taken half a pixel elsewhere 0.985 and 0.814; depth interpolated
across holes 0.966 and 0.827.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

Size = tuple[int, int]  # Height and width in pixels.


def block_size(before: Size, after: Size) -> int:
    """Side of the blocks that are averaged before a colour picture is interpolated; 1 for none."""
    return max(1, min(before[0] // after[0], before[1] // after[1]))


def decision_size(size: Size, frame_size: Size) -> Size:
    """Where labels are decided, height and width: at the network's size, or at half the camera's where that is more."""
    return max(size[0], frame_size[0] // 2), max(size[1], frame_size[1] // 2)


def nearest_indices(before: int, after: int) -> NDArray[np.int64]:
    """Which of `before` rows (or columns) each of `after` rows takes: (after,) int64."""
    return (2 * np.arange(after, dtype=np.int64) + 1) * before // (2 * after)


def resize_color(color: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """A colour picture in another size.

    Args:
        color: (H, W, 3) uint8.
        size: Height and width wanted.
    """
    before = (color.shape[0], color.shape[1])
    k = block_size(before, size)
    if k > 1:
        rows, columns = before[0] // k, before[1] // k
        color = cv2.resize(color[: rows * k, : columns * k], (columns, rows), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    if color.shape[:2] == size:
        return color
    return cv2.resize(color, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


def resize_nearest(picture: NDArray[Any], size: Size) -> NDArray[Any]:
    """Depth or labels in another size.

    Args:
        picture: (H, W) of any dtype.
        size: Height and width wanted.
    """
    if picture.shape == size:
        return picture
    rows, columns = (nearest_indices(b, a) for b, a in zip(picture.shape, size, strict=True))
    return picture[rows[:, None], columns]


def resize_color_tensor(color: Tensor, before: Size, size: Size) -> Tensor:
    """The same as `resize_color`, without rounding.

    Args:
        color: (N, 3, H, W) float.
        before: H and W, given so that an exported graph has constants.
        size: Height and width wanted.
    """
    from torch.nn import functional  # Here: what runs without PyTorch needs the rest of this file.

    k = block_size(before, size)
    if k > 1:
        color = functional.avg_pool2d(color, k)
        before = (before[0] // k, before[1] // k)
    if before == size:
        return color
    return functional.interpolate(color, size, mode="bilinear", align_corners=False, antialias=False)


def nearest_index_tensors(before: Size, size: Size) -> tuple[Tensor, Tensor]:
    """Rows (h, 1) and columns (w,) int64 that give `resize_nearest` of a tensor by `picture[..., rows, columns]`."""
    import torch

    rows, columns = (torch.from_numpy(nearest_indices(b, a)) for b, a in zip(before, size, strict=True))
    return rows[:, None], columns
