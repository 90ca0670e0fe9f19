"""The one owner of the model: loads it, keeps it while sources change, prepares it for the size of their frames.

    NONE -- load --> LOADING --> READY -- a frame of another size --> LOADING (preparing) --> READY
                        |          '-- it throws on a frame --> FAILED, frames go on without labels
                        '--> FAILED, the model before goes on

A segmenter is used by one thread at a time: by the one that loads it until it takes over between two frames, by the
inference thread while it segments a frame, by a thread of this slot while it is prepared for frames of another size.
None of them waits for another: while the model is prepared, the picture goes on without labels. Who has done with a
segmenter that was replaced meanwhile closes it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rgbd_seg.errors import RgbdSegError
from rgbd_seg.frame import RgbdFrame, Segmentation
from rgbd_seg.inference.segmenter import Segmenter, SegmenterInfo, SegmenterOptions, Smoothing
from rgbd_seg.pipeline.background import Background, Deadline
from rgbd_seg.pipeline.status import ModelState, ModelStatus

Progress = Callable[[str, float], None]
Opener = Callable[[Path, SegmenterOptions, Progress], Segmenter]

_FIRST_FRAME_S = 3.0  # So long a load waits for the first frame of a source that is being opened, to know its size.
_LOOK_EVERY_S = 0.05
_SIZE_KEPT_S = 1.0
_log = logging.getLogger(__name__)


def open_model(path: Path, options: SegmenterOptions, progress: Progress) -> Segmenter:
    """Opens a model file on the best back end."""
    from rgbd_seg.inference import open_segmenter  # As late as can be: back ends bring large libraries with them.

    return open_segmenter(path, options, progress)


class ModelSlot:
    """At most one model is in use, and at most one load counts: a later one replaces an earlier that has not finished.

    Any thread may ask for a model; frames come from the inference thread of one pipeline after the other.
    """

    def __init__(
        self,
        wake: Callable[[], None],
        *,
        opener: Opener = open_model,
        segmenter: Segmenter | None = None,
        frames_come: Callable[[], bool] = lambda: False,
    ) -> None:
        """Begins with a loaded segmenter or with none.

        Args:
            wake: Called from any thread whenever `status` has changed.
            opener: Opens a model file; called on a thread.
            segmenter: Closed by this slot.
            frames_come: Says whether a source is open or being opened, so that it is worth a little while to wait for
                the size of its frames before a model is loaded for them. Called on a thread.
        """
        self.opener = opener
        self._wake = wake
        self._frames_come = frames_come
        self._changed = threading.Condition()
        self._background = Background()
        self._load_number = 0
        self._loading = False
        self._segmenter = segmenter
        self._in_use = False  # By the inference thread, or by the one that prepares it.
        self._preparing = False
        self._ready_for: tuple[int, int] | None = None  # (height, width) of frames, None if that is not known.
        self._size_unused_until = 0.0
        self._frame_size: tuple[int, int] | None = None
        self._configured: tuple[Smoothing, float] | None = None
        self._last_index = -1
        self._look_again: Callable[[], None] | None = None
        self._status = ModelStatus()
        if segmenter is not None:
            self._status = ModelStatus(ModelState.READY, segmenter.info, 1.0)

    @property
    def status(self) -> ModelStatus:
        """What is loaded, or how far a load or a preparation has come."""
        with self._changed:
            return self._status

    @property
    def busy(self) -> bool:
        """Whether a load or a preparation is under way, wanted or not."""
        return self._background.busy

    def load(self, path: Path, options: SegmenterOptions) -> None:
        """Begins to load; the model in use goes on until the new one is ready, or for good if it cannot be loaded."""
        with self._changed:
            self._load_number += 1
            number = self._load_number
            self._loading = True
            self._set(state=ModelState.LOADING, progress=0.0, stage="opening", error="")
        self._background.begin(f"load model {number}", lambda: self._load(path, options, number))
        self._wake()

    def unload(self) -> None:
        """Goes on without a model."""
        with self._changed:
            self._load_number += 1
            self._loading = False
            self._status = ModelStatus()
        self._replace(None, None)

    def attach(self, look_again: Callable[[], None]) -> None:
        """Another pipeline sends its frames here from now on.

        Args:
            look_again: Called from a thread when a frame that was sent before may now come back otherwise.
        """
        with self._changed:
            self._look_again = look_again
            self._last_index = -1
            self._configured = None  # With the next frame the model forgets those of the pipeline before, too.

    def forget_frame_size(self) -> None:
        """Another source is being opened: the size of its frames is not known yet."""
        with self._changed:
            self._frame_size = None

    def wait_prepared(self, timeout_s: float) -> None:
        """Waits while the model is being prepared, at most `timeout_s` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not self._preparing, timeout_s)

    def close(self, timeout_s: float) -> None:
        """Gives up what is under way and frees the model; waits at most `timeout_s` seconds for that."""
        with self._changed:
            self._load_number += 1
            self._look_again = None
        self._background.join(timeout_s)
        self._replace(None, None)

    def segment(
        self, frame: RgbdFrame, smoothing: Smoothing, min_confidence: float, *, standing: bool = False
    ) -> Segmentation | None:
        """Segments a frame, without labels where there is no model.

        Args:
            frame: The frame.
            smoothing: As in `SegmenterOptions`.
            min_confidence: As in `SegmenterOptions`.
            standing: No other frame comes before this one has labels.

        Returns:
            None while the model is being prepared for such frames, which begins with the first of them.
        """
        size, wanted = (frame.height, frame.width), (smoothing, min_confidence)
        with self._changed:
            self._frame_size = size
            segmenter = self._segmenter
            if segmenter is None:
                return Segmentation(frame)
            if self._in_use:
                return None
            if size != self._ready_for:
                # Where sizes alternate, a frame of the one that was prepared for comes by before the next preparation.
                if standing or time.monotonic() >= self._size_unused_until:
                    self._in_use = self._preparing = True
                    if not self._loading:
                        self._set(state=ModelState.LOADING, progress=0.6, stage=_preparing(size))
                    self._background.begin("prepare model", lambda: self._prepare(segmenter, size))
                return None
            self._in_use = True
            self._size_unused_until = 0.0
            cut = self._configured is None or frame.index < self._last_index  # Another source, a seek, a new loop.
            changed = wanted != self._configured
            self._configured, self._last_index = wanted, frame.index
        known = segmenter.info
        try:
            if changed:
                segmenter.configure(smoothing=smoothing, min_confidence=min_confidence)
            if cut:
                segmenter.reset()
            return segmenter(frame)
        except Exception as error:  # Whatever a back end throws, the picture goes on without labels.
            _log.exception("the model failed on frame %d", frame.index)
            self._break(segmenter, error)
            return Segmentation(frame)
        finally:
            self._hand_back(segmenter, known)

    # Threads of this slot

    def _load(self, path: Path, options: SegmenterOptions, number: int) -> None:
        def progress(stage: str, fraction: float) -> None:
            with self._changed:
                if number == self._load_number:
                    self._set(progress=min(max(fraction, 0.0), 1.0), stage=stage)
            self._wake()

        segmenter: Segmenter | None = None
        try:
            size = self._coming_frame_size()
            segmenter = self.opener(path, replace(options, frame_size=size), progress)
            while (coming := self._frame_size) is not None and coming != size:  # Another source was opened meanwhile.
                progress(_preparing(coming), 0.6)  # Not the "ready" of the size before.
                segmenter.prepare(coming)
                size = coming
        except Exception as error:  # Whatever a back end throws, the program goes on with what it has.
            if isinstance(error, RgbdSegError):
                _log.warning("the model %s could not be loaded: %s", path, error)
            else:
                _log.exception("the model %s could not be loaded", path)
            if segmenter is not None:
                segmenter.close()
            with self._changed:
                if number == self._load_number:
                    self._loading = False
                    self._set(state=ModelState.FAILED, error=str(error), stage="")
            self._wake()
            return
        _log.info("loaded %s", segmenter.info)
        self._replace(segmenter, size, number)

    def _coming_frame_size(self) -> tuple[int, int] | None:
        deadline = Deadline(_FIRST_FRAME_S)
        with self._changed:
            while self._frame_size is None and deadline.left_s > 0:
                self._changed.release()
                coming = self._frames_come()
                self._changed.acquire()
                if not coming:
                    break
                self._changed.wait(_LOOK_EVERY_S)
            return self._frame_size

    def _prepare(self, segmenter: Segmenter, size: tuple[int, int]) -> None:
        known = segmenter.info
        try:
            segmenter.prepare(size)
        except Exception as error:  # As on a frame.
            _log.exception("the model could not be prepared for %dx%d frames", size[1], size[0])
            self._break(segmenter, error)
        self._hand_back(segmenter, known, prepared_for=size)
        self._tell()

    # What all of them do

    def _replace(self, segmenter: Segmenter | None, size: tuple[int, int] | None, number: int | None = None) -> None:
        """Puts another segmenter in the place of the present one, unless its load does not count any more."""
        with self._changed:
            unused = segmenter
            if number is None or number == self._load_number:
                unused, self._segmenter = self._segmenter, segmenter
                if segmenter is not None:
                    self._loading = False
                    self._status = ModelStatus(ModelState.READY, segmenter.info, 1.0)
                self._ready_for, self._configured = size, None
                if self._in_use:
                    unused = None  # Whoever uses it closes it.
                self._in_use = self._preparing = False
                self._changed.notify_all()
        if unused is not None:
            unused.close()
        self._tell()

    def _hand_back(
        self, segmenter: Segmenter, known: SegmenterInfo, prepared_for: tuple[int, int] | None = None
    ) -> None:
        with self._changed:
            current = self._segmenter is segmenter
            if current:
                self._in_use = self._preparing = False
                if prepared_for is not None:
                    self._ready_for, self._configured = prepared_for, None
                    self._size_unused_until = time.monotonic() + _SIZE_KEPT_S
                    if not self._loading:  # What is said of an older load that failed stays.
                        state = ModelState.FAILED if self._status.error else ModelState.READY
                        self._set(state=state, progress=1.0, stage="")
                if segmenter.info is not known and self._status.info is known:
                    _log.info("the model changed: %s", segmenter.info)
                    self._set(info=segmenter.info)  # It had to become smaller or more exact.
            self._changed.notify_all()
        if not current:
            segmenter.close()

    def _break(self, segmenter: Segmenter, error: Exception) -> None:
        """Gives a segmenter up that threw; whoever used it closes it when handing it back."""
        with self._changed:
            if self._segmenter is segmenter:
                self._segmenter, self._in_use, self._preparing = None, False, False
                self._set(state=ModelState.FAILED, info=None, error=f"the model was stopped: {error}", stage="")

    def _tell(self) -> None:
        with self._changed:
            look_again = self._look_again
        if look_again is not None:
            look_again()
        self._wake()

    def _set(self, **changes: object) -> None:
        """With the lock held."""
        self._status = replace(self._status, **changes)  # type: ignore[arg-type]


def _preparing(size: tuple[int, int]) -> str:
    return f"preparing for {size[1]}x{size[0]} frames"
