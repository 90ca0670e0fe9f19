"""Turns a recording into another format: whole or a range, with progress, and nothing half-done left behind.

The output is written beside its place under a hidden name and moved there when it is complete; a conversion that fails
or is cancelled leaves nothing.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.frame import RgbdFrame, Segmentation
from rgbd_seg.recording.exports.formats import ExportOptions, ExportSource, format_of, formats, open_target
from rgbd_seg.recording.layouts.sunrgbd import KIND_NOTE
from rgbd_seg.recording.reader import Gap, RecordingReader, StoredFrame, reason_of, video_fps


@dataclass(frozen=True, slots=True)
class ConvertResult:
    """What was written.

    Attributes:
        path: Where.
        frames: How many.
        warnings: What the format could not keep.
        cancelled: Whether it was stopped; nothing is left then.
        note: What whoever uses it should know, in sentences, or "": whose labels they are, what the format has not.
    """

    path: Path
    frames: int
    warnings: tuple[str, ...]
    cancelled: bool = False
    note: str = ""


class Damage:
    """Collects what could not be read."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def add(self, position: int, error: RecordingError) -> None:
        """Notes one frame that was left out."""
        self.sentences.append(f"frame {position} was left out: {reason_of(error)}")


def stored_frames(
    reader: RecordingReader, start: int = 0, stop: int | None = None, damage: Damage | None = None, step: int = 1
) -> Iterator[StoredFrame]:
    """Frames of a recording in order; damaged ones are left out and noted.

    Args:
        reader: The recording.
        start: First position.
        stop: Position after the last, None for the end.
        damage: Where to note frames that cannot be read; None raises instead.
        step: Only every so many-th one. What is left out so is no gap; a gap among it is told by the next frame.

    Raises:
        ConfigurationError: The range is empty or outside the recording, or the step is not positive.
        RecordingError: A frame cannot be read and `damage` is None.
    """
    end = len(reader) if stop is None else stop
    if not 0 <= start < end <= len(reader):
        raise ConfigurationError(
            f"frames {start} to {end} are no range of this recording: it has {len(reader)}, and the end is not included"
        )
    if step < 1:
        raise ConfigurationError(f"every frame or every Nth one: N is 1 or more, not {step}")
    gaps = {gap.after: gap for gap in reader.info.gaps if gap.after >= start or start == 0}
    unreadable = False
    for position in range(start, end, step):
        try:
            frame = reader.read(position)
        except RecordingError as error:
            if damage is None:
                raise
            damage.add(position, error)
            unreadable = True
            continue
        passed = (gaps.get(before) for before in range(position - 1, max(position - 1 - step, -2), -1))
        gap = next(filter(None, passed), None) or (Gap(position - 1, 0, 0.0, "unreadable") if unreadable else None)
        unreadable = False
        yield replace(frame, gap=gap) if gap else frame


def source_of(reader: RecordingReader, step: int = 1) -> ExportSource:
    """What a recording says of itself, of which every so many-th frame is taken."""
    info = reader.info
    # What a layout left open is settled in the export.
    details = {key: value for key, value in info.details.items() if key != KIND_NOTE}
    started = details.pop("started", "")
    details.pop("program", None)
    fps = video_fps(reader.times_us[::step])
    return ExportSource(info.name, details, reader.start_ns, fps, reader.epoch_offset_ns, started)


def convert(
    frames: Iterable[StoredFrame],
    out: Path,
    source: ExportSource,
    *,
    to: str | None = None,
    options: ExportOptions | None = None,
    annotate: Callable[[RgbdFrame], Segmentation] | None = None,
    total: int | None = None,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> ConvertResult:
    """Writes frames in another format.

    Args:
        frames: From `stored_frames`, or from anything that streams.
        out: The file or folder to make; it must not exist, or be an empty folder.
        source: Where the frames come from.
        to: One of `FORMATS`; None goes by the suffix, and to "folder" without one.
        options: How frames are written.
        annotate: A segmenter whose labels are written with the frames, in place of recorded ones.
        total: Number of frames, for the progress.
        progress: Called after each frame with the frames done and `total`.
        cancelled: Asked before each frame; True stops and removes what was written.

    Raises:
        ConfigurationError: The output exists, or the format does not fit its name.
        RecordingError: There are no frames, or they cannot be written.
    """
    name = format_of(out, to)
    _refuse_existing(out)
    done, stopped = 0, False
    workplace = _workplace(out)
    clean = partial(shutil.rmtree, workplace, ignore_errors=True)
    atexit.register(clean)  # A program that ends in the middle, with this on a thread, leaves nothing either.
    try:
        unfinished = workplace / out.name
        target = open_target(name, unfinished, source, options or ExportOptions())
        try:
            for frame in frames:
                stopped = cancelled()
                if stopped:
                    break
                target.write(frame, annotate(frame.as_captured()) if annotate else None)
                done += 1
                progress(done, total)
        finally:
            target.close()
        if stopped:
            return ConvertResult(out, done, (), cancelled=True)
        if not done:
            raise RecordingError(f"{source.name} has no readable frame: nothing was converted")
        _move(unfinished, out)
    except OSError as error:
        raise RecordingError(f"cannot write {out}: {error.strerror or error}") from error
    finally:
        clean()
        atexit.unregister(clean)
    return ConvertResult(out, done, target.told, note=" ".join(filter(None, (target.note, formats()[name].not_kept))))


def _refuse_existing(out: Path) -> None:
    if out.is_dir() and not out.is_symlink():
        if any(out.iterdir()):
            raise ConfigurationError(f"the folder {out} is not empty: name a new one")
    elif out.exists() or out.is_symlink():
        raise ConfigurationError(f"{out} exists already: name a new file (nothing is ever overwritten)")


def _workplace(out: Path) -> Path:
    """A hidden folder on the same disk as the output, so that moving it there is one step."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{out.name[:40]}-", dir=out.parent))
    except OSError as error:
        raise RecordingError(f"cannot write into {out.parent}: {error.strerror or error}") from error


def _move(unfinished: Path, out: Path) -> None:
    _refuse_existing(out)  # Somebody else may have been faster.
    if out.is_dir():
        out.rmdir()
    unfinished.rename(out)
