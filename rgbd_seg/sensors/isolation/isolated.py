"""Runs any driver in a child process, so that a crash, a hang or an `exit()` in a vendor's library is a SensorLost.

The child reads the camera and writes frames into shared memory; here they appear as arrays without another copy. Every
wait has a limit: a child that stays silent longer than its driver's own time-outs is hanging, and is killed.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

from rgbd_seg.calibration import Calibration
from rgbd_seg.errors import ConfigurationError, SensorError, SensorLost
from rgbd_seg.frame import Prediction, Truth
from rgbd_seg.labels import LabelSet
from rgbd_seg.sensors import Uri, driver_module
from rgbd_seg.sensors.isolation import messages
from rgbd_seg.sensors.isolation.child_process import ChildEnded, ChildProcess, Message
from rgbd_seg.sensors.isolation.shared_frames import FrameReader, FrameShape
from rgbd_seg.sensors.isolation.standby import Standby
from rgbd_seg.sensors.sensor import Capture, Control, ControlValue, Request, Sensor, SensorInfo, StreamMode

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long a driver's process may take, in seconds; after that it is killed.

    Attributes:
        open_s: Finding and starting the device (some load firmware first).
        answer_s: Silence while frames run; drivers report after a fraction of a second that no frame came.
        control_s: Setting or listing controls.
        close_s: Stopping the device.
        standby_after_s: A camera that has run for so long gets a second process that stands by in case it is lost.
    """

    open_s: float = 20.0
    answer_s: float = 4.0
    control_s: float = 5.0
    close_s: float = 3.0
    standby_after_s: float = 1.0


