"""The tests that the toy package would have: the suites that rgbd-seg brings, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rgbd_seg.inference import open_segmenter
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.convert import convert
from rgbd_seg.sensors import open_sensor
from rgbd_seg.testing.backends import SegmenterConformance
from rgbd_seg.testing.exports import ExportConformance
from rgbd_seg.testing.layouts import ReaderConformance
from rgbd_seg.testing.sensors import SensorConformance
from rgbd_seg.testing.stored import SOURCE, make_stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rgbd_seg.inference.segmenter import Segmenter, SegmenterOptions
    from rgbd_seg.recording.reader import RecordingReader
    from rgbd_seg.sensors.sensor import Sensor


class TestCamera(SensorConformance):
    @pytest.fixture
    def sensor(self) -> Sensor:
        return open_sensor("toy:0", isolated=False)


class TestLayout(ReaderConformance):
    @pytest.fixture
    def reader(self, tmp_path: Path) -> Iterator[RecordingReader]:
        convert([make_stored(i, labelled=False) for i in range(3)], tmp_path / "a.toy", SOURCE)
        with open_recording(tmp_path / "a.toy") as reader:
            yield reader


class TestExport(ExportConformance):
    name = "toy"


class TestBackend(SegmenterConformance):
    def open(self, path: Path, options: SegmenterOptions, progress: Callable[[str, float], None]) -> Segmenter:
        from dataclasses import replace

        return open_segmenter(path, replace(options, backend="toy"), progress)
