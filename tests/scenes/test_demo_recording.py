"""The bundled recording: small enough, complete, and what its script makes of today's rooms."""

from __future__ import annotations

import numpy as np

from rgbd_seg.assets import asset
from rgbd_seg.recording import open_recording
from rgbd_seg.sensors import open_sensor
from tests.benchmarks.make_demo_recording import FPS, FRAMES, SOURCE


def test_is_small_and_complete() -> None:
    path = asset("recordings/demo.mcap")
    assert path.stat().st_size < 10_000_000
    reader = open_recording(path)
    try:
        assert len(reader.times_us) == FRAMES
        assert np.ptp(reader.times_us) / 1e6 > (FRAMES - 1) / FPS - 0.01
        frame = reader.read(FRAMES - 1)
    finally:
        reader.close()
    assert frame.color.shape == (360, 480, 3)
    assert frame.calibration.registered
    assert 0.8 < (frame.depth > 0).mean() < 1.0
    assert frame.truth is not None
    assert frame.truth.instances is not None


def test_shows_the_room_that_its_script_draws() -> None:
    reader = open_recording(asset("recordings/demo.mcap"))
    try:
        with open_sensor(SOURCE) as sensor:
            sensor.set_control("speed", 30 / FPS)
            for number in range(3):
                drawn, recorded = sensor.read(30.0), reader.read(number)
                assert drawn.truth is not None
                assert recorded.truth is not None
                assert (drawn.truth.labels == recorded.truth.labels).mean() > 0.995
                near = np.abs(drawn.depth.astype(int) - recorded.depth) <= 5
                assert near.mean() > 0.98  # Another OpenGL may round other pixels at edges.
                assert np.abs(drawn.color.astype(int) - recorded.color).mean() < 6  # JPEG.
    finally:
        reader.close()
