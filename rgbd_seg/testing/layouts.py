"""What every reader of recordings must do. A layout's test class inherits `ReaderConformance` and gives it a recording.

`expected_frames`, `exact_color` and `times_are_stored` say what the layout can keep.
"""

from __future__ import annotations

import threading
import tracemalloc
from abc import ABC, abstractmethod

import numpy as np
import pytest

from rgbd_seg.recording.reader import RecordingReader
from rgbd_seg.testing.stored import assert_same


class ReaderConformance(ABC):
    """Inherit, implement the fixture `reader`, and pytest runs these tests on the layout."""

    @abstractmethod
    @pytest.fixture
    def reader(self) -> RecordingReader:
        """An open reader of a recording with at least three frames."""

    def test_frames_are_well_formed(self, reader: RecordingReader) -> None:
        assert len(reader) >= 3
        for frame in reader:
            size = (frame.calibration.color.height, frame.calibration.color.width)
            assert frame.color.shape == (*size, 3)
            assert frame.color.dtype == np.uint8
            assert frame.depth.shape == size
            assert frame.depth.dtype == np.uint16
            assert frame.calibration.depth_unit_m > 0
            if frame.truth is not None:
                assert frame.truth.labels.shape == size
                assert frame.truth.labels.dtype == np.uint8

    def test_times_start_at_zero_and_never_decrease(self, reader: RecordingReader) -> None:
        times = reader.times_us
        assert times.shape == (len(reader),)
        assert times.dtype == np.int64
        assert times[0] == 0
        assert np.all(np.diff(times) >= 0)
        assert [frame.time_us for frame in reader] == times.tolist()

    def test_indices_increase(self, reader: RecordingReader) -> None:
        indices = [frame.index for frame in reader]
        assert indices == sorted(set(indices))

    def test_any_order_gives_the_same_frames(self, reader: RecordingReader) -> None:
        forwards = list(reader)
        for position in reversed(range(len(reader))):
            assert_same(reader.read(position), forwards[position])

    def test_a_frame_stays_as_it_was(self, reader: RecordingReader) -> None:
        first = reader.read(0)
        color, depth = first.color.copy(), first.depth.copy()
        reader.read(len(reader) - 1)
        assert np.array_equal(first.color, color)
        assert np.array_equal(first.depth, depth)

    @pytest.mark.parametrize("beyond", [-1, 0, 1000])
    def test_positions_outside_are_refused(self, reader: RecordingReader, beyond: int) -> None:
        position = -1 if beyond < 0 else len(reader) + beyond
        with pytest.raises(IndexError):
            reader.read(position)

    def test_info_names_the_recording(self, reader: RecordingReader) -> None:
        info = reader.info
        assert info.path.exists()
        assert info.name
        assert all(isinstance(k, str) and isinstance(v, str) for k, v in info.details.items())
        has_truth = any(frame.truth is not None for frame in reader)
        assert has_truth <= (info.label_set is not None)

    def test_reading_keeps_no_frames(self, reader: RecordingReader) -> None:
        frame_bytes = reader.read(0).color.nbytes + reader.read(0).depth.nbytes
        for _ in range(3):
            for _frame in reader:
                pass
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(3):
                for _frame in reader:
                    pass
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        # One pass over the frames may leave caches, but not the frames of three passes.
        assert grown < max(3 * frame_bytes, 1_000_000)

    def test_closing_twice_and_leaving_no_thread(self, reader: RecordingReader) -> None:
        before = set(threading.enumerate())
        reader.read(0)
        reader.close()
        reader.close()
        assert set(threading.enumerate()) <= before
