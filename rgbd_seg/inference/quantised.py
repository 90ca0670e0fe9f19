"""A network's ONNX graph in 8-bit whole numbers: which range of values enters each convolution, and the graph with it.

Weights get one scale for each output channel, the values that enter a convolution one for all. Back ends take pairs of
QuantizeLinear and DequantizeLinear as the wish to compute what lies between them in whole numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import ModelError

# What enters each convolution, by its name: the lowest value (0, or as far below 0 as the highest is above) and the
# highest. Rare values beyond it are cut off.
Ranges = dict[str, tuple[float, float]]

_WEIGHT = ".weight"
_SAMPLES = 20_000  # Values of a picture that are looked at for each convolution.
_CANDIDATES = np.linspace(0.25, 1.0, 31)  # Shares of the largest value at which a range might end.
# Processors without VNNI multiply bytes in pairs of neighbouring channels and cut the sum of the two products off at 16
# bits: 255 times 128 is the most that fits. With a scale that keeps to it, all processors give the same.
_LARGEST_PAIR = 128.0
_EXACT = 3  # Convolutions from an input on that stay as they are.
_LARGEST = 127.0


def convolutions(model: Any) -> dict[str, Any]:
    """The convolutions of an `onnx.ModelProto` that are to be whole numbers, by the name of their layer.

    Those next to an input are left out: they are few, cheap, and what they lose is lost for all others.
    """
    found, before = {}, {value.name: 0 for value in model.graph.input}
    for node in model.graph.node:
        passed = max((before.get(name, 0) for name in node.input), default=0)
        if node.op_type == "Conv":
            if passed >= _EXACT and node.input[1].endswith(_WEIGHT):
                found[node.input[1].removesuffix(_WEIGHT)] = node
            passed += 1
        before.update(dict.fromkeys(node.output, passed))
    return found


def measure_ranges(
    model: Any,
    run: Callable[[bytes, Sequence[Any]], Iterable[Sequence[NDArray[np.float32]]]],
    inputs: Sequence[Sequence[NDArray[np.float32]]],
) -> Ranges:
    """The range of what enters each convolution that loses least when it is told in 255 steps.

    Args:
        model: `onnx.ModelProto` with its weights.
        run: Runs a serialised model on inputs; gives for each of them its outputs in their order.
        inputs: For each picture what the network gets, in the order of its inputs.
    """
    import onnx

    entering = {name: _source(model, node) for name, node in convolutions(model).items()}
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    del probe.graph.output[:]
    tensors = list(dict.fromkeys(entering.values()))
    given = {value.name for value in probe.graph.input}
    for tensor in tensors:
        if tensor in given:  # An input is no output by itself.
            probe.graph.node.append(onnx.helper.make_node("Identity", [tensor], [f"{tensor}_seen"]))
        name = f"{tensor}_seen" if tensor in given else tensor
        probe.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    seen: dict[str, list[NDArray[np.float32]]] = {tensor: [] for tensor in tensors}
    for outputs in run(probe.SerializeToString(), inputs):
        for tensor, values in zip(tensors, outputs, strict=True):
            flat = np.asarray(values, np.float32).ravel()
            ends = np.array([flat.min(), flat.max()], np.float32)
            seen[tensor].append(np.concatenate([flat[:: max(1, flat.size // _SAMPLES)], ends]))
    found = {tensor: _best_range(np.concatenate(parts)) for tensor, parts in seen.items()}
    return {name: found[tensor] for name, tensor in entering.items()}


def _best_range(values: NDArray[np.float32]) -> tuple[float, float]:
    most, signed = float(np.abs(values).max()), bool(values.min() < 0)
    if most == 0:
        return 0.0, 1.0
    steps, lowest = (_LARGEST, -_LARGEST) if signed else (255.0, 0.0)

    def error(end: float) -> float:
        told = np.clip(np.round(values * np.float32(steps / end)), lowest, steps) * np.float32(end / steps)
        return float(((values - told) ** 2).mean())

    end = min((most * float(share) for share in _CANDIDATES), key=error)
    return (-end if signed else 0.0), end


def quantise(model: Any, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Puts a network's convolutions into whole numbers, in place.

    Args:
        model: `onnx.ModelProto` with its weights.
        ranges: As `measure_ranges` gives them.

    Raises:
        ModelError: There is no range for one of the convolutions.
    """
    from onnx import TensorProto, helper, numpy_helper

    nodes = convolutions(model)
    missing = [name for name in nodes if name not in ranges]
    if missing:
        raise ModelError(f"the ranges for int8 are of another network: {missing[0]} has none; calibrate again")
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    _even_out(model, nodes, ranges, tensors)
    added: dict[str, list[Any]] = {}  # Nodes by the name of the tensor that they come after.
    for name, node in nodes.items():
        weight = tensors[name + _WEIGHT]
        values = numpy_helper.to_array(weight)
        groups = next((one.i for one in node.attribute if one.name == "group"), 1)
        scale = _weight_scale(values, is_depthwise=groups == values.shape[0] and values.shape[1] == 1)
        whole = np.round(values / scale.reshape(-1, 1, 1, 1)).clip(-_LARGEST, _LARGEST).astype(np.int8)
        weight.CopyFrom(numpy_helper.from_array(whole, f"{name}.int8"))
        model.graph.initializer.append(numpy_helper.from_array(scale.astype(np.float32), f"{name}.scale"))
        model.graph.node.insert(
            0, helper.make_node("DequantizeLinear", [f"{name}.int8", f"{name}.scale"], [name + _WEIGHT], axis=0)
        )
        low, high = ranges[name]
        signed = low < 0
        source, told = _source(model, node), f"{name}.told"
        step = np.array(high / (_LARGEST if signed else 255.0), np.float32)
        kind = TensorProto.INT8 if signed else TensorProto.UINT8
        model.graph.initializer.append(numpy_helper.from_array(step, f"{name}.step"))
        model.graph.initializer.append(helper.make_tensor(f"{name}.zero", kind, [], [0]))
        pair = [f"{name}.step", f"{name}.zero"]
        added.setdefault(source, []).extend(
            [
                helper.make_node("QuantizeLinear", [source, *pair], [f"{name}.bytes"]),
                helper.make_node("DequantizeLinear", [f"{name}.bytes", *pair], [told]),
            ]
        )
        reader = _padding_before(model, node) or node
        reader.input[0] = told
    _insert(model, added)


