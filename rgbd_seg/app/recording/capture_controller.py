"""Frames for a data set, taken by themselves from what the window shows: as `rgbd-seg capture` does."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from rgbd_seg.errors import RgbdSegError
from rgbd_seg.labelling.capture import Choice, open_folder
from rgbd_seg.pipeline.background import Background
from rgbd_seg.pipeline.slot import LatestSlot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rgbd_seg.app.context import Context
    from rgbd_seg.app.recording.capture_box import CaptureBox
    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.labelling.capture import CaptureFolder


class CaptureController(QObject):
    """At most one capture; a thread looks at the newest frame and writes those that it takes."""

    def __init__(self, context: Context, box: CaptureBox, open_source: Callable[[str], None]) -> None:
        super().__init__(context.widget)
        self._context, self._box, self._open_source = context, box, open_source
        self._background = Background()
        self._frames: LatestSlot[RgbdFrame] | None = None
        box.wanted.connect(self.start)
        box.stop_wanted.connect(self.stop)

    @property
    def running(self) -> bool:
        return self._frames is not None

    def start(self, choice: Choice, count: int) -> None:
        """Takes frames into a folder of their own until there are so many.

        Args:
            choice: Which ones.
            count: How many.
        """
        context = self._context
        if context.presenter.segmentation is None and context.presenter.picture is None:
            context.say("capture", "There are no frames to take: open a camera first.")
            return
        self.stop()
        context.unsay("capture")
        root = context.settings.recordings / f"frames {time.strftime('%Y-%m-%d %H.%M.%S')}"
        frames = self._frames = LatestSlot()
        self._box.show_running(True)
        self._background.begin("capture", lambda: self._run(frames, root, choice, count))

    def offer(self, frame: RgbdFrame) -> None:
        """Takes a frame that the source has delivered, if it is wanted."""
        if self._frames is not None:
            self._frames.put(frame)

    def stop(self) -> None:
        """Ends it; what was taken stays."""
        if self._frames is not None:
            self._frames.close()

    def _run(self, frames: LatestSlot[RgbdFrame], root: Path, choice: Choice, count: int) -> None:
        folder: CaptureFolder | None = None
        problem = ""
        try:
            folder = open_folder(root, choice)
            while folder.count < count and not frames.closed:
                frame = frames.take()
                if frame is not None:
                    folder.offer(frame)
                    self._context.post(partial(self._box.show_text, _text(folder, count)))
        except (RgbdSegError, OSError) as error:
            problem = str(error)
        taken = folder.count if folder else 0
        self._context.post(lambda: self._ended(frames, root, taken, problem))

    def _ended(self, frames: LatestSlot[RgbdFrame], root: Path, taken: int, problem: str) -> None:
        if frames is self._frames:
            self._frames = None
            self._box.show_running(False)
        if problem:
            self._context.say("capture", f"No more frames could be taken: {problem}.", "error")
        elif taken:
            text = f"{taken} frames were taken into {root}. Open them, and press E to label them."
            self._context.say("capture", text, "info", "Open them", lambda: self._open_source(str(root)))

    def close(self, timeout_s: float) -> None:
        """Ends it, and waits for what is being written."""
        self.stop()
        self._background.join(timeout_s)


def _text(folder: CaptureFolder, count: int) -> str:
    left_out = ", ".join(f"{number} {why}" for why, number in folder.left_out.items() if number)
    return f"{folder.count} of {count}{f'; left out: {left_out}' if left_out else ''}"
