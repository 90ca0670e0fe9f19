"""int8 from the command to the labels: calibrated on a recording, kept with what it lost, opened by its precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.cli import main
from rgbd_seg.errors import ModelError
from rgbd_seg.inference import open_segmenter
from rgbd_seg.inference.segmenter import SegmenterOptions
from tests.recording.picture_trees import write_pairs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rgbd_seg.frame import RgbdFrame

_OPTIONS = SegmenterOptions(backend="openvino", precision="int8", frame_size=(96, 128), threads=1)


def test_a_calibrated_model_runs_in_int8_and_says_what_it_loses(
    tmp_path: Path,
    model_path: Path,
    make_frame: Callable[..., RgbdFrame],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    with pytest.raises(ModelError, match="rgbd-seg model calibrate"):
        open_segmenter(model_path, _OPTIONS)
    write_pairs(tmp_path / "seen", 8)
    assert main(["model", "calibrate", str(model_path), str(tmp_path / "seen"), "--frames", "8"]) == 0
    said = capfd.readouterr().out.strip().splitlines()[-1]
    assert said.startswith("int8 gives ")
    assert said.endswith("on 2 other frames of seen")
    frame = make_frame()
    with open_segmenter(model_path, _OPTIONS) as segmenter:
        assert segmenter.info.precision == "int8"
        assert said == f"int8 gives {segmenter.info.details['int8']}"
        result = segmenter(frame).labels
    exact = SegmenterOptions(backend="torch", precision="float32", threads=1, frame_size=(96, 128))
    with open_segmenter(model_path, exact) as reference:
        expected = reference(frame).labels
    assert result is not None
    assert 0.7 < np.mean(result == expected) < 1  # Random weights: a hard case, and not the same arithmetic.


def test_too_few_frames_are_refused(tmp_path: Path, model_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pairs(tmp_path / "few", 3)
    assert main(["model", "calibrate", str(model_path), str(tmp_path / "few")]) == 2
    assert "at least 8 frames" in capsys.readouterr().err
