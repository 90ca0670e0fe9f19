"""A picture that PyAV has decoded, as RGB."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.pictures.codec import MAX_PIXELS

#: For a file that holds video where PyAV is missing.
HOW_TO_INSTALL = "pip install 'rgbd-seg[video]'"
# Rows from which video without a word about its colours is taken for HDTV's.
_HD_ROWS = 720


def rgb_of(picture: Any) -> NDArray[np.uint8]:
    """A decoded picture of PyAV as (H, W, 3) uint8 RGB.

    Raises:
        RecordingError: It is damaged.
    """
    if picture.is_corrupt or not 0 < picture.height * picture.width <= MAX_PIXELS:
        raise RecordingError("a picture of the video is damaged")
    unknown = int(picture.colorspace) == 2  # AVCOL_SPC_UNSPECIFIED
    space = ("ITU709" if picture.height >= _HD_ROWS else "ITU601") if unknown else None
    return np.asarray(picture.to_ndarray(format="rgb24", src_colorspace=space), np.uint8)
