"""Recordings that only a vendor's library plays (`.oni`, dumps of fakenect), made to be sought, looped and exported.

Such a file is played once, as fast as its library reads it, in the driver's own process, into a recording of ours in
the user's cache, colour without loss. From then on it opens at once, as long as it is the same file.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from urllib.parse import quote

import platformdirs

from rgbd_seg.errors import RecordingError, SensorError
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.convert import convert
from rgbd_seg.recording.exports.formats import ExportOptions, ExportSource
from rgbd_seg.recording.reader import RecordingReader, StoredFrame
from rgbd_seg.sensors.offline import stored_frames_of
from rgbd_seg.sensors.sensor import Sensor

_log = logging.getLogger(__name__)
# Where a copy keeps what its player said of the recording.
_NOTES = "notes"
_INDEX_OF_FAKENECT = "INDEX.txt"
# Copies of the recordings opened last; the oldest go first.
_LIMIT_BYTES = 8 * 1024**3


class VendorCopy(RecordingReader):
    """The copy under the name of the file that it was made of."""

    def __init__(self, path: Path, copy: RecordingReader, layout: str) -> None:
        self._copy, self._times_us = copy, copy.times_us
        details = dict(copy.info.details)
        said = filter(None, details.pop(_NOTES, "").split("\n"))
        self._info = replace(copy.info, path=path, layout=layout, details=details, notes=(*copy.info.notes, *said))

    def decode(self, position: int) -> StoredFrame:
        return self._copy.decode(position)

    def close(self) -> None:
        self._copy.close()


def open_any_recording(path: str | Path, open_sensor: Callable[[str], Sensor], **options: str) -> RecordingReader:
    """Opens everything recorded, also what only a vendor's library can play.

    Args:
        path: The file or folder.
        open_sensor: Opens a source by its URI.
        options: What the layout understands.

    Raises:
        RecordingError: It cannot be read, or not be played; the message says what is missing.
    """
    path = Path(path).expanduser()
    scheme = player_of(path)
    if not scheme:
        return open_recording(path, **options)
    if not path.exists():
        raise RecordingError(f"there is no file or folder {path}")
    copy = _place_of(path)
    try:
        if not copy.is_file():
            _copy(path, scheme, copy, open_sensor)
        reader = open_recording(copy, **options)
    except OSError as error:
        raise RecordingError(f"cannot copy {path}: {error.strerror or error}") from error
    return VendorCopy(path, reader, "oni" if scheme == "openni" else "fakenect")


def player_of(path: Path) -> str:
    """Scheme of the driver that alone can play a recording, "" if its frames can be read at random."""
    if path.suffix.lower() == ".oni":
        return "openni"
    try:
        return "kinect1" if (path / _INDEX_OF_FAKENECT).is_file() else ""
    except OSError:  # No path that this system could have.
        return ""


def _place_of(path: Path) -> Path:
    """Where the copy of a file lies: by its place, size and time of change."""
    status = (path / _INDEX_OF_FAKENECT if path.is_dir() else path).stat()
    text = f"{path.resolve()}\0{status.st_size}\0{status.st_mtime_ns}"
    name = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:32]
    return platformdirs.user_cache_path("rgbd-seg") / "played" / f"{name}.mcap"


def _copy(path: Path, scheme: str, copy: Path, open_sensor: Callable[[str], Sensor]) -> None:
    _log.info("%s is played once, so that it can be sought", path)
    realtime = "?realtime=no" if scheme == "openni" else ""
    copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with open_sensor(f"{scheme}:file:{quote(str(path))}{realtime}") as sensor:
            frames = stored_frames_of(sensor)
            first = list(islice(frames, 1))  # With it comes what the player has to say.
            details = {key: value for key, value in sensor.info.details.items() if key != "path"}
            if sensor.warnings:
                details[_NOTES] = "\n".join(sensor.warnings)
            source = ExportSource(sensor.info.name, details | {"serial": sensor.info.serial})
            convert(chain(first, frames), copy, source, to="mcap", options=ExportOptions(color="png"))
    except SensorError as error:
        raise RecordingError(str(error)) from error
    _prune(copy)


def _prune(keep: Path) -> None:
    """Throws the copies away that were made first."""
    others = sorted(
        ((file, file.stat()) for file in keep.parent.glob("*.mcap") if file != keep), key=lambda one: -one[1].st_mtime
    )
    total = keep.stat().st_size
    for file, status in others:
        total += status.st_size
        if total > _LIMIT_BYTES:
            file.unlink(missing_ok=True)
