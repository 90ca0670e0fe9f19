"""Somebody else's network as an OpenVINO graph: its ONNX file between the two ends that its card describes."""

from __future__ import annotations

from typing import Any

from onnx import ModelProto

from rgbd_seg.errors import ModelError
from rgbd_seg.inference.chain import Chain
from rgbd_seg.inference.foreign.ends import postprocessing, preprocessing
from rgbd_seg.inference.foreign.file import NetworkFile
from rgbd_seg.inference.openvino.runtime import Device, core, import_openvino
from rgbd_seg.inference.resize import Size


class OpenVinoNetwork(NetworkFile):
    """An ONNX file and its card as one graph from camera bytes to labels."""

    def parts(self, frame_size: Size) -> Chain:
        """One graph for frames of that size, without smoothing."""
        return Chain({"network": lambda: self._build(frame_size)})

    def contents(self, frame_size: Size) -> str:
        """Names what the graph is made from, for the cache."""
        return f"{self.digest()} {frame_size}"

    def make_ready(self, frame_size: Size, device: Device, threads: int | None) -> None:
        """Nothing: what OpenVINO reads itself is quick to make, and needs no other process."""

    def _build(self, frame_size: Size) -> Any:
        try:
            network = core().read_model(self.path)
            front = _converted(preprocessing(self.card, frame_size))
            network.reshape({result.get_any_name(): result.get_partial_shape() for result in front.outputs})
        except RuntimeError as error:
            raise ModelError(f"OpenVINO cannot read {self.path.name}: {str(error)[:500]}") from None
        output = next(o for o in network.outputs if self.card.output.output in o.get_names())
        if output.get_partial_shape().is_dynamic:
            raise ModelError(f"the output of {self.path.name} has no fixed shape, even for a fixed input")
        shape = tuple(output.get_shape())
        self.check_output(shape)
        back = _converted(postprocessing(self.card, _onnx_type(output), shape, frame_size))
        _connect(front, network)
        source = output.get_node().input_value(0)
        for target in back.get_parameters()[0].output(0).get_target_inputs():
            target.replace_source_output(source)
        return import_openvino().Model(back.get_results(), front.get_parameters(), "rgbd_seg_network")


def _converted(model: ModelProto) -> Any:
    return core().read_model(model.SerializeToString())


def _connect(front: Any, back: Any) -> None:
    """Joins the outputs of one graph to the inputs of the same names of another."""
    sources = {name: out.get_node().input_value(0) for out in front.outputs for name in out.get_names()}
    for given in back.inputs:
        source = next(sources[name] for name in given.get_names() if name in sources)
        for target in given.get_target_inputs():
            target.replace_source_output(source)


def _onnx_type(output: Any) -> str:
    """The element type in the words of the ONNX text format."""
    names = {"f32": "float", "f16": "float16", "i64": "int64", "i32": "int32", "u8": "uint8", "i8": "int8"}
    name = output.get_element_type().get_type_name()
    if name not in names:
        raise ModelError(f"the network's output has the type {name}, which is not supported")
    return names[name]
