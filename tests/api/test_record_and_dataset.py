"""Recordings for other programs: made, opened, and as tensors."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest

import rgbd_seg
from rgbd_seg import ConfigurationError, RecordingError
from tests.recording.picture_trees import depth_of, write_pairs

if TYPE_CHECKING:
    from pathlib import Path

ROOM = "synthetic:?size=64x48&noise=0&fps=60"


def test_a_source_is_recorded_and_opened(tmp_path: Path) -> None:
    status = rgbd_seg.record(ROOM, tmp_path / "room.mcap", frames=4)
    assert (status.frames, status.dropped) == (4, 0)
    with rgbd_seg.open_recording(tmp_path / "room.mcap") as recording:
        assert len(recording) == 4
        first, last = recording[0], recording[-1]
        assert [frame.index for frame in recording] == [0, 1, 2, 3]
        with pytest.raises(IndexError, match=r"-4\.\.3"):
            recording[4]
    assert first.truth is not None  # The room knows its own labels.
    assert first.prediction is None
    assert last.depth_m.dtype == np.float32
    assert np.array_equal(np.isnan(last.depth_m), last.depth == 0)
    assert np.allclose(last.points()[..., 2], last.depth_m, equal_nan=True)


@pytest.mark.parametrize("every_frame", [True, False])
def test_a_stream_is_recorded_while_it_is_looked_at(tmp_path: Path, every_frame: bool) -> None:
    seen = []
    with rgbd_seg.stream(ROOM, every_frame=every_frame, record=tmp_path / "seen.mcap") as frames:
        for frame, _ in frames:
            seen.append(frame.index)
            if len(seen) == 5:
                break
    with rgbd_seg.open_recording(tmp_path / "seen.mcap") as recording:
        kept = [frame.index for frame in recording]
    assert set(seen) <= set(kept)
    assert kept == list(range(kept[0], kept[-1] + 1))


def test_what_cannot_be_recorded_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="seconds must be more than 0"):
        rgbd_seg.record(ROOM, tmp_path / "a.mcap", seconds=0)
    with pytest.raises(ConfigurationError, match="640x480@30"):
        rgbd_seg.record(ROOM, tmp_path / "a.mcap", mode="large")
    (tmp_path / "there.mcap").touch()
    with pytest.raises(RecordingError, match=r"there\.mcap"):
        rgbd_seg.record(ROOM, tmp_path / "there.mcap", frames=1)


def test_a_recording_is_a_data_set_of_tensors(tmp_path: Path) -> None:
    import torch
    from torch.utils.data import DataLoader

    write_pairs(tmp_path / "a", 4)
    with rgbd_seg.RecordingDataset(tmp_path / "a") as data:
        assert len(data) == 4
        item = data[-1]
        assert set(item) == {"color", "depth_m"}
        assert item["color"].shape == (3, 24, 32)
        assert torch.allclose(item["depth_m"][0], torch.from_numpy(depth_of(3) * np.float32(0.001)))
        batches = list(DataLoader(data, batch_size=2))
        assert batches[0]["depth_m"].shape == (2, 1, 24, 32)
        copy = pickle.loads(pickle.dumps(data))  # As a worker gets it.
        assert torch.equal(copy[0]["color"], data[0]["color"])
        copy.close()
        with pytest.raises(IndexError, match=r"-4\.\.3"):
            data[4]


def test_labels_are_asked_for_and_missed(tmp_path: Path) -> None:
    write_pairs(tmp_path / "a", 2)
    with pytest.raises(ConfigurationError, match="has no truth"):
        rgbd_seg.RecordingDataset(tmp_path / "a", labels=True)
    rgbd_seg.record(ROOM, tmp_path / "room.mcap", frames=2)
    with rgbd_seg.RecordingDataset(tmp_path / "room.mcap", labels=True) as data:
        assert data.label_set is not None
        assert data[0]["labels"].shape == (48, 64)
        assert int(data[0]["labels"].max()) <= len(data.label_set)
