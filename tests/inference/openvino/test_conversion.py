"""Model files that another process converts: what is left in the cache, what goes wrong, and what stays unloaded."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from rgbd_seg.errors import ModelError
from rgbd_seg.inference import open_segmenter
from rgbd_seg.inference.openvino import conversion as openvino_conversion
from rgbd_seg.inference.openvino.compilation import compilations
from rgbd_seg.inference.openvino.conversion import Conversion, convert_apart
from rgbd_seg.inference.openvino.model import OpenVinoModel
from rgbd_seg.inference.openvino.runtime import find_device
from rgbd_seg.inference.segmenter import SegmenterOptions
from tests.waiting import PATIENCE_S, program

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = (72, 96)

# Opens a model in a process without PyTorch, segments a frame, and says what was loaded for it.
_OPEN = """
import json, sys
import numpy as np
from pathlib import Path
from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.inference import SegmenterOptions, open_segmenter
options = SegmenterOptions(device="cpu", threads=1, frame_size=(72, 96), precision="float32")
with open_segmenter(Path(sys.argv[1]), options) as segmenter:
    lens = Calibration(Intrinsics(96, 72, 80.0, 80.0, 48.0, 36.0))
    frame = RgbdFrame(np.zeros((72, 96, 3), np.uint8), np.ones((72, 96), np.uint16), lens, 0, 0)
    shape = segmenter(frame).labels.shape
    details = dict(segmenter.info.details)
print(json.dumps([shape, "torch" in sys.modules, details]))
"""


def conversion(model: Path, **changes: object) -> Conversion:
    return Conversion(**{**asdict(Conversion(str(model), (96, 128), "float32", FRAMES, "CPU", 1)), **changes})  # type: ignore[arg-type]


def cached(model: Path) -> list[bool]:
    source = OpenVinoModel(model, None, "float32")
    found = compilations(source.parts(FRAMES), source.contents(FRAMES), find_device("cpu"), "float32", 1)
    return [compilation.from_cache() is not None for compilation in found.values()]


def open_in_a_fresh_process(model: Path) -> tuple[list[int], bool, dict[str, str]]:
    done = subprocess.run(
        [sys.executable, "-c", _OPEN, str(model)],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_S,
    )
    shape, has_torch, details = json.loads(done.stdout)
    return shape, has_torch, details


def test_a_process_without_pytorch_stays_without_it_and_every_part_lies_in_the_cache_afterwards(
    model_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cached(model_path) == [False, False, False]
    for expected in ("compiled now", "taken from the cache"):
        shape, has_torch, details = open_in_a_fresh_process(model_path)
        assert (shape, has_torch, details["compiled graph"]) == ([72, 96], False, expected)
        assert cached(model_path) == [True, True, True]
    with open_segmenter(model_path, SegmenterOptions(backend="torch", device="cpu", precision="float32")) as segmenter:
        assert details["parameters"] == segmenter.info.details["parameters"]


def test_a_process_that_cannot_convert_leaves_it_to_the_first(
    model_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(openvino_conversion.sys, "executable", "/bin/false")
    convert_apart(conversion(model_path))
    assert cached(model_path) == [False, False, False]
    monkeypatch.setattr(openvino_conversion.sys, "executable", str(tmp_path / "missing"))
    convert_apart(conversion(model_path))


def test_a_damaged_file_is_refused_in_one_sentence(
    model_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(model_path.read_bytes()[:-10])
    with pytest.raises(ModelError, match="damaged or cut off") as refused:
        convert_apart(conversion(cut))
    assert "Traceback" not in str(refused.value)


def test_the_other_process_ends_when_the_first_is_gone(model_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "rgbd_seg.inference.openvino.conversion_process",
        json.dumps(asdict(conversion(model_path))),
    ]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with program(command, stdin=subprocess.PIPE, **quiet) as process:
        process.stdin.close()
        assert process.wait(PATIENCE_S) == 1
