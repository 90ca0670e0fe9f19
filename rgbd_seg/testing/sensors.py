"""What every source of frames must do. A driver's test class inherits `SensorConformance` and gives it a source."""

from __future__ import annotations

import itertools
import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.errors import ConfigurationError, EndOfStream, SensorError

if TYPE_CHECKING:
    from rgbd_seg.sensors.sensor import Sensor

#: Longest wait for a frame: a busy machine may need long, and only a failure uses it up.
READ_S = 120.0


class SensorConformance(ABC):
    """Inherit, implement `make_sensor`, and pytest runs these tests on the driver."""

    frames_to_read = 3

    @abstractmethod
    @pytest.fixture
    def sensor(self) -> Sensor:
        """A closed sensor that can deliver at least `frames_to_read` frames."""

    def test_frames_are_well_formed(self, sensor: Sensor) -> None:
        with sensor:
            frames = [sensor.read(READ_S) for _ in range(self.frames_to_read)]
            calibration = sensor.calibration
        for frame in frames:
            assert frame.color.shape == (*frame.depth.shape, 3)
            assert not frame.color.flags.writeable
            assert not frame.depth.flags.writeable
            assert frame.calibration.depth_unit_m > 0
        assert calibration.depth_unit_m > 0

    def test_indices_and_clocks_increase(self, sensor: Sensor) -> None:
        with sensor:
            frames = [sensor.read(READ_S) for _ in range(self.frames_to_read)]
        assert frames[0].index >= 0
        for before, after in itertools.pairwise(frames):
            assert after.index > before.index
            assert after.host_ns >= before.host_ns
            if before.device_us is not None and after.device_us is not None:
                assert after.device_us > before.device_us

    def test_frames_keep_their_pixels_after_the_next_read(self, sensor: Sensor) -> None:
        with sensor:
            first = sensor.read(READ_S)
            color, depth = first.color.copy(), first.depth.copy()
            sensor.read(READ_S)
        assert np.array_equal(first.color, color)
        assert np.array_equal(first.depth, depth)

    def test_close_is_idempotent_and_reading_closed_is_refused(self, sensor: Sensor) -> None:
        sensor.close()
        with sensor:
            sensor.read(READ_S)
        sensor.close()
        assert not sensor.is_open
        with pytest.raises(SensorError):
            sensor.read()

    def test_opens_again_after_close(self, sensor: Sensor) -> None:
        for _ in range(2):
            with sensor:
                sensor.open()
                assert sensor.read(READ_S).color.size

    def test_unknown_control_is_refused_by_name(self, sensor: Sensor) -> None:
        with sensor, pytest.raises(ConfigurationError, match="no-such-control"):
            sensor.set_control("no-such-control", 1)

    def test_leaves_no_thread_behind(self, sensor: Sensor) -> None:
        before = set(threading.enumerate())
        with sensor:
            sensor.read(READ_S)
        assert set(threading.enumerate()) <= before

    def test_info_names_the_source(self, sensor: Sensor) -> None:
        assert sensor.info.uri
        assert sensor.info.name

    def test_ends_only_with_end_of_stream(self, sensor: Sensor) -> None:
        if sensor.info.kind != "recording":
            pytest.skip("only recordings end")
        with sensor:
            for _ in range(10_000):
                try:
                    sensor.read(READ_S)
                except EndOfStream:
                    break
            else:
                pytest.fail("a recording must end")
            with pytest.raises(EndOfStream):
                sensor.read(READ_S)
