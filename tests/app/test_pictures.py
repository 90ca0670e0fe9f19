"""The pictures of one moment: when their memory is given back, and that images do not need them any longer."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtGui import QColor

from rgbd_seg.app.display import VIEW_NAMES, Display
from rgbd_seg.app.pictures import Pictures
from tests.app.conftest import HEIGHT, WIDTH, make_segmentation

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


def test_a_moment_is_freed_without_the_collector_of_cycles(qtbot: QtBot) -> None:
    """With PyTorch loaded that collector comes by so seldom that the window grew by megabytes a minute."""
    segmentation = make_segmentation(truth=True)
    second = make_segmentation(truth=True)
    gc.disable()
    try:
        pictures = Pictures(segmentation, Display(), (0.5, 4.0), second)
        made = {kind: pictures.image(kind) for kind in VIEW_NAMES if kind != "cloud"}
        gone = weakref.ref(pictures)
        del pictures
        assert gone() is None
        assert all(image is not None and not image.isNull() for image in made.values())
    finally:
        gc.enable()


def test_images_outlive_their_moment(qtbot: QtBot) -> None:
    """A view shows its image until it gets the next one, when the moment that made it is gone already."""
    kept = Pictures(make_segmentation(), Display(), (0.5, 4.0)).image("color")
    rubbish = [np.full((HEIGHT, WIDTH, 4), 7, np.uint8) for _ in range(20)]  # It takes whatever memory was free.
    assert kept is not None
    assert len(rubbish) == 20
    assert kept.pixelColor(0, 0) == kept.pixelColor(40, 30) == QColor(200, 100, 50)
