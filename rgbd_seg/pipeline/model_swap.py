"""The model of a running pipeline: loaded beside the old one, and swapped in between two frames."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from rgbd_seg.errors import RgbdSegError
from rgbd_seg.pipeline.status import ModelState, ModelStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from rgbd_seg.inference.segmenter import Segmenter, SegmenterInfo

    Progress = Callable[[str, float], None]
    ModelLoader = Callable[[Progress], Segmenter]

_log = logging.getLogger(__name__)


class ModelSwap:
    """Holds the segmenter that waits for its turn, and what is known of the model.

    Any thread may ask for a model; only the inference thread calls `adopt`, and owns what it got from there. A
    segmenter that is never adopted is closed here.
    """

    def __init__(self, segmenter: Segmenter | None, wake: Callable[[], None]) -> None:
        """Begins with a loaded segmenter or with none; `wake` is called whenever `status` has changed."""
        self._lock = threading.Lock()
        self._wake = wake
        self._waiting = segmenter
        self._changed = segmenter is not None
        self._load_number = 0
        self._closed = False
        self._status = ModelStatus()
        if segmenter is not None:
            self._status = replace(self._status, state=ModelState.READY, info=segmenter.info, progress=1.0)

    @property
    def status(self) -> ModelStatus:
        """What is loaded, or how far a load has come."""
        with self._lock:
            return self._status

    def announce(self) -> int:
        """Says that a load begins; an earlier one that has not finished is forgotten.

        Returns:
            The number of the load, for `load`.
        """
        with self._lock:
            self._load_number += 1
            self._set(state=ModelState.LOADING, progress=0.0, stage="opening the file", error="")
            return self._load_number

    def load(self, loader: ModelLoader, number: int) -> None:
        """Runs a loader on the caller's thread and offers what it made; a failure leaves the old model running."""

        def progress(stage: str, fraction: float) -> None:
            with self._lock:
                if number == self._load_number:
                    self._set(progress=min(max(fraction, 0.0), 1.0), stage=stage)
            self._wake()

        try:
            segmenter = loader(progress)
        except Exception as error:  # A broken file or back end must leave the old model running.
            if isinstance(error, RgbdSegError):
                _log.warning("a model could not be loaded: %s", error)
            else:
                _log.exception("a model could not be loaded")
            with self._lock:
                if number == self._load_number:
                    self._set(state=ModelState.FAILED, error=str(error), stage="")
            self._wake()
            return
        _log.info("loaded %s", segmenter.info)
        with self._lock:
            wanted = number == self._load_number and not self._closed
            if wanted:
                self._offer(segmenter)
                self._set(state=ModelState.READY, info=segmenter.info, progress=1.0, stage="", error="")
        if not wanted:
            segmenter.close()
        self._wake()

    def unload(self) -> None:
        """Goes on without a model; a load that has not finished is forgotten."""
        with self._lock:
            self._load_number += 1
            self._offer(None)
            self._set(state=ModelState.NONE, info=None, error="")

    def failed(self, error: Exception) -> None:
        """The running model threw: the pipeline goes on without it, unless another waits already."""
        with self._lock:
            if not self._changed:
                self._offer(None)
                self._set(state=ModelState.FAILED, info=None, error=f"the model was stopped: {error}")

    def changed(self, known: SegmenterInfo, info: SegmenterInfo) -> None:
        """The running model had to become smaller or more exact; says so unless another is announced already."""
        _log.warning("the model changed: %s", info.notes[-1] if info.notes else info)
        with self._lock:
            if self._status.info is known:
                self._set(info=info)

    def adopt(self, running: Segmenter | None) -> tuple[Segmenter | None, bool]:
        """The segmenter for the next frame, and whether it is another; the one that ran is closed then."""
        with self._lock:
            if not self._changed:
                return running, False
            replacement, self._waiting, self._changed = self._waiting, None, False
        if running is not None:
            running.close()
        return replacement, True

    def close(self) -> None:
        """Closes what waits; what a loader makes from now on is closed at once."""
        with self._lock:
            self._closed = True
            waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.close()

    # With the lock held

    def _offer(self, segmenter: Segmenter | None) -> None:
        unused, self._waiting, self._changed = self._waiting, segmenter, True
        if unused is not None:
            unused.close()

    def _set(self, **changes: object) -> None:
        self._status = replace(self._status, **changes)  # type: ignore[arg-type]