def _insert(model: Any, added: dict[str, list[Any]]) -> None:
    """Puts nodes where ONNX wants them: after what makes their input."""
    nodes = []
    for value in model.graph.input:
        nodes += added.get(value.name, [])
    for node in model.graph.node:
        nodes.append(node)
        for output in node.output:
            nodes += added.get(output, [])
    ordered = [type(node).FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(ordered)


def _padding_before(model: Any, node: Any) -> Any:
    """The node that only pads what a convolution reads; None if there is none. Zeros are told exactly."""
    return next((one for one in model.graph.node if one.op_type == "Pad" and one.output[0] == node.input[0]), None)


def _source(model: Any, node: Any) -> str:
    """The tensor that enters a convolution, before it is padded."""
    return str((_padding_before(model, node) or node).input[0])


def _weight_scale(values: NDArray[np.float32], *, is_depthwise: bool) -> NDArray[np.float32]:
    scale = np.abs(values).max(axis=(1, 2, 3)) / _LARGEST
    if not is_depthwise:
        even = values if values.shape[1] % 2 == 0 else np.pad(values, ((0, 0), (0, 1), (0, 0), (0, 0)))
        for part in (np.maximum(even, 0), np.maximum(-even, 0)):
            scale = np.maximum(scale, (part[:, ::2] + part[:, 1::2]).max(axis=(1, 2, 3)) / _LARGEST_PAIR)
    return np.asarray(np.maximum(scale, 1e-12), np.float32)


def _even_out(
    model: Any, nodes: Mapping[str, Any], ranges: Mapping[str, tuple[float, float]], tensors: Mapping[str, Any]
) -> None:
    """Brings what the decoder hands upwards to the range of the encoders' features that it is joined with.

    Those are some ten times as large, so that one scale for both would leave the decoder's own a few steps. What is
    multiplied in the normalisation before the shuffle is divided in the weights after it: the network stays the same.
    """
    from onnx import numpy_helper

    for place in range(4):
        joined, before = f"up.{place}.convs.0.conv", f"up.{place - 1}.convs.1" if place else "bottleneck.1"
        reads = f"up.{place}.convs.1.conv"  # Of the same range as what the decoder hands upwards.
        affine = [f"{before}.bn.weight", f"{before}.bn.bias"]
        if joined not in nodes or any(name not in tensors for name in affine):
            continue
        factor = np.float32(max(1.0, ranges[joined][1] / (2 * ranges[reads][1])))
        channels = tensors[affine[0]].dims[0] // 4  # A pixel shuffle lays four channels into a square of one.
        for name in affine:
            tensors[name].CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensors[name]) * factor, name))
        weights = numpy_helper.to_array(tensors[joined + _WEIGHT]).copy()
        weights[:, :channels] /= factor
        tensors[joined + _WEIGHT].CopyFrom(numpy_helper.from_array(weights, joined + _WEIGHT))
