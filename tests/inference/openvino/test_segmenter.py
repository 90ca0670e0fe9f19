"""OpenVINO as a back end: conformance, its cache, the choice of arithmetic, and no word to the outside."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.assets import DEMO, model_path
from rgbd_seg.errors import ConfigurationError
from rgbd_seg.inference.openvino.runtime import Device, choose_precision, devices, find_device
from rgbd_seg.inference.openvino.segmenter import open_segmenter
from rgbd_seg.inference.segmenter import Segmenter, SegmenterOptions
from rgbd_seg.sensors import open_sensor
from rgbd_seg.testing.backends import SegmenterConformance, ignore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rgbd_seg.frame import RgbdFrame


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


class TestOpenVino(SegmenterConformance):
    def open(self, path: Path, options: SegmenterOptions, progress: Callable[[str, float], None]) -> Segmenter:
        return open_segmenter(path, options, "a test wants it", progress)


def test_second_start_takes_the_compiled_graph_from_the_cache(
    make_frame: Callable[..., RgbdFrame], cache: Path
) -> None:
    model = model_path(DEMO)
    options = SegmenterOptions(frame_size=(96, 128), threads=1)
    results = []
    for expected in ("compiled now", "taken from the cache"):
        with open_segmenter(model, options, "", ignore) as segmenter:
            assert segmenter.info.details["compiled graph"] == expected
            results.append(segmenter(make_frame()).labels)
    assert (results[0] == results[1]).all()
    for entry in cache.rglob("*.blob"):
        entry.write_bytes(entry.read_bytes()[:1000])
    with open_segmenter(model, options, "", ignore) as segmenter:
        assert segmenter.info.details["compiled graph"] == "compiled now"


def test_arithmetic_is_what_the_device_has() -> None:
    plain = Device("CPU", "a plain CPU", ("float32", "int8"))
    with_amx = replace(plain, precisions=("float32", "bfloat16", "float16", "int8"))
    assert choose_precision(plain, "auto")[0] == "float32"
    assert choose_precision(with_amx, "auto")[0] == "bfloat16"
    assert choose_precision(plain, "int8")[0] == "int8"
    with pytest.raises(ConfigurationError, match="bfloat16"):
        choose_precision(plain, "bfloat16")


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_sixteen_bits_keep_the_labels_of_a_trained_model(precision: str) -> None:
    if precision not in find_device("cpu").precisions:
        pytest.skip(f"this processor has no {precision}")
    with open_sensor("synthetic:?seed=3&size=320x240&fps=0&speed=3") as sensor:
        frames = [sensor.read(5.0) for _ in range(4)]
    labels = []
    for wanted in ("float32", precision):
        options = SegmenterOptions(precision=wanted, frame_size=(240, 320))
        with open_segmenter(model_path(DEMO), options, "", ignore) as segmenter:
            labels.append(np.stack([segmenter(frame).labels for frame in frames]))
    assert (labels[0] == labels[1]).mean() >= 0.995


def test_the_cpu_is_a_device() -> None:
    assert any(device.id == "CPU" and "float32" in device.precisions for device in devices())


def test_usage_statistics_are_hidden_from_openvino() -> None:
    code = (
        "import sys; from rgbd_seg.inference.openvino.runtime import core; core(); "
        "sys.exit(any(name.startswith('openvino_telemetry') and module for name, module in sys.modules.items()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
