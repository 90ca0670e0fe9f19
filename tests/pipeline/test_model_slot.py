"""The model's slot in a running session: the picture never waits for a model, whatever the size of the frames."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import ModelError
from rgbd_seg.inference.segmenter import SegmenterOptions
from rgbd_seg.pipeline.session import Session
from rgbd_seg.pipeline.status import ModelState, State
from rgbd_seg.sensors.sensor import Capture, Request, Sensor, SensorInfo
from tests.pipeline.constant_segmenter import ConstantSegmenter
from tests.waiting import PATIENCE_S, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rgbd_seg.frame import RgbdFrame, Segmentation
    from rgbd_seg.inference.segmenter import Segmenter


class SizedCamera(Sensor):
    """`sized:16x12` sends grey frames of that size; of several sizes, each in turn."""

    pace_hz = 100.0

    def __init__(self, uri: str, request: Request | None = None) -> None:
        super().__init__(SensorInfo(uri, uri, "camera"), request)
        self._sizes = [tuple(map(int, size.split("x"))) for size in uri.partition(":")[2].split(",")]
        self._sent = 0

    def _open(self) -> Calibration:
        return self._geometry(0)

    def _geometry(self, number: int) -> Calibration:
        width, height = self._sizes[number % len(self._sizes)]
        return Calibration(Intrinsics(width, height, 20.0, 20.0, width / 2, height / 2))

    def _grab(self, timeout_s: float) -> Capture | None:
        calibration = self._geometry(self._sent)
        self._sent += 1
        size = (calibration.color.height, calibration.color.width)
        return Capture(
            np.zeros((*size, 3), np.uint8), np.ones(size, np.uint16), calibration=calibration if self._many else None
        )

    @property
    def _many(self) -> bool:
        return len(self._sizes) > 1

    def _close(self) -> None:
        pass


class SlowToPrepare(ConstantSegmenter):
    """Is prepared for another size only while `may_prepare` is set, and refuses a size that it was not prepared for."""

    def __init__(self) -> None:
        super().__init__()
        self.size: tuple[int, int] | None = None
        self.preparing = threading.Event()
        self.may_prepare = threading.Event()
        self.may_prepare.set()
        self.broken = False

    def prepare(self, frame_size: tuple[int, int]) -> None:
        self.preparing.set()
        assert self.may_prepare.wait(PATIENCE_S)
        if self.broken:
            raise ModelError("no memory for frames of that size")
        self.size = frame_size

    def __call__(self, frame: RgbdFrame) -> Segmentation:
        assert not self.closed
        assert self.size == (frame.height, frame.width)
        return super().__call__(frame)


@pytest.fixture
def segmenter() -> SlowToPrepare:
    return SlowToPrepare()


@pytest.fixture
def session(segmenter: SlowToPrepare) -> Iterator[Session]:
    """A session with the model loaded before any source is open."""

    def open_model(path: Path, options: SegmenterOptions, progress: Callable[[str, float], None]) -> Segmenter:
        segmenter.size = options.frame_size
        return segmenter

    def open_sensor(uri: str, request: Request | None) -> Sensor:
        return SizedCamera(uri, request)

    session = Session(lambda: None, sensor_opener=open_sensor, model_opener=open_model)
    session.load_model(Path("model"), SegmenterOptions())
    until(lambda: session.status().model.state is ModelState.READY)
    yield session
    segmenter.may_prepare.set()
    session.close(PATIENCE_S)
    until(lambda: not session.busy)
    assert segmenter.closed


def seen(session: Session, size: tuple[int, int], *, labels: bool) -> None:
    """Waits for a result of that (width, height), with labels or without."""

    def there() -> bool:
        one = session.take()
        return one is not None and one.frame.color.shape[1::-1] == size and (one.labels is not None) == labels

    until(there)


def test_the_picture_of_another_source_comes_before_the_model_is_prepared_for_it(
    session: Session, segmenter: SlowToPrepare
) -> None:
    session.open_source("sized:16x12")
    seen(session, (16, 12), labels=True)
    segmenter.may_prepare.clear()
    session.open_source("sized:32x24")
    for _ in range(3):
        seen(session, (32, 24), labels=False)
    status = session.status()
    assert (status.state, status.model.state) == (State.RUNNING, ModelState.LOADING)
    assert "32x24" in status.model.stage
    segmenter.may_prepare.set()
    seen(session, (32, 24), labels=True)
    assert session.status().model.state is ModelState.READY


def test_a_source_can_be_left_while_the_model_is_prepared_for_it(session: Session, segmenter: SlowToPrepare) -> None:
    segmenter.may_prepare.clear()
    session.open_source("sized:16x12")
    seen(session, (16, 12), labels=False)
    session.open_source("sized:32x24")
    seen(session, (32, 24), labels=False)
    segmenter.may_prepare.set()
    seen(session, (32, 24), labels=True)


def test_a_model_that_is_being_prepared_can_be_unloaded(session: Session, segmenter: SlowToPrepare) -> None:
    segmenter.may_prepare.clear()
    session.open_source("sized:16x12")
    assert segmenter.preparing.wait(PATIENCE_S)
    session.model.unload()
    assert session.status().model.state is ModelState.NONE
    assert not segmenter.closed
    segmenter.may_prepare.set()
    until(lambda: segmenter.closed)


def test_a_model_that_cannot_be_prepared_leaves_the_picture(session: Session, segmenter: SlowToPrepare) -> None:
    segmenter.broken = True
    session.open_source("sized:16x12")
    until(lambda: session.status().model.state is ModelState.FAILED)
    assert "no memory" in session.status().model.error
    seen(session, (16, 12), labels=False)


def test_frames_of_alternating_sizes_get_labels_too(session: Session) -> None:
    session.open_source("sized:16x12,32x24")
    for size in ((16, 12), (32, 24), (16, 12), (32, 24)):
        seen(session, size, labels=True)
