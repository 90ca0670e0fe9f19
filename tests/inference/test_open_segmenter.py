"""Choosing a back end: what is asked for, what "auto" takes and why, and what happens when one fails."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch

from rgbd_seg import inference
from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.inference import available, available_backends, backends, installed_backends, open_segmenter
from rgbd_seg.inference.cpu import cpu_name, default_threads
from rgbd_seg.inference.segmenter import SegmenterOptions
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path


def fake_backend(name: str, problem: str | None = None, failure: str = "", suffixes: tuple[str, ...] = ()) -> Any:
    """A back end that opens nothing but tells what it was asked."""

    def open_it(path: Path, options: SegmenterOptions, reason: str, progress: Any) -> tuple[str, str]:
        if failure:
            raise ModelError(failure)
        return name, reason

    return SimpleNamespace(
        NAME=name, SUFFIXES=suffixes or (".safetensors",), problem=lambda device: problem, open_segmenter=open_it
    )


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Any:
    def use(*modules: Any) -> None:
        table = {module.NAME: module for module in modules}
        monkeypatch.setattr(inference, "backends", lambda: tuple(table))
        no_gpu = fake_backend("PyTorch", "there is no GPU here")
        monkeypatch.setattr(inference, "backend_module", lambda backend: table.get(backend, no_gpu))

    return use


def test_every_backend_of_the_table_keeps_the_contract() -> None:
    for name in backends():
        module = inference.backend_module(name)
        assert isinstance(module.NAME, str)
        assert all(suffix.startswith(".") for suffix in module.SUFFIXES)
        assert module.problem("auto") is None or isinstance(module.problem("auto"), str)
        assert callable(module.open_segmenter)


def test_every_backend_lists_what_it_finds_here_and_can_be_asked_for_it() -> None:
    choices = available_backends()
    assert [choice.name for choice in choices] == list(backends())
    for choice in choices:
        assert choice.problem == ""
        assert "cpu" in [device.name for device in choice.devices]
        for device in choice.devices:
            assert inference.backend_module(choice.name).problem(device.name) is None
            assert device.title
            assert "float32" in device.precisions


def test_a_backend_that_is_not_installed_or_broken_is_listed_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(available.BACKENDS, "abacus", ("abacus_segmenter", "abacus_runtime"))
    monkeypatch.setitem(available.BACKENDS, "torch", ("no_such_module", "torch"))
    assert installed_backends()[-1].problem == "abacus_runtime is not installed: pip install abacus_runtime"
    by_name = {choice.name: choice for choice in available_backends()}
    assert "not installed" in by_name["abacus"].problem
    assert "no_such_module" in by_name["torch"].problem
    assert not by_name["torch"].devices
    assert by_name["openvino"].devices


def test_auto_runs_and_says_why(model_path: Path) -> None:
    with open_segmenter(model_path, SegmenterOptions(frame_size=(96, 128), threads=1)) as segmenter:
        assert segmenter.info.reason
        assert segmenter.info.size == (96, 128)


def test_what_is_asked_for_is_taken(model_path: Path) -> None:
    options = SegmenterOptions(backend="torch", device="cpu", precision="float32", size=(64, 96), threads=1)
    with open_segmenter(str(model_path), options) as segmenter:
        assert (segmenter.info.backend, segmenter.info.precision, segmenter.info.size) == (
            "PyTorch",
            "float32",
            (64, 96),
        )
        assert segmenter.info.reason == "PyTorch was asked for"
        assert cpu_name() in segmenter.info.device
        assert torch.get_num_threads() == 1


def test_the_first_usable_one_is_taken(use: Any, tmp_path: Path) -> None:
    use(fake_backend("A", problem="A is not installed"), fake_backend("B"), fake_backend("C"))
    name, reason = open_segmenter(tmp_path / "m.safetensors")  # type: ignore[misc]
    assert name == "B"
    assert "B is the fastest back end" in reason  # type: ignore[operator]


def test_one_that_fails_is_followed_by_the_next_and_said(use: Any, tmp_path: Path) -> None:
    use(fake_backend("A", failure="A cannot compile it"), fake_backend("B"))
    name, reason = open_segmenter(tmp_path / "m.safetensors")  # type: ignore[misc]
    assert name == "B"
    assert "A failed: A cannot compile it" in reason  # type: ignore[operator]


def test_when_all_fail_every_reason_is_told_once(use: Any, tmp_path: Path) -> None:
    use(fake_backend("A", failure="it is a pickle"), fake_backend("B", failure="it is a pickle"))
    with pytest.raises(ModelError, match=r"^it is a pickle$"):
        open_segmenter(tmp_path / "m.safetensors")


def test_when_none_is_usable_every_problem_is_told(use: Any, tmp_path: Path) -> None:
    use(fake_backend("A", problem="no driver"), fake_backend("B", problem="not installed"))
    with pytest.raises(ModelError, match="A: no driver; B: not installed"):
        open_segmenter(tmp_path / "m.safetensors")


def test_files_go_to_those_who_read_them(use: Any, tmp_path: Path) -> None:
    use(fake_backend("A"), fake_backend("B", suffixes=(".onnx",)))
    assert open_segmenter(tmp_path / "net.onnx")[0] == "B"  # type: ignore[index]
    with pytest.raises(ModelError, match=r"A reads \.safetensors files and not net\.onnx"):
        open_segmenter(tmp_path / "net.onnx", SegmenterOptions(backend="A"))


def test_unknown_backend_and_threads(model_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no back end 'abacus'; there are auto"):
        open_segmenter(model_path, SegmenterOptions(backend="abacus"))
    with pytest.raises(ConfigurationError, match="threads must be at least 1"):
        open_segmenter(model_path, SegmenterOptions(threads=0))


def test_a_missing_device_is_named(model_path: Path) -> None:
    with pytest.raises(ModelError, match="choose another back end or device"):
        open_segmenter(model_path, SegmenterOptions(backend="torch", device="abacus"))


def test_a_file_that_is_no_model_is_refused_once(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    torch.save({"a": torch.zeros(1)}, path)
    with pytest.raises(ModelError, match="is a pickle") as caught:
        open_segmenter(path)
    assert str(caught.value).count("pickle") == 1


def test_threads_leave_something() -> None:
    assert 1 <= default_threads() <= 16


def test_importing_the_package_loads_no_torch_and_threads_wait_passively() -> None:
    script = (
        "import os, sys, rgbd_seg.inference as i; assert not [c for c in i.installed_backends() if c.problem]; "
        "assert not {'torch', 'openvino', 'onnxruntime'} & set(sys.modules); "
        "from rgbd_seg.inference.cpu import wait_passively; wait_passively(); print(os.environ['OMP_WAIT_POLICY'])"
    )
    env = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=PATIENCE_S, env=env
    )
    assert done.stdout.strip() == "PASSIVE"
