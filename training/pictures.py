"""Decoding picture files, with messages that say which one and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from rgbd_seg.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def decode_picture(path: Path, flag: int) -> NDArray[Any]:
    """The pixels of a PNG or JPEG file.

    Args:
        path: The file.
        flag: How OpenCV is to decode it, such as `cv2.IMREAD_UNCHANGED`.

    Raises:
        ConfigurationError: It is missing, damaged, or no picture.
    """
    try:
        # Read first: OpenCV does not say why it could not, and cannot open every name.
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror or error}") from None
    picture = cv2.imdecode(data, flag) if data.size else None
    if picture is None:
        raise ConfigurationError(f"{path} is damaged or is not a picture; replace it or take it out of the set")
    return picture
