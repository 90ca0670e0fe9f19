"""The built-in room as a source of frames."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.scenes import CAMERA_NAMES
from rgbd_seg.sensors import open_sensor
from rgbd_seg.sensors.drivers.synthetic import list_devices
from rgbd_seg.sensors.sensor import Request, Sensor, StreamMode
from rgbd_seg.testing.sensors import SensorConformance
from tests.waiting import PATIENCE_S

SMALL = "synthetic:?seed=3&room=living&size=160x120&fps=0"


class TestSyntheticSensor(SensorConformance):
    @pytest.fixture
    def sensor(self) -> Sensor:
        return open_sensor(SMALL)

    def test_every_frame_carries_truth_with_instances(self, sensor: Sensor) -> None:
        with sensor:
            for _ in range(3):
                truth = sensor.read(5.0).truth
                assert truth is not None
                assert truth.instances is not None
                assert truth.label_set.name == "sunrgbd37"
                assert len(np.unique(truth.labels)) >= 3
                assert ((truth.instances > 0) | (truth.labels == 0)).all()

    def test_the_same_uri_gives_the_same_frames(self) -> None:
        runs = []
        for _ in range(2):
            with open_sensor(SMALL) as sensor:
                runs.append([sensor.read(5.0) for _ in range(3)])
        for first, second in zip(*runs, strict=True):
            assert np.array_equal(first.color, second.color)
            assert np.array_equal(first.depth, second.depth)

    def test_the_camera_walks_unless_its_speed_is_zero(self) -> None:
        with open_sensor(SMALL + "&speed=20&noise=0") as sensor:
            first, second = sensor.read(5.0), sensor.read(5.0)
            assert not np.array_equal(first.depth, second.depth)
            sensor.set_control("speed", 0.0)
            sensor.read(5.0)
            still, again = sensor.read(5.0), sensor.read(5.0)
            assert np.array_equal(still.depth, again.depth)

    def test_noise_can_be_switched_while_it_runs(self) -> None:
        with open_sensor(SMALL + "&speed=0&noise=0&infrared=1") as sensor:
            infrared = sensor.read().infrared
            assert infrared is not None
            assert infrared.std() > 5
            clean, same = sensor.read(5.0), sensor.read(5.0)
            assert np.array_equal(clean.color, same.color)
            sensor.set_control("noise", True)
            assert not np.array_equal(clean.color, sensor.read(5.0).color)

    def test_is_read_from_the_thread_that_opened_it(self, sensor: Sensor) -> None:
        shapes = []

        def capture() -> None:
            with sensor:
                shapes.append(sensor.read(5.0).depth.shape)

        thread = threading.Thread(target=capture)
        thread.start()
        thread.join(PATIENCE_S)
        assert shapes == [(120, 160)]

    @pytest.mark.parametrize("camera", CAMERA_NAMES)
    def test_each_camera_has_its_own_size_and_lens(self, camera: str) -> None:
        sensor = open_sensor(f"synthetic:?camera={camera}&fps=0")
        own = sensor.modes()[0]
        assert (own.width, own.height) == ((512, 424) if camera == "kinect2" else (640, 480))
        with open_sensor(f"synthetic:?camera={camera}&fps=0", Request(StreamMode(160, 120, 0))) as small:
            frame = small.read(5.0)
            assert frame.depth.shape == (120, 160)
            assert 0.5 < (frame.depth > 0).mean() < 1.0

    def test_paces_itself(self) -> None:
        assert open_sensor("synthetic:?fps=25").pace_hz == 25
        assert open_sensor("synthetic:?fps=0").pace_hz is None

    @pytest.mark.parametrize(
        ("options", "named"),
        [
            ("seed=-1", "seed"),
            ("seed=1e3", "seed"),
            ("seed=99999999999999999999", "seed"),
            ("room=garage", "room"),
            ("camera=leica", "camera"),
            ("speed=nan", "speed"),
            ("speed=-1", "speed"),
            ("size=640", "size"),
            ("size=0x10", "size"),
            ("size=9999x9999", "size"),
            ("noise=maybe", "noise"),
            ("fps=1000", "fps"),
            ("colour=red", "colour"),
        ],
    )
    def test_a_wrong_option_is_refused_by_name(self, options: str, named: str) -> None:
        with pytest.raises(ConfigurationError, match=named):
            open_sensor(f"synthetic:?{options}")

    def test_is_always_listed(self) -> None:
        assert [info.kind for info in list_devices()] == ["synthetic"]
