"""What of a running pipeline can change while frames run."""

from __future__ import annotations

from dataclasses import dataclass

from rgbd_seg.inference.segmenter import Smoothing


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """What can change while frames run; adopted between two frames.

    Attributes:
        smoothing: Temporal smoothing of the model.
        min_confidence: Pixels below this confidence (0..1) stay unlabelled.
        reopen_every_s: Pause between two tries to reopen a lost camera.
        pre_roll_s: Frames from so long before a recording is started come into it too.
        pictures: Whether every frame lies in `pictures` at once, while a model still looks at older ones; but not in a
            replay whose every frame waits for the model.
    """

    smoothing: Smoothing = "off"
    min_confidence: float = 0.0
    reopen_every_s: float = 0.5
    pre_roll_s: float = 0.0
    pictures: bool = False
