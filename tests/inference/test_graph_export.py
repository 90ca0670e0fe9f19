"""Exported files: the names and types at their ends, the parity that is checked, and refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
import pytest

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.inference.graph_export import export_model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("to", "ending"), [("openvino", ".xml"), ("pt2", ".pt2")])
def test_export_agrees_with_pytorch(model_path: Path, tmp_path: Path, to: str, ending: str) -> None:
    exported = export_model(model_path, to, tmp_path / f"net{ending}", (120, 160))
    assert exported.path.stat().st_size > 10_000
    assert exported.equal_share > 0.999


def test_onnx_agrees_with_pytorch_and_takes_and_gives_camera_bytes(model_path: Path, tmp_path: Path) -> None:
    exported = export_model(model_path, "onnx", tmp_path / "net.onnx", (120, 160))
    assert exported.equal_share > 0.999
    graph = onnx.load(exported.path).graph
    types = {v.name: v.type.tensor_type.elem_type for v in (*graph.input, *graph.output)}
    u8, u16, f32 = onnx.TensorProto.UINT8, onnx.TensorProto.UINT16, onnx.TensorProto.FLOAT
    assert types == {"color": u8, "depth": u16, "depth_unit_m": f32, "labels": u8, "confidence": u8}


def test_wrong_format_and_ending_are_refused(model_path: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="caffe"):
        export_model(model_path, "caffe", tmp_path / "net.caffe", (96, 128))
    with pytest.raises(ConfigurationError, match=r"\.onnx"):
        export_model(model_path, "onnx", tmp_path / "net.xml", (96, 128))
