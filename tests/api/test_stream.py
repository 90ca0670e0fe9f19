"""The Python API: frames and labels for other programs, from cameras and recordings."""

from __future__ import annotations

import re
import threading
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rgbd_seg
from rgbd_seg.errors import ModelError, SensorError
from tests.recording.picture_trees import write_pairs
from tests.reliability.model_faults import write_model

ROOM = "synthetic:?size=160x120&noise=0&fps=30"


def test_frames_come_without_a_model() -> None:
    before = set(threading.enumerate())
    frames = rgbd_seg.stream(ROOM)
    frame, segmentation = next(frames)
    assert segmentation.frame is frame
    assert segmentation.labels is None
    frames.close()
    assert set(threading.enumerate()) <= before


def test_labels_come_with_a_model(tmp_path: Path) -> None:
    write_model(tmp_path / "tiny.safetensors")
    for frame, segmentation in rgbd_seg.stream(ROOM, tmp_path / "tiny.safetensors"):
        assert segmentation.labels is not None
        assert segmentation.labels.shape == frame.depth.shape
        assert set(np.unique(segmentation.labels)) <= {1, 2}
        break


@pytest.mark.parametrize("every_frame", [True, False])
def test_a_recording_ends_by_itself(tmp_path: Path, every_frame: bool) -> None:
    write_pairs(tmp_path / "a", 5)
    indices = [frame.index for frame, _ in rgbd_seg.stream(tmp_path / "a", every_frame=every_frame)]
    assert indices == sorted(indices)
    assert indices[-1] == 4
    if every_frame:
        assert indices == [0, 1, 2, 3, 4]


def test_errors_are_raised_where_the_loop_is(tmp_path: Path) -> None:
    with pytest.raises(SensorError):
        next(rgbd_seg.stream("realsense:no-such-serial"))
    (tmp_path / "bad.safetensors").write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"bad\.safetensors"):
        next(rgbd_seg.stream(ROOM, tmp_path / "bad.safetensors"))


def test_the_example_of_the_readme_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    stream = rgbd_seg.stream

    def two_frames(*arguments: Any, **options: Any) -> Any:
        frames = stream(*arguments, **options)
        yield from islice(frames, 2)
        frames.close()

    monkeypatch.setattr(rgbd_seg, "stream", two_frames)
    exec(example, {})
    assert re.fullmatch(r"(frame \d+: \d+% wall, \d\.\d m away\n){2}", capsys.readouterr().out)
