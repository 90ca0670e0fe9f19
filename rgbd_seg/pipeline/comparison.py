"""A second model on the very frames that the first one has segmented: newest wins here too. No Qt."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rgbd_seg.errors import RgbdSegError
from rgbd_seg.pipeline.slot import LatestSlot
from rgbd_seg.scores import Scores

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rgbd_seg.frame import Segmentation
    from rgbd_seg.inference.segmenter import SegmenterOptions
    from rgbd_seg.pipeline.model_slot import Opener

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """What two models saw in one frame."""

    first: Segmentation
    second: Segmentation


class Comparison:
    """Begins to load the second model when it is made."""

    def __init__(self, path: Path, options: SegmenterOptions, opener: Opener, wake: Callable[[], None]) -> None:
        """Starts the thread.

        Args:
            path: The second model's file.
            options: How it is run.
            opener: Opens model files.
            wake: Called from the thread when there is a pair, or an error.
        """
        self.path = path
        self.error = ""
        self.pairs: LatestSlot[Pair] = LatestSlot()
        self.agreement = Scores()
        self._waiting: LatestSlot[Segmentation] = LatestSlot()
        self._options, self._opener, self._wake = options, opener, wake
        self._thread = threading.Thread(target=self._run, name="rgbd-seg second model", daemon=True)
        self._thread.start()

    def offer(self, segmentation: Segmentation) -> None:
        """Hands over what the first model saw; an older one that was not begun is forgotten."""
        if segmentation.labels is not None:
            self._waiting.put(segmentation)

    def close(self, timeout_s: float = 1.5) -> None:
        """Ends the thread and frees the model."""
        self._waiting.close()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            with self._opener(self.path, self._options, lambda _stage, _part: None) as segmenter:
                while (first := self._waiting.take()) is not None:
                    second = segmenter(first.frame)
                    if first.labels is not None and first.label_set is not None and second.labels is not None:
                        self.agreement.add_labels(first.labels, first.label_set, second)
                    self.pairs.put(Pair(first, second))
                    self._wake()
        except Exception as error:  # Whatever a back end throws, the first model goes on.
            if not isinstance(error, RgbdSegError):
                _log.exception("the second model failed")
            self.error = str(error) or repr(error)
            self._wake()
