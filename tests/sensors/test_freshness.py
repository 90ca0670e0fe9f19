"""Silence, repetition and old pictures of a camera become the right errors, and honest cameras are left alone."""

from __future__ import annotations

import numpy as np
import pytest

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import SensorFrozen, SensorLost, SensorTimeout
from rgbd_seg.sensors.freshness import FIRST_FRAME_S, MAX_AGE_S, Freshness
from rgbd_seg.sensors.sensor import Capture, Sensor, SensorInfo

COLOR, DEPTH = np.zeros((4, 6, 3), np.uint8), np.zeros((4, 6), np.uint16)


def capture(number: int | None = None, device_us: int | None = None) -> Capture:
    return Capture(COLOR.copy(), DEPTH.copy(), number, device_us)


class ScriptedCamera(Sensor):
    """Delivers the given captures, the last one for ever."""

    lost_after_s = 0.05

    def __init__(self, *captures: Capture | None) -> None:
        super().__init__(SensorInfo("test:", "Scripted camera", "camera"))
        self.captures = list(captures)

    def _open(self) -> Calibration:
        return Calibration(Intrinsics(6, 4, 5, 5, 3, 2))

    def _grab(self, timeout_s: float) -> Capture | None:
        return self.captures.pop(0) if len(self.captures) > 1 else self.captures[0]

    def _close(self) -> None:
        pass


def test_silence_is_a_time_out_first_and_a_loss_later():
    fresh = Freshness("Camera", lost_after_s=3.0)
    assert fresh.is_new(1, None, 0)
    fresh.waited(2.9)
    with pytest.raises(SensorLost, match=r"Camera has sent nothing for 3\.1 s") as caught:
        fresh.waited(0.2)
    assert not isinstance(caught.value, SensorFrozen)


def test_the_first_frame_may_take_longer():
    fresh = Freshness("Camera", lost_after_s=3.0)
    fresh.waited(FIRST_FRAME_S - 0.1)
    with pytest.raises(SensorLost):
        fresh.waited(0.2)


@pytest.mark.parametrize("again", [(7, None), (8, 100)], ids=["same number", "same device time"])
def test_repetition_is_told_apart_from_silence(again: tuple[int, int | None]):
    fresh = Freshness("Camera", lost_after_s=3.0)
    assert fresh.is_new(7, 100, 0)
    assert not fresh.is_new(*again, 10**9)
    with pytest.raises(SensorFrozen, match="repeated old pictures"):
        fresh.waited(3.1)


def test_pictures_that_fall_behind_are_old_but_drifting_clocks_are_not():
    second_us, hour = 1_000_000, 3600
    fresh = Freshness("Camera", lost_after_s=3.0)
    for i in range(10 * hour):  # The host's clock runs 100 ppm faster, for ten hours.
        assert fresh.is_new(i, i * second_us, int(i * 1e9 * 1.0001))
    late_us = int((MAX_AGE_S + 1) * second_us)
    assert not fresh.is_new(i + 1, i * second_us + 1, int(i * 1e9 * 1.0001) + late_us * 1000)


def test_a_device_clock_that_starts_again_is_no_fault():
    fresh = Freshness("Camera", lost_after_s=3.0)
    assert fresh.is_new(100, 50_000_000, 0)
    assert fresh.is_new(1, 10, 40_000_000)
    assert fresh.is_new(2, 33_010, 73_000_000)


def test_sensor_drops_repeats_and_keeps_counting_after_a_restart():
    numbers = [capture(n) for n in (5, 5, 6, 9, 1, 1, 2)]
    with ScriptedCamera(*numbers) as sensor:
        assert [sensor.read().index for _ in range(5)] == [0, 1, 4, 5, 6]
        with pytest.raises(SensorTimeout):
            sensor.read(0.01)
        with pytest.raises(SensorFrozen):
            sensor.read(0.1)


def test_a_camera_that_comes_back_goes_on_counting():
    sensor = ScriptedCamera(*[capture(n) for n in (8, 9, 1, 2)])
    indices = []
    for _ in range(2):
        with sensor:
            indices += [sensor.read().index for _ in range(2)]
    assert indices == [0, 1, 2, 3]
