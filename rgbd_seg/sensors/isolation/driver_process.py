"""What runs in the child process of an isolated driver: one sensor, whose frames go out through shared memory.

Messages out: loaded, opened, frame, silent, controls, done, ended, failed, closed. Messages in: open, ring, free,
controls, set, close. `rgbd_seg.sensors.isolation.isolated` is the other side.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from importlib import import_module

from rgbd_seg.calibration import Calibration
from rgbd_seg.errors import EndOfStream, RgbdSegError, SensorTimeout
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.sensors import parse_uri
from rgbd_seg.sensors.isolation import messages
from rgbd_seg.sensors.isolation.child_process import Channel, Message
from rgbd_seg.sensors.isolation.shared_frames import FrameWriter, map_shared
from rgbd_seg.sensors.sensor import Sensor

_log = logging.getLogger(__name__)
#: The driver is asked for a frame for so long, in seconds, before the parent is told that none came.
READ_SLICE_S = 0.25


def run(channel: Channel, *, driver: str, descriptor: int, tag: str) -> None:
    """Loads a driver, waits to be told what to open, streams it until told to close, and closes it.

    Args:
        channel: To the parent.
        driver: Module with `open_device(uri, request)`.
        descriptor: Of the shared memory (not on Windows).
        tag: Of the shared memory.
    """
    try:
        getattr(import_module(driver), "load", lambda: None)()
    except Exception:  # It fails again when it is opened, and is reported then.
        _log.debug("%s cannot be loaded ahead", driver, exc_info=True)
    channel.send({"type": "loaded"})
    sensor = _open(channel, driver)
    if sensor is None:
        return
    try:
        channel.send(
            {
                "type": "opened",
                "info": messages.info_to_dict(sensor.info),
                "calibration": sensor.calibration.to_dict(),
                "modes": [[mode.width, mode.height, mode.fps] for mode in sensor.modes()],
            }
        )
        ring = channel.receive(None) or {}
        if ring.get("type") == "ring":
            memory = map_shared(descriptor, tag, ring["size"])
            _Stream(channel, sensor, FrameWriter(memory, ring["slot_bytes"])).run()
    finally:
        sensor.close()
    channel.send({"type": "closed"})


def _open(channel: Channel, driver: str) -> Sensor | None:
    """The opened source, after as many orders as it takes; None if the parent wants none."""
    while (order := channel.receive(None) or {}).get("type") == "open":
        try:
            return _opened(driver, order)
        except Exception as error:  # Whatever a driver raises, the parent must be told.
            channel.send({"type": "failed", **messages.error_to_dict(error)})
    return None


def _opened(driver: str, order: Message) -> Sensor:
    request = messages.request_from_dict(order["request"])
    sensor: Sensor = import_module(driver).open_device(parse_uri(order["uri"]), request)
    sensor.open()
    return sensor


class _Stream:
    """Reads frames and answers questions between them."""

    def __init__(self, channel: Channel, sensor: Sensor, writer: FrameWriter) -> None:
        self._channel = channel
        self._sensor = sensor
        self._writer = writer
        sensor.buffers = writer.buffers
        self._calibration: Calibration = sensor.calibration
        self._warnings: tuple[str, ...] = ()
        # What the parent knows of the labels' meaning: told once, and where it changes.
        self._truth_told: object = None
        self._prediction_told: object = None
        self._waits_for_reader = sensor.info.kind != "camera"  # A camera drops frames, a recording must not.
        self._closing = False
        self._ended = False

    def run(self) -> None:
        """Until the parent says close; raises when the parent is gone."""
        while not self._closing:
            idle = self._ended or (self._waits_for_reader and self._writer.full)
            message = self._channel.receive(None if idle else 0)
            if message is not None:
                self._answer(message)
            elif not idle:
                self._read()

    def _read(self) -> None:
        try:
            frame = self._sensor.read(READ_SLICE_S)
            if not self._writer.full:
                self._channel.send(self._describe(frame))
        except SensorTimeout:
            self._channel.send({"type": "silent"})
        except EndOfStream as error:
            self._ended = True
            self._channel.send({"type": "ended", **messages.error_to_dict(error)})
        except (BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:  # Whatever a driver raises, the parent must be told.
            self._ended = True
            self._channel.send({"type": "failed", **messages.error_to_dict(error)})

    def _describe(self, frame: RgbdFrame) -> Message:
        slot, shape = self._writer.put(frame)
        message: Message = {
            "type": "frame",
            "slot": slot,
            "shape": [shape.height, shape.width, shape.labels, shape.instances, shape.prediction, shape.infrared],
            "number": frame.index,
            "host_ns": frame.host_ns,
            "device_us": frame.device_us,
        }
        if (warnings := self._sensor.warnings) != self._warnings:
            self._warnings = warnings
            message["warnings"] = list(warnings)
        if frame.calibration is not self._calibration:
            self._calibration = frame.calibration
            message["calibration"] = frame.calibration.to_dict()
        truth, prediction = frame.truth, frame.prediction
        if truth is not None and (truth.label_set, truth.origin) != self._truth_told:
            self._truth_told = (truth.label_set, truth.origin)
            message["truth"] = {"label_set": truth.label_set.to_dict(), "origin": truth.origin}
        if prediction is not None:
            who = {"model": prediction.model, "model_sha256": prediction.model_sha256, "made": prediction.made}
            if (prediction.label_set, who) != self._prediction_told:
                self._prediction_told = (prediction.label_set, who)
                message["prediction"] = {"label_set": prediction.label_set.to_dict(), **who}
        return message

    def _answer(self, message: Message) -> None:
        kind = message["type"]
        if kind == "free":
            self._writer.give_back(message["slots"])
        elif kind == "close":
            self._closing = True
        elif kind == "controls":
            controls = [asdict(control) for control in self._sensor.controls()]
            self._channel.send({"type": "controls", "controls": controls})
        elif kind == "set":
            try:
                self._sensor.set_control(message["name"], message["value"])
                self._channel.send({"type": "done"})
            except RgbdSegError as error:
                self._channel.send({"type": "done", **messages.error_to_dict(error)})
