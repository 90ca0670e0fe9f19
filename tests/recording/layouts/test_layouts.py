"""Every layout of pictures through the suite that all readers share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.recording import open_recording
from rgbd_seg.testing.layouts import ReaderConformance
from tests.recording.picture_trees import HEIGHT, WIDTH, write_gray, write_pairs, write_sunrgbd_frame, write_tum

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.recording.reader import RecordingReader


class TestFolderReader(ReaderConformance):
    @pytest.fixture
    def reader(self, tmp_path: Path) -> RecordingReader:
        write_pairs(tmp_path, 4)
        (tmp_path / "depth" / "1.png").unlink()
        write_gray(tmp_path / "label" / "2.png", np.ones((HEIGHT, WIDTH), np.uint8))
        return open_recording(tmp_path)


class TestTumReader(ReaderConformance):
    @pytest.fixture
    def reader(self, tmp_path: Path) -> RecordingReader:
        write_tum(tmp_path, 4)
        return open_recording(tmp_path)


class TestSunrgbdReader(ReaderConformance):
    @pytest.fixture
    def reader(self, tmp_path: Path) -> RecordingReader:
        for number, size in enumerate([(24, 32), (30, 44), (24, 32)]):
            write_sunrgbd_frame(tmp_path / "kv1" / f"{number}", number, *size)
        return open_recording(tmp_path)
