"""The pictures of one moment: when their memory is given back."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.app.view.display import Display
from rgbd_seg.app.view.kinds import VIEW_NAMES
from rgbd_seg.app.view.pictures import Pictures
from tests.app.conftest import make_segmentation

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


def test_a_moment_is_freed_without_the_collector_of_cycles(qtbot: QtBot) -> None:
    """With PyTorch loaded that collector comes by so seldom that the window grew by megabytes a minute."""
    plain = make_segmentation(truth=True)
    segmentation = replace(
        plain, frame=replace(plain.frame, prediction=plain.prediction, infrared=np.eye(30, 40, dtype=np.uint8) * 9)
    )
    second = make_segmentation(truth=True)
    gc.disable()
    try:
        pictures = Pictures(segmentation, Display(), (0.5, 4.0), second)
        made = {kind: pictures.image(kind) for kind in VIEW_NAMES if kind != "cloud"}
        infrared = made["infrared"]
        assert infrared is not None
        assert (infrared.width(), infrared.height()) == (40, 30)  # Its own size, stretched to white.
        assert infrared.pixelColor(5, 5).lightness() == 255
        gone = weakref.ref(pictures)
        del pictures
        assert gone() is None
        assert all(image is not None and not image.isNull() for image in made.values())
    finally:
        gc.enable()
