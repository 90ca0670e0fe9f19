"""What every format to export to must do. Its test class inherits `ExportConformance` and names the format."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.convert import convert
from rgbd_seg.recording.exports.formats import formats
from rgbd_seg.recording.reader import StoredFrame
from rgbd_seg.testing.stored import SOURCE, make_stored


class ExportConformance(ABC):
    """Inherit, name the format, and pytest runs these tests on it."""

    name: str

    @pytest.fixture
    def out(self, tmp_path: Path) -> Path:
        return tmp_path / f"out{formats()[self.name].suffix}"

    def test_frames_become_a_file_or_a_folder(self, out: Path) -> None:
        result = convert([make_stored(i) for i in range(3)], out, SOURCE, to=self.name)
        assert result.frames == 3
        assert out.is_file() == bool(formats()[self.name].suffix)
        assert out.is_file() or any(out.iterdir())

    def test_what_says_that_it_can_be_opened_again_can_be(self, out: Path) -> None:
        if not formats()[self.name].reopens:
            pytest.skip("it is only written")
        frames = [make_stored(i) for i in range(3)]
        convert(frames, out, SOURCE, to=self.name)
        with open_recording(out) as reader:
            assert len(reader) == 3
            for before, after in zip(frames, reader, strict=True):
                unit_m = after.calibration.depth_unit_m
                assert np.allclose(
                    before.depth * before.calibration.depth_unit_m, after.depth * unit_m, atol=unit_m / 2
                )

    def test_frames_without_labels_are_exported_too(self, out: Path) -> None:
        assert convert([make_stored(i, labelled=False) for i in range(2)], out, SOURCE, to=self.name).frames == 2

    def test_an_error_in_the_middle_leaves_nothing(self, out: Path) -> None:
        def broken() -> Iterator[StoredFrame]:
            yield make_stored(0)
            raise RecordingError("the cable was pulled")

        with pytest.raises(RecordingError, match="cable"):
            convert(broken(), out, SOURCE, to=self.name)
        assert list(out.parent.iterdir()) == []

    def test_a_cancelled_export_leaves_nothing(self, out: Path) -> None:
        result = convert([make_stored(i) for i in range(3)], out, SOURCE, to=self.name, cancelled=lambda: True)
        assert result.cancelled
        assert list(out.parent.iterdir()) == []