class IsolatedSensor(Sensor):
    """A sensor whose driver runs in a child process.

    Args:
        uri: The source, as the driver understands it.
        info: What is known of the source before it is open.
        request: Mode and registration.
        driver: Module with `open_device(uri, request)`; it is imported in the child only.
        limits: Time limits.
    """

    lost_after_s = None  # The sensor in the child judges that.

    def __init__(
        self, uri: str, info: SensorInfo, request: Request, driver: str, limits: TimeLimits | None = None
    ) -> None:
        super().__init__(info, request)
        self._uri = uri
        self._limits = limits or TimeLimits()
        self._standby = Standby(driver)
        self._opened_at = 0.0
        self._reopening = False
        self._child: ChildProcess | None = None
        self._frames: deque[Message] = deque()
        self._modes: tuple[StreamMode, ...] = ()
        self._end: SensorError | ConfigurationError | None = None
        self._silent_s = 0.0
        self._labels_told: dict[str, dict[str, Any]] = {}
        self._warnings: tuple[str, ...] = ()
        self._reader: FrameReader | None = None

    @property
    def child_pid(self) -> int | None:
        """Process id of the driver's process while there is one."""
        return self._child.pid if self._child else None

    def modes(self) -> tuple[StreamMode, ...]:
        """The modes that the device offered when it was opened; empty before that."""
        return self._modes

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the driver found wrong, as of the last frame."""
        return self._warnings

    def controls(self) -> tuple[Control, ...]:
        """What can be set, asked of the driver now."""
        if not self.is_open:
            return ()
        answer = self._ask({"type": "controls"}, "controls")
        return tuple(messages.control_from_dict(row) for row in answer["controls"])

    def reopen(self) -> None:
        """Opens a lost source again, in a process that has been standing by where there is one."""
        super().close()
        self._reopening = True
        try:
            self.open()
        except SensorError:
            self._standby.prepare()  # For the next try.
            raise
        finally:
            self._reopening = False

    def close(self) -> None:
        """Stops the source and ends its processes. May be called again."""
        try:
            super().close()
        finally:
            self._standby.dismiss()

    def _open(self) -> Calibration:
        self._end, self._frames, self._silent_s, self._warnings = None, deque(), 0.0, ()
        order = {"type": "open", "uri": self._uri, "request": asdict(self.request)}
        try:
            process = self._standby.take(order)
        except (ChildEnded, OSError) as error:
            raise SensorError(f"cannot open {self.info.name}: its driver {error}") from error
        self._child = process.child
        try:
            opened = self._wait_for("opened", self._limits.open_s)
            calibration = Calibration.from_dict(opened["calibration"])
            reader = FrameReader(process.memory, calibration.color.height, calibration.color.width)
            self._send({"type": "ring", "size": reader.size, "slot_bytes": reader.slot_bytes})
        except BaseException as error:
            refused = self._end is not None and not isinstance(error, SensorLost)
            if refused and self._reopening:  # The driver has said no in order, and can be asked again.
                self._child = None
                self._standby.give_back(process)
                raise
            self._end_child()
            process.memory.close()
            if isinstance(error, SensorLost):  # Nothing had been opened yet that could be lost.
                why = str(error).removeprefix(f"{self.info.name}: ")
                raise SensorError(f"cannot open {self.info.name}: {why}") from error
            raise
        process.memory.close()
        self._reader = reader
        self.info = SensorInfo(**opened["info"])
        self._modes = tuple(StreamMode(*row) for row in opened["modes"])
        self._stream_calibration, self._labels_told = calibration, {}
        self._opened_at = time.monotonic()
        return calibration

    def _grab(self, timeout_s: float) -> Capture | None:
        deadline = time.monotonic() + timeout_s
        reader = self._reader
        if reader is None:
            raise SensorError(f"{self.info.name} is not open")
        if self._child is not None and (slots := reader.returned()):
            self._send({"type": "free", "slots": slots})
        while not self._frames:
            if self._end is not None:
                raise self._ending()
            left_s = deadline - time.monotonic()
            if self._receive(left_s) is None and left_s <= 0:
                return None
        if self.info.kind == "camera" and not self._standby.ready:
            if time.monotonic() - self._opened_at >= self._limits.standby_after_s:
                self._standby.prepare()
        return self._capture(self._frames.popleft(), reader)

    def _set_control(self, control: Control, value: ControlValue) -> None:
        answer = self._ask({"type": "set", "name": control.name, "value": value}, "done")
        if "error" in answer:
            raise messages.error_from_dict(answer)

    def _close(self) -> None:
        child = self._child
        self._frames.clear()
        self._reader = None  # What frames still look into stays mapped until they are gone.
        if child is None:  # Lost before.
            return
        deadline = time.monotonic() + self._limits.close_s
        try:
            child.send({"type": "close"})
            while (left_s := deadline - time.monotonic()) > 0:
                message = child.receive(left_s)
                if message is not None and message["type"] == "closed":
                    break
            else:
                _log.warning("%s did not stop within %g s and was killed", self.info.name, self._limits.close_s)
        except ChildEnded as end:
            _log.warning("%s: its driver %s while stopping", self.info.name, end)
        self._end_child(max(deadline - time.monotonic(), 0.0))

    # The other side of `driver_process`

    def _capture(self, message: Message, reader: FrameReader) -> Capture:
        if "warnings" in message:
            self._warnings = tuple(map(str, message["warnings"]))
        if "calibration" in message:
            self._stream_calibration = Calibration.from_dict(message["calibration"])
        for kind in ("truth", "prediction"):
            if kind in message:
                told = message[kind]
                self._labels_told[kind] = {**told, "label_set": LabelSet.from_dict(told["label_set"])}
        arrays = reader.take(message["slot"], FrameShape(*message["shape"]))
        truth = prediction = None
        if arrays.labels is not None and "truth" in self._labels_told:
            truth = Truth(arrays.labels, instances=arrays.instances, **self._labels_told["truth"])
        if arrays.prediction is not None and "prediction" in self._labels_told:
            prediction = Prediction(arrays.prediction, **self._labels_told["prediction"])
        return Capture(
            color=arrays.color,
            depth=arrays.depth,
            number=message["number"],
            device_us=message["device_us"],
            host_ns=message["host_ns"],
            calibration=self._stream_calibration,
            truth=truth,
            prediction=prediction,
            infrared=arrays.infrared,
        )

    def _ask(self, question: Message, answer: str) -> Message:
        self._send(question)
        return self._wait_for(answer, self._limits.control_s)

    def _wait_for(self, kind: str, limit_s: float) -> Message:
        """The next message of a kind; frames that come before it are kept.

        Raises:
            SensorLost: It did not come in time; the child has been killed.
            SensorError: The driver failed first.
        """
        deadline = time.monotonic() + limit_s
        while (left_s := deadline - time.monotonic()) > 0:
            message = self._receive(left_s)
            if message is not None and message["type"] == kind:
                return message
            if message is not None and message["type"] == "failed":
                raise self._ending()
        raise self._lose(f"did not answer within {limit_s:g} s and was stopped")

    def _send(self, message: Message) -> None:
        if self._child is None:
            raise self._ending()
        try:
            self._child.send(message)
        except ChildEnded as end:
            raise self._lose(str(end)) from None

    def _receive(self, timeout_s: float) -> Message | None:
        """One message or None; frames are queued, endings are remembered, and a hanging child is killed."""
        if self._child is None:
            raise self._ending()
        started = time.monotonic()
        try:
            message = self._child.receive(timeout_s)
        except ChildEnded as end:
            raise self._lose(str(end)) from None
        if message is None:
            self._silent_s += time.monotonic() - started
            if self.is_open and self._silent_s > self._limits.answer_s:
                raise self._lose(f"has hung for {self._silent_s:.1f} s and was stopped")
            return None
        self._silent_s = 0.0
        if message["type"] == "frame":
            self._frames.append(message)
        elif message["type"] in ("ended", "failed"):
            self._end = messages.error_from_dict(message)
        return message

    def _ending(self) -> SensorError | ConfigurationError:
        """How the stream ended, as an error of its own: one that is kept would keep frames alive by its traceback."""
        return type(self._end)(str(self._end)) if self._end else SensorLost(f"{self.info.name} is gone")

    def _lose(self, what: str) -> SensorLost:
        """Ends the child and returns the error that this read and all later ones raise."""
        self._end_child()
        text = f"{self.info.name}: its driver {what}"
        _log.warning(text)
        self._end = SensorLost(text)
        return SensorLost(text)

    def _end_child(self, grace_s: float = 0.0) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.end(grace_s)


def open_device(uri: Uri, request: Request) -> IsolatedSensor:
    """Any source, with its driver in a child process.

    Raises:
        ConfigurationError: The URI is malformed.
        SensorError: There is no such source.
    """
    driver = driver_module(uri)
    described: Sensor = import_module(driver).open_device(uri, request)  # Not opened: no vendor's library is loaded.
    return IsolatedSensor(uri.text, described.info, request, driver)
