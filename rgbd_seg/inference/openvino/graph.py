"""The deployed graph as an OpenVINO model, put together from two parts that are converted apart.

The network itself is slow to convert and may come from elsewhere (quantised, from a file); what is around it is quick
and depends on the camera's frame size. So the surroundings are converted with a stand-in for the network, and the
real one takes its place. To run, the graph is cut behind the network's logits: two decisions, with smoothing and
without, are compiled for the second part, and either can follow the first from one frame to the next.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rgbd_seg.errors import ModelError
from rgbd_seg.inference.graph import Decision, DeployedGraph, PlainDecision, ScoringGraph
from rgbd_seg.inference.openvino.runtime import import_openvino
from rgbd_seg.inference.resize import Size
from rgbd_seg.inference.smoothing import SmoothedDecision
from rgbd_seg.models.card import ModelCard
from rgbd_seg.models.deresunet import DeResUNet, DeResUNetConfig
from rgbd_seg.models.model_file import load_model

_DEPTH_INPUT = 1  # Position of depth among the graph's inputs.


def first_part(model: Path, frame_size: Size, size: Size) -> Any:
    """From camera bytes to the network's logits and what smoothing compares, as an `openvino.Model`.

    Args:
        model: One of our own model files.
        frame_size: Height and width of the camera's frames.
        size: Height and width at which the network runs.

    Raises:
        ModelError: The file cannot be used.
    """
    network, card = load_model(model)
    return surround(convert_network(network, size), card, frame_size, size, whole=False)


def decision(classes: int, frame_size: Size, size: Size, *, smoothed: bool) -> Any:
    """From the first part's outputs to labels and confidence, with smoothing or without, as an `openvino.Model`."""
    module = (SmoothedDecision if smoothed else PlainDecision)(Decision(size, frame_size))
    return _convert(module, module.example_inputs(classes))


class _StandIn(nn.Module):
    """Has the network's inputs and output and is the only convolution of its graph, so that it can be found."""

    def __init__(self, config: DeResUNetConfig) -> None:
        super().__init__()
        self.config = config
        self.convolution = nn.Conv2d(4, config.classes, kernel_size=1, bias=False)

    def forward(self, color: Tensor, depth: Tensor) -> Tensor:
        """(N, 3, h, w) and (N, 1, h, w) to (N, classes, h, w)."""
        return self.convolution(torch.cat([color, depth], dim=1))  # type: ignore[no-any-return]


def convert_network(network: DeResUNet, size: Size) -> Any:
    """The network alone as an `openvino.Model`: normalised colour and depth to logits, one picture of that size."""
    inputs = (torch.zeros(1, 3, *size), torch.zeros(1, 1, *size))
    return _convert(network, inputs)


def surround(core: Any, card: ModelCard, frame_size: Size, size: Size, *, whole: bool) -> Any:
    """The graph from camera bytes to labels, or its first part, around a converted network.

    Args:
        core: What `convert_network` returned; it becomes part of the result.
        card: The network's card.
        frame_size: Height and width of the camera's frames.
        size: Height and width at which the network runs.
        whole: Whether the decision is in it.

    Returns:
        An `openvino.Model` with the inputs and outputs of `DeployedGraph` or `ScoringGraph`; depth is uint16.
    """
    stand_in = _StandIn(card.network)
    graph = DeployedGraph(stand_in, card, frame_size, size)  # type: ignore[arg-type]
    height, width = frame_size
    inputs = (
        torch.zeros(height, width, 3, dtype=torch.uint8),
        torch.zeros(height, width, dtype=torch.int32),
        torch.tensor(0.001),
    )
    return _with_16_bit_depth(_put_in(_convert(graph if whole else ScoringGraph(graph), inputs), core))


def _put_in(shell: Any, core: Any) -> Any:
    """Replaces the stand-in of a converted graph by the converted network."""
    convolutions = [node for node in shell.get_ops() if node.get_type_name() == "Convolution"]
    if len(convolutions) != 1 or convolutions[0].input_value(0).get_node().get_type_name() != "Concat":
        raise ModelError("OpenVINO converted the graph in an unexpected way: use another version or back end")
    stand_in = convolutions[0]
    joined = stand_in.input_value(0).get_node()
    for position, parameter in enumerate(core.get_parameters()):
        for target in parameter.output(0).get_target_inputs():
            target.replace_source_output(joined.input_value(position))
    logits = core.get_results()[0].input_value(0)
    for target in stand_in.output(0).get_target_inputs():
        target.replace_source_output(logits)
    return import_openvino().Model(shell.get_results(), shell.get_parameters(), "rgbd_seg")


def _with_16_bit_depth(model: Any) -> Any:
    """The model with uint16 depth, as cameras send it; PyTorch can hardly compute with that type, OpenVINO can."""
    openvino = import_openvino()
    steps = openvino.preprocess.PrePostProcessor(model)
    steps.input(_DEPTH_INPUT).tensor().set_element_type(openvino.Type.u16)
    return steps.build()


def _convert(module: nn.Module, inputs: tuple[Tensor, ...]) -> Any:
    openvino = import_openvino()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch and OpenVINO warn about each other's internals.
        model = openvino.convert_model(torch.export.export(module.eval(), inputs))
    model.reshape({position: list(tensor.shape) for position, tensor in enumerate(inputs)})
    return model
