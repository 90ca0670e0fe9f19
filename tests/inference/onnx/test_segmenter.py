"""ONNX Runtime as a back end: conformance, its cache, and the choice of providers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.inference.onnx.runtime import choose_precision, find_provider
from rgbd_seg.inference.onnx.segmenter import open_segmenter
from rgbd_seg.testing.backends import SegmenterConformance

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rgbd_seg.inference.segmenter import Segmenter, SegmenterOptions


class TestOnnxRuntime(SegmenterConformance):
    def open(self, path: Path, options: SegmenterOptions, progress: Callable[[str, float], None]) -> Segmenter:
        return open_segmenter(path, options, "a test wants it", progress)


def test_devices_are_the_providers_of_the_installation() -> None:
    provider = find_provider("cpu")
    assert provider.provider == "CPUExecutionProvider"
    assert choose_precision(provider, "auto") == "float32"
    with pytest.raises(ConfigurationError, match="bfloat16"):
        choose_precision(provider, "bfloat16")
    with pytest.raises(ConfigurationError, match="cpu"):
        find_provider("abacus")
