"""Holds the program to its architecture: what loads what, and how fast the help appears."""

from __future__ import annotations

import json
import subprocess
import sys
from graphlib import TopologicalSorter

import grimp
import pytest

from tests.waiting import PATIENCE_S

HEAVY = (
    "torch",
    "torchvision",
    "PySide6",
    "pyqtgraph",
    "openvino",
    "onnxruntime",
    "pyrealsense2",
    "openni",
    "moderngl",
)


def modules_loaded_by(code: str) -> set[str]:
    """The top-level modules in a fresh interpreter after running `code`."""
    probe = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    return set(json.loads(done.stdout.strip().splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import rgbd_seg",
        "from rgbd_seg import cli\ntry:\n    cli.main(['--help'])\nexcept SystemExit:\n    pass",
        "import rgbd_seg.sensors, rgbd_seg.sensors.sensor, rgbd_seg.recording",
        "import rgbd_seg.pipeline.slot, rgbd_seg.inference.segmenter",
    ],
    ids=["package", "help", "sensors", "contracts"],
)
def test_light_imports_load_nothing_heavy(code: str) -> None:
    assert not modules_loaded_by(code) & set(HEAVY)


def test_the_pipeline_needs_neither_torch_nor_qt() -> None:
    assert not modules_loaded_by("import rgbd_seg.pipeline.live") & set(HEAVY)


def test_no_file_is_in_a_circle_of_imports() -> None:
    """Not even of those that only the type checker sees: who is in one cannot be read without all others."""
    graph = grimp.build_graph("rgbd_seg", "training")
    TopologicalSorter({name: graph.find_modules_directly_imported_by(name) for name in graph.modules}).prepare()


def test_the_window_code_loads_no_torch() -> None:
    assert "torch" not in modules_loaded_by("import rgbd_seg.app.window")


def test_loading_a_model_leaves_the_compiler_of_pytorch_alone() -> None:
    code = (
        "import sys, torch, rgbd_seg.models.model_file as file\nfrom rgbd_seg.assets import asset\n"
        "file.load_model(asset('models/demo.safetensors'))\nassert 'torch._dynamo' not in sys.modules"
    )
    assert "torchvision" not in modules_loaded_by(code)
