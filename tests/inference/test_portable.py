"""Model files without PyTorch: the bundled ones run, on both back ends, with the labels that PyTorch gives them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.assets import BUNDLED_MODELS, asset, model_path
from rgbd_seg.errors import ModelError
from rgbd_seg.inference import open_segmenter
from rgbd_seg.inference.onnx.runtime import find_provider
from rgbd_seg.inference.onnx.segmenter import OnnxSegmenter
from rgbd_seg.inference.portable import SUFFIX, PortableModel, filled, is_portable
from rgbd_seg.inference.segmenter import SegmenterOptions
from rgbd_seg.models.model_header import read_card
from tests.reliability.model_faults import write_model
from tests.serving.clients import moment
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

BUNDLED = sorted(asset("models/demo.safetensors").parent.glob("*.safetensors"))
_WITHOUT = """
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchvision", "onnxscript", "timm"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NoTorch())
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name.split(".")[0] == "torch" else found(name, *rest)
"""


def without_torch(code: str) -> subprocess.CompletedProcess[str]:
    """Runs Python where PyTorch cannot be imported."""
    return subprocess.run(
        [sys.executable, "-c", _WITHOUT + code], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.stem)
def test_every_bundled_model_has_a_graph_that_fits(path: Path) -> None:
    """If not: rgbd-seg model export assets/models/NAME.safetensors --to graph."""
    network = filled(path.with_name(path.stem + SUFFIX), path, read_card(path))
    assert all(tensor.HasField("raw_data") for tensor in network.graph.initializer)


@pytest.mark.parametrize("frame_size", [(96, 128), (301, 407)], ids=lambda size: "x".join(map(str, size)))
def test_labels_are_those_of_pytorch(frame_size: tuple[int, int]) -> None:
    path, options = model_path("demo"), SegmenterOptions(backend="torch", precision="float32", frame_size=frame_size)
    provider = find_provider("cpu")
    portable = PortableModel(path, None, "float32", lambda model: model)
    info = portable.describe("ONNX Runtime", provider.name, "float32", "a test")
    frames = [moment(number, size=frame_size).frame for number in (3, 3, 4)]
    frames[1] = replace(frames[1], index=frames[0].index + 1, depth=np.roll(frames[1].depth, 2, axis=1))
    with open_segmenter(path, options) as expected, OnnxSegmenter(portable, info, provider, options) as segmenter:
        pairs = [(expected(frames[0]), segmenter(frames[0]))]
        for one in (expected, segmenter):
            one.configure(smoothing="high", min_confidence=0.0)
            one.reset()
        pairs += [(expected(frame), segmenter(frame)) for frame in frames]
    for wanted, found in pairs:
        assert wanted.labels is not None
        assert found.labels is not None
        assert wanted.confidence is not None
        assert found.confidence is not None
        assert (wanted.labels == found.labels).mean() > 0.999
        assert np.abs(wanted.confidence.astype(int) - found.confidence).max() <= 2
    # What was seen before counts in the second frame, and no more after the cut to the third.
    confidences = [found.confidence for _, found in pairs]
    assert not np.array_equal(confidences[1], confidences[2])


def test_the_graph_is_taken_where_it_fits_even_if_pytorch_is_there(tmp_path: Path) -> None:
    demo, options = model_path("demo"), SegmenterOptions()
    assert all(is_portable(model_path(name), options, "float32") for name in BUNDLED_MODELS)
    assert not is_portable(demo, options, "float16")
    assert not is_portable(demo, SegmenterOptions(size=(64, 64)), "float32")
    write_model(tmp_path / "tiny.safetensors")
    assert not is_portable(tmp_path / "tiny.safetensors", options, "float32")
    shutil.copy(demo.with_name(demo.stem + SUFFIX), tmp_path / f"tiny{SUFFIX}")
    assert not is_portable(tmp_path / "tiny.safetensors", options, "float32"), "the graph of another network"


@pytest.mark.parametrize(("backend", "name"), [("auto", "real"), ("openvino", "demo"), ("onnxruntime", "real")])
def test_the_bundled_models_run_where_there_is_no_pytorch(backend: str, name: str) -> None:
    done = without_torch(
        f"""
import numpy as np, rgbd_seg
with rgbd_seg.open_model({name!r}, backend={backend!r}) as model:
    result = model(np.zeros((120, 160, 3), np.uint8), np.full((120, 160), 2000, np.uint16))
    print(result.labels.shape, model.info.notes, "torch" in sys.modules)
"""
    )
    assert done.returncode == 0, done.stderr
    assert "(120, 160) () False" in done.stdout


def test_a_model_without_a_graph_says_what_to_do(tmp_path: Path) -> None:
    shutil.copy(model_path("demo"), tmp_path / "mine.safetensors")
    done = without_torch(f"import rgbd_seg\nrgbd_seg.open_model({str(tmp_path / 'mine.safetensors')!r})")
    assert "mine.graph.onnx" in done.stderr
    assert "rgbd-seg[torch]" in done.stderr


def test_commands_that_need_pytorch_say_so(tmp_path: Path) -> None:
    done = without_torch(
        "from rgbd_seg.cli import main\nsys.exit(main(['model', 'export', 'demo', '--to', 'onnx', '-o', 'x.onnx']))"
    )
    assert done.returncode == 1
    assert done.stderr == "rgbd-seg: this needs torch: pip install 'rgbd-seg[torch]'\n"


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    demo = model_path("demo")
    card = read_card(demo)
    write_model(tmp_path / "tiny.safetensors")
    graph = demo.with_name(demo.stem + SUFFIX)
    with pytest.raises(ModelError, match="does not fit tiny"):
        filled(graph, tmp_path / "tiny.safetensors", card)
    with pytest.raises(ModelError, match="does not fit"):
        filled(graph, tmp_path / "tiny.safetensors", read_card(tmp_path / "tiny.safetensors"))
    (tmp_path / "bad.graph.onnx").write_bytes(b"\xff" * 100)
    with pytest.raises(ModelError, match=r"bad\.graph\.onnx"):
        filled(tmp_path / "bad.graph.onnx", demo, card)
    with pytest.raises(ModelError, match="PyTorch"):
        PortableModel(demo, None, "float16", lambda model: model)
