"""Recording a source into a file, for other programs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal

from rgbd_seg.api.interrupts import Interrupts
from rgbd_seg.api.stream import parse_mode
from rgbd_seg.errors import ConfigurationError, EndOfStream, RecordingError, SensorTimeout
from rgbd_seg.pipeline.recorder import Recorder, RecorderOptions, RecorderStatus
from rgbd_seg.pipeline.recording_settings import recording_settings
from rgbd_seg.recording.mcap.writer import WriterOptions
from rgbd_seg.sensors import open_sensor
from rgbd_seg.sensors.sensor import Request

_SILENCE_S = 10.0


def record(
    source: str | Path,
    path: str | Path,
    *,
    seconds: float | None = None,
    frames: int | None = None,
    mode: str | None = None,
    registered: bool = True,
    color: Literal["jpeg", "png"] = "jpeg",
) -> RecorderStatus:
    """Records a source until it ends, the time is up, or Ctrl-C; the file is finished in any case.

    To see the frames meanwhile, use `stream(..., record=path)`.

    Args:
        source: A URI or a path, as for `stream`.
        path: A new `.mcap` file; its folder must exist.
        seconds: At most so long; None for no limit.
        frames: At most so many; None for no limit.
        mode: Picture size and rate, such as "640x480@30"; None for the source's own.
        registered: Whether depth is to be registered to colour.
        color: "png" keeps every bit of the colour pictures. Depth always does.

    Returns:
        Path, frames, seconds and losses.

    Raises:
        ConfigurationError: An argument is out of its range; the message names both.
        SensorError: The source cannot be opened, or failed; what came before is in the file.
        RecordingError: The file exists or cannot be written, or the source gave no frame.
    """
    for name, value in (("seconds", seconds), ("frames", frames)):
        if value is not None and not value > 0:
            raise ConfigurationError(f"{name} must be more than 0, not {value!r}")
    request = Request(None if mode is None else parse_mode(mode), registered)
    interrupts = Interrupts()
    interrupts.watch()
    try:
        with open_sensor(str(source), request) as sensor:
            if sensor.playback is not None:  # A late moment must not leave a frame out of a copy.
                sensor.playback.every_frame = True
            settings = recording_settings(sensor.controls(), request.mode, sensor.calibration)
            options = RecorderOptions(writer=WriterOptions(color=color))
            with Recorder(path, sensor.calibration, sensor.info, settings=settings, options=options) as recorder:
                taken, begin_s = 0, time.monotonic()
                last_s = begin_s
                while not interrupts.came and taken != frames and recorder.status().state == "recording":
                    if seconds is not None and time.monotonic() - begin_s >= seconds:
                        break
                    try:
                        frame = sensor.read(0.2)
                    except EndOfStream:
                        break
                    except SensorTimeout:
                        if time.monotonic() - last_s > _SILENCE_S:
                            raise
                        continue
                    last_s = time.monotonic()
                    recorder.offer(frame, wait_s=0.0 if sensor.info.kind == "camera" else 5.0)
                    taken += 1
                status = recorder.stop()
    finally:
        interrupts.close()
    if status.state == "failed" or status.reason not in ("", "stopped"):
        raise RecordingError(status.reason)
    if not status.frames:
        raise RecordingError(f"{source} gave no frame: nothing was recorded")
    return status
