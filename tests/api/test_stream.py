"""The Python API: frames and labels for other programs, from cameras and recordings."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rgbd_seg
from rgbd_seg import ConfigurationError, Model
from rgbd_seg.assets import model_path
from rgbd_seg.errors import ModelError, SensorError
from rgbd_seg.inference.segmenter import SegmenterOptions
from tests.pipeline.constant_segmenter import ConstantSegmenter
from tests.recording.picture_trees import write_pairs
from tests.waiting import PATIENCE_S

ROOM = "synthetic:?size=64x48&noise=0&fps=30"


def test_frames_come_without_a_model() -> None:
    before = set(threading.enumerate())
    frames = rgbd_seg.stream(ROOM)
    frame, segmentation = next(frames)
    assert segmentation.frame is frame
    assert segmentation.labels is None
    frames.close()
    assert set(threading.enumerate()) <= before


def test_labels_come_with_a_model() -> None:
    for frame, segmentation in rgbd_seg.stream(ROOM, model_path("demo")):
        assert segmentation.labels is not None
        assert segmentation.labels.shape == frame.depth.shape
        assert set(np.unique(segmentation.labels)) <= set(range(1, len(segmentation.label_set) + 1))
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
    readme = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    stream = rgbd_seg.stream

    def two_frames(*arguments: Any, **options: Any) -> Any:
        frames = stream(*arguments, **options)
        yield from islice(frames, 2)
        frames.close()

    monkeypatch.setattr(rgbd_seg, "stream", two_frames)
    exec(example, {})
    assert re.fullmatch(r"(frame \d+: \d+% wall, \d\.\d m away\n){2}", capsys.readouterr().out)


_LOOP = """
import rgbd_seg, sys
with rgbd_seg.stream(sys.argv[1]) as frames:
    for number, _ in enumerate(frames):
        if number == 2:
            print("looping", flush=True)
print("went on", flush=True)
"""


@pytest.mark.parametrize("times", [1, 2], ids=["once", "sent twice at once"])
def test_ctrl_c_ends_the_loop_and_the_program_goes_on(times: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _LOOP, ROOM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "looping\n"
        for _ in range(times):
            process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.communicate()
    assert (output, errors, process.returncode) == ("went on\n", "", 0)


def test_a_second_ctrl_c_interrupts_and_a_handler_of_the_program_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rgbd_seg.api.interrupts.AGAIN_S", 0.0)
    with rgbd_seg.stream(ROOM) as frames:
        next(frames)
        signal.raise_signal(signal.SIGINT)
        time.sleep(0.01)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert list(frames) == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    noted: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: noted.append(number))
    try:
        with rgbd_seg.stream(ROOM) as frames:
            next(frames)
            signal.raise_signal(signal.SIGINT)
            next(frames)  # It is the program's to say what Ctrl-C means.
    finally:
        signal.signal(signal.SIGINT, before)
    assert noted == [signal.SIGINT]


def test_a_stream_that_is_dropped_closes_itself_and_leaves_the_model_open() -> None:
    before = set(threading.enumerate())
    segmenter = ConstantSegmenter()
    with Model(segmenter, SegmenterOptions()) as model:
        for _, result in rgbd_seg.stream(ROOM, model):
            assert result.mask("thing").all()
            break
        assert set(threading.enumerate()) <= before
        assert not segmenter.closed
        with pytest.raises(ConfigurationError, match="open_model"):
            rgbd_seg.stream(ROOM, model, min_confidence=0.5)
    assert segmenter.closed


def test_wrong_arguments_are_named_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"min_confidence must be 0\.\.1"):
        rgbd_seg.stream(ROOM, "demo", min_confidence=50)
    with pytest.raises(ConfigurationError, match="640x480@30"):
        rgbd_seg.stream(ROOM, mode="wide")
