"""Pictures for training, read by the same functions as the window's, so that a network learns what people see."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.pictures.loading import read_color, read_depth, read_labels

_log = logging.getLogger(__name__)


def color_of(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB; what is not kept of the file is said once in the log.

    Raises:
        ConfigurationError: It is missing, damaged, or no picture.
    """
    try:
        return read_color(path, _say_once)
    except RecordingError as error:
        raise ConfigurationError(str(error)) from None


def depth_of(path: Path, invalid: int = 0) -> NDArray[np.uint16]:
    """(H, W) uint16 counts, 0 = hole; `invalid` is another count that means so.

    Raises:
        ConfigurationError: It is missing, damaged, or not one channel of 16 bits.
    """
    try:
        return read_depth(path, invalid)
    except RecordingError as error:
        raise ConfigurationError(str(error)) from None


def labels_of(path: Path, label_set: LabelSet) -> NDArray[np.uint8]:
    """(H, W) uint8 ids of a label set, 0 = void.

    Raises:
        ConfigurationError: It is missing, damaged, no label map, or holds an id outside 0..n.
    """
    try:
        labels = read_labels(path, _say_once)
    except RecordingError as error:
        raise ConfigurationError(str(error)) from None
    largest = int(labels.max(initial=0))
    if largest > len(label_set):
        raise ConfigurationError(
            f"{path} holds label {largest}, but the label set {label_set.name!r} ends at {len(label_set)}; "
            "give the list of classes that these labels were made with"
        )
    return labels


@lru_cache(maxsize=100)
def _say_once(sentence: str) -> None:
    _log.warning(sentence)
