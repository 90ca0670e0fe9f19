"""Writes the graph that lets a model file do without PyTorch; see `portable`."""

from __future__ import annotations

import contextlib
import io
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from rgbd_seg.errors import ModelError
from rgbd_seg.inference.resize import Size
from rgbd_seg.inference.surroundings import NETWORK_INPUTS, NETWORK_KEY, NETWORK_OUTPUT, OPSET, describe_network
from rgbd_seg.models.model_file import load_model


def write_graph(model: Path, output: Path, size: Size | None = None) -> None:
    """Writes the network of a model file as ONNX without its weights.

    Args:
        model: The model file.
        output: The file to write.
        size: Height and width at which the network runs, None for the card's.

    Raises:
        ModelError: The model file cannot be used, or PyTorch made a graph whose weights are not those of the file.
    """
    network, card = load_model(model)
    card = replace(card, size=size or card.size)
    height, width = card.size
    inputs = (torch.zeros(1, 3, height, width), torch.zeros(1, 1, height, width))
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # PyTorch's exporter warns about PyTorch.
        # Not optimised: batch normalisation folded into convolutions would leave other weights than the file has.
        program = torch.onnx.export(
            network.eval(),
            inputs,
            dynamo=True,
            verbose=False,
            optimize=False,
            opset_version=OPSET,
            input_names=list(NETWORK_INPUTS),
            output_names=[NETWORK_OUTPUT],
        )
    if program is None:
        raise ModelError("PyTorch returned no ONNX model")
    graph = _without_weights(program.model_proto, set(network.state_dict()))
    entry = graph.metadata_props.add()
    entry.key, entry.value = NETWORK_KEY, describe_network(card)
    try:
        output.write_bytes(graph.SerializeToString())
    except OSError as error:
        raise ModelError(f"cannot write {output}: {error.strerror or error}") from None


def _without_weights(model: Any, weights: set[str]) -> Any:
    """Takes out the weights, and all that the exporter says of the program that made them."""
    for tensor in model.graph.initializer:
        if tensor.name in weights:
            tensor.ClearField("raw_data")
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:], model.functions[:]
    model.ClearField("doc_string")
    for node in model.graph.node:
        del node.metadata_props[:]
        node.ClearField("doc_string")
    return model
