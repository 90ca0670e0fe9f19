"""Recordings as a source of frames like any camera, with controls to pause, seek, step and loop."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rgbd_seg.calibration import Calibration
from rgbd_seg.errors import ConfigurationError, EndOfStream, RecordingError, SensorError, SensorLost
from rgbd_seg.recording.pictures.sequence import follow_each_other
from rgbd_seg.recording.reader import RecordingInfo, RecordingReader, reason_of
from rgbd_seg.sensors import Uri, open_any_recording
from rgbd_seg.sensors.playback import Playback
from rgbd_seg.sensors.sensor import Capture, Request, Sensor, SensorInfo

_PHOTOGRAPHS_FPS = 1.0
_log = logging.getLogger(__name__)
# What a recording's URI may say to this sensor and its playback; all other options go to the layout.
OWN_OPTIONS = ("loop", "speed", "mode", "realtime")


class ReplaySensor(Sensor):
    """Frames of a recording, with their recorded index and device clock. A damaged frame is passed over and counted.

    While the playback is paused, or waits across a gap in time, reading times out: the source is still alive.

    Attributes:
        playback: The controls; safe to use from other threads, before and after opening.
        are_photographs: Whether its frames have no times and do not follow each other; known when it is watched.
    """

    playback: Playback

    def __init__(
        self,
        reader: RecordingReader,
        uri: str = "",
        request: Request | None = None,
        reopen: Callable[[], RecordingReader] | None = None,
    ) -> None:
        """Takes over an open reader and closes it in the end.

        Args:
            reader: The recording.
            uri: What opens it again; its path if empty.
            request: Kept, but without effect: a recording has one mode.
            reopen: Opens the same recording after `close`; by its path if None.
        """
        self._reader = reader
        self._reader_closed = False
        self._reopen = reopen or partial(open_any_recording, reader.info.path)
        self.are_photographs = False
        super().__init__(_sensor_info(reader.info, uri or str(reader.info.path)), request)
        self.playback = Playback(reader.times_us, reader.info.gaps)

    @property
    def recording(self) -> RecordingInfo:
        """What the recording is; its warnings may grow while it is read."""
        return self._reader.info

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was wrong with the recording so far, in whole sentences."""
        return (*self._reader.info.warnings, *self.playback.warnings)

    def file_of(self, position: int) -> Path | None:
        """The colour picture of a frame, where frames are files of their own."""
        return self._reader.file_of(position)

    def begin_to_be_watched(self) -> None:
        """It stays on the last frame; single photographs stand still, and change once a second if played."""
        self.playback.hold_at_end = True
        self.are_photographs = not self.recording.is_timed and not follow_each_other(self._reader)
        if self.are_photographs:
            self.playback.stand_on_first(_PHOTOGRAPHS_FPS)

    def close(self) -> None:
        """Stops the source; the file is freed even if it was never opened as a source."""
        super().close()
        self._close()

    def _open(self) -> Calibration:
        if self._reader_closed:
            self._reader, self._reader_closed = self._reopen(), False
            self.playback.restart()
        problem: RecordingError | None = None
        for position in range(len(self._reader)):
            try:
                calibration = self._reader.read(position).calibration
                self._log_facts(calibration)
                return calibration
            except RecordingError as error:
                problem = problem or error
        self._close()
        raise SensorError(f"{self.info.name} has no readable frame: {problem or 'it is empty'}")

    def _log_facts(self, calibration: Calibration) -> None:
        """Writes what was taken, assumed and left out into the log."""
        info = self._reader.info
        details = "; ".join(f"{key}: {value}" for key, value in info.details.items() if "\n" not in value)
        _log.info(
            "opened %s (%s): depth %g m a count (%s), %sregistered (%s), calibration %s. %s",
            info.path,
            info.layout,
            calibration.depth_unit_m,
            calibration.unit_origin,
            "" if calibration.registered else "not ",
            calibration.registration_origin,
            calibration.origin,
            details,
        )
        for sentence in (*info.notes, *info.warnings):
            _log.info("%s: %s", info.path.name, sentence)

    def _grab(self, timeout_s: float) -> Capture | None:
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                position = self.playback.next_position(max(0.0, deadline - time.monotonic()))
            except EndOfStream:
                raise EndOfStream(f"{self.info.name} has ended") from None
            if position is None:
                return None
            try:
                stored = self._reader.read(position)
            except RecordingError as error:
                self._pass_over(position, error)
                continue
            return Capture(
                color=stored.color,
                depth=stored.depth,
                number=stored.index,
                device_us=stored.device_us,
                calibration=stored.calibration,
                truth=stored.truth,
                prediction=stored.prediction,
            )

    def _pass_over(self, position: int, error: RecordingError) -> None:
        path = self._reader.info.path
        if not path.exists():
            raise SensorLost(f"{path} is no longer there: it was deleted or moved, or its disk was taken out")
        try:
            self.playback.pass_over(position, f"Frame {position + 1} was left out: {reason_of(error)}")
        except EndOfStream:
            raise SensorLost(f"no frame of {path} can be read any more: {error}") from None

    def _count(self, number: int | None) -> int:
        """Frames keep the index that they were captured with, also after a seek."""
        return super()._count(None) if number is None else number

    def _close(self) -> None:
        self._reader.close()
        self._reader_closed = True


def open_device(uri: Uri, request: Request) -> Sensor:
    """Opens what a path names; the options after `?` are `loop`, `speed`, `mode` and those of the layout.

    Raises:
        ConfigurationError: An option is unknown or out of its range.
        SensorError: There is no such recording, or it cannot be read.
    """
    options = {key: value for key, value in uri.options.items() if key not in OWN_OPTIONS}
    reopen = partial(open_any_recording, uri.rest, **options)
    try:
        reader = reopen()
    except RecordingError as error:
        raise SensorError(str(error)) from error
    sensor = ReplaySensor(reader, uri.text, request, reopen)
    try:
        _apply(sensor.playback, uri)
    except ConfigurationError:
        sensor.close()
        raise
    return sensor


def _apply(playback: Playback, uri: Uri) -> None:
    """Sets the playback as the URI says."""
    playback.loop = uri.options.get("loop", "0").lower() in ("1", "true", "yes")
    mode = uri.options.get("mode", "real-time")
    if mode not in ("real-time", "every-frame"):
        raise ConfigurationError(f"{uri.text}: mode must be real-time or every-frame, not {mode!r:.80}")
    playback.every_frame = mode == "every-frame"
    try:
        playback.speed = float(uri.options.get("speed", "1"))
    except ValueError as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"{uri.text}: speed must be a number, not {uri.options['speed']!r:.80}") from None


def _sensor_info(info: RecordingInfo, uri: str) -> SensorInfo:
    return SensorInfo(
        uri=uri,
        name=info.name,
        kind="recording",
        serial=info.details.get("serial", ""),
        connection="file",
        details={"layout": info.layout, "path": str(info.path)} | dict(info.details),
    )
