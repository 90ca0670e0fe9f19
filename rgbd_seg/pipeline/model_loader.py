"""Loads models on a thread of its own and keeps the one that is in use, whatever the source does."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from rgbd_seg.errors import RgbdSegError
from rgbd_seg.pipeline.deadline import Deadline
from rgbd_seg.pipeline.kept_segmenter import KeptSegmenter
from rgbd_seg.pipeline.status import ModelState, ModelStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rgbd_seg.inference.available import BackendChoice
    from rgbd_seg.inference.segmenter import Segmenter, SegmenterOptions

    Progress = Callable[[str, float], None]
    Opener = Callable[[Path, SegmenterOptions, Progress], Segmenter]

_log = logging.getLogger(__name__)


class ModelLoader:
    """At most one model is in use, at most one load counts: a later one replaces an earlier that has not finished."""

    def __init__(
        self,
        opener: Opener,
        wake: Callable[[], None],
        ready: Callable[[KeptSegmenter | None], None],
        frame_size: Callable[[], tuple[int, int] | None],
    ) -> None:
        """Loads nothing yet.

        Args:
            opener: Opens a model file; called on a thread.
            wake: Called whenever the status changes.
            ready: Called with another model to use, or None for no model; on a thread or on the caller's.
            frame_size: Says (height, width) of the frames to come, so that a model is made ready for these at once,
                or None if that is not known. Called on a thread, and may wait a little.
        """
        self.opener = opener
        self._wake = wake
        self._ready = ready
        self._frame_size = frame_size
        self._lock = threading.Lock()
        self._status = ModelStatus()
        self._segmenter: KeptSegmenter | None = None
        self._number = 0
        self._threads: list[threading.Thread] = []

    @property
    def status(self) -> ModelStatus:
        """Where the model stands."""
        with self._lock:
            return self._status

    @property
    def segmenter(self) -> KeptSegmenter | None:
        """The model in use."""
        with self._lock:
            return self._segmenter

    @property
    def busy(self) -> bool:
        """Whether a load is under way, wanted or not."""
        with self._lock:
            return any(thread.is_alive() for thread in self._threads)

    def load(self, path: Path, options: SegmenterOptions) -> None:
        """Begins to load; the model in use goes on until the new one is ready."""
        with self._lock:
            self._number += 1
            number = self._number
            self._status = replace(self._status, state=ModelState.LOADING, progress=0.0, stage="opening", error="")
            thread = threading.Thread(
                target=self._load, args=(path, options, number), name="rgbd-seg load model", daemon=True
            )
            self._threads = [t for t in self._threads if t.is_alive()] + [thread]
        thread.start()
        self._wake()

    def unload(self) -> None:
        """Goes on without a model."""
        with self._lock:
            self._number += 1
            old, self._segmenter = self._segmenter, None
            self._status = ModelStatus()
        self._ready(None)
        if old is not None:
            old.release()
        self._wake()

    def look_up_backends(self, found: Callable[[tuple[BackendChoice, ...]], None]) -> None:
        """Asks the back ends what they find on this machine; calls `found` from a thread, in some seconds."""

        def body() -> None:
            found(import_module("rgbd_seg.inference").available_backends())

        thread = threading.Thread(target=body, name="rgbd-seg look up back ends", daemon=True)
        with self._lock:
            self._threads = [t for t in self._threads if t.is_alive()] + [thread]
        thread.start()

    def close(self, timeout_s: float) -> None:
        """Gives up a load that is under way and frees the model."""
        with self._lock:
            self._number += 1
            old, self._segmenter = self._segmenter, None
            threads = list(self._threads)
        deadline = Deadline(timeout_s)
        for thread in threads:
            thread.join(deadline.left_s)
        if old is not None:
            old.release()

    def _load(self, path: Path, options: SegmenterOptions, number: int) -> None:
        def progress(stage: str, fraction: float) -> None:
            with self._lock:
                if number == self._number:
                    self._status = replace(self._status, stage=stage, progress=min(max(fraction, 0.0), 1.0))
            self._wake()

        try:
            options = replace(options, frame_size=self._frame_size())
            segmenter = KeptSegmenter(self.opener(path, options, progress))
        except Exception as error:  # Whatever a back end throws, the window goes on with what it has.
            if isinstance(error, RgbdSegError):
                _log.warning("the model %s could not be loaded: %s", path, error)
            else:
                _log.exception("the model %s could not be loaded", path)
            with self._lock:
                if number == self._number:
                    self._status = replace(self._status, state=ModelState.FAILED, error=str(error), stage="")
            self._wake()
            return
        with self._lock:
            wanted = number == self._number
            if wanted:
                old, self._segmenter = self._segmenter, segmenter
                self._status = ModelStatus(ModelState.READY, segmenter.info, 1.0)
        if not wanted:
            segmenter.release()
            return
        self._ready(segmenter)
        if old is not None:
            old.release()
        self._wake()
