"""Whether the pictures of a recording without times follow each other, as in a video, or are single photographs."""

from __future__ import annotations

from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.reader import RecordingReader

_PAIRS = 4  # So many neighbours are compared, spread over the recording.
_SIDE = (32, 24)
_ALIKE = 0.5  # Neighbours of a video at 2 frames a second and a walking pace correlate at 0.7 and more.


def follow_each_other(reader: RecordingReader) -> bool:
    """Looks at a few neighbours; a recording of fewer than three frames or of unreadable ones counts as a video."""
    if len(reader) < 3:
        return True
    found = []
    for position in np.unique(np.linspace(0, len(reader) - 2, _PAIRS).astype(int)):
        try:
            one, other = (_small(reader.read(int(at)).color) for at in (position, position + 1))
        except RecordingError:
            continue
        spread = float(one.std() * other.std())
        found.append(float(np.mean((one - one.mean()) * (other - other.mean()))) / spread if spread else 1.0)
    return not found or median(found) >= _ALIKE


def _small(color: NDArray[np.uint8]) -> NDArray[np.float32]:
    grey = cv2.resize(cv2.cvtColor(color, cv2.COLOR_RGB2GRAY), _SIDE, interpolation=cv2.INTER_AREA)
    return grey.astype(np.float32)
