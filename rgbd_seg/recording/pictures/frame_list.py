"""`frames.csv`: number and clocks of each frame, beside pictures in whose layout they have no place.

`name,index,time_us,device_us,labels` of each frame; what `labels` means stands in label_provenance.py. Frames whose
camera differs from that in `rgbd_seg.json` have theirs in `calibration/<name>.json`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.pictures.pair_reader import PicturePair
from rgbd_seg.recording.pictures.sidecar import read_text
from rgbd_seg.recording.reader import Gap, StoredFrame
from rgbd_seg.recording.silence import SilenceWatch

FRAMES_FILE = "frames.csv"
CALIBRATION_FOLDER = "calibration"
_MAX_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class Stamp:
    """A row: the index that a frame was captured with, its clocks, and who made its labels."""

    index: int
    time_us: int
    device_us: int | None
    labels: str


class FrameListWriter:
    """A list being written, row by row."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / FRAMES_FILE).open("w", newline="", encoding="utf-8")
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._rows.writerow(("name", "index", "time_us", "device_us", "labels"))

    def add(self, name: str, frame: StoredFrame, labels: str) -> None:
        """Appends a frame, with who made its labels as `LabelProvenance.labels` takes it."""
        device_us = "" if frame.device_us is None else frame.device_us
        self._rows.writerow((name, frame.index, frame.time_us, device_us, labels))

    def close(self) -> None:
        self._file.close()


def read_stamps(
    folder: Path, keys: Sequence[str], key_of: Callable[[str], str] = str
) -> tuple[dict[str, Stamp], list[str]]:
    """The rows of a list by the key of their name, in the order of `keys`; nothing if it does not cover them.

    Returns:
        The rows, and a sentence if there is a list that cannot be used.
    """
    file = folder / FRAMES_FILE
    if not file.is_file():
        return {}, []
    stamps: dict[str, Stamp] = {}
    try:
        for row in csv.DictReader(read_text(file, _MAX_BYTES).splitlines()):
            device_us = int(row["device_us"]) if row["device_us"] else None
            index, time_us = int(row["index"]), int(row["time_us"])
            stamps[key_of(row["name"])] = Stamp(index, time_us, device_us, row.get("labels") or "")
    except (KeyError, ValueError, TypeError, csv.Error, RecordingError) as error:
        return {}, [f"{file} cannot be used ({error!r}): frames have the times that are usual for this layout instead"]
    found = [stamps[key] for key in keys if key in stamps]
    ordered = [stamp.time_us for stamp in found]
    in_range = all(max(abs(s.index), abs(s.time_us), abs(s.device_us or 0)) < 2**62 for s in found)
    if len(found) < len(keys) or ordered != sorted(ordered) or not in_range:
        return {}, [f"{file} does not fit the pictures: frames have the times that are usual for this layout instead"]
    return {key: stamps[key] for key in keys}, []


def gaps_of(frames: Sequence[Stamp | PicturePair]) -> tuple[Gap, ...]:
    """Where the numbers of frames leave some out, and where nothing came for much longer than usual."""
    gaps, silence = [], SilenceWatch()
    for position, frame in enumerate(frames):
        silent_s = silence.silent_s(frame.time_us * 1000)
        if not position:
            continue
        before = frames[position - 1]
        missing = max(0, frame.index - before.index - 1)
        if missing or silent_s:
            reason = "frames missing in the folder" if missing else "nothing came from the source"
            gaps.append(Gap(position - 1, missing, (frame.time_us - before.time_us) / 1e6, reason))
    return tuple(gaps)
