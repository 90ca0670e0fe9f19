"""What is around a network, as ONNX: from a camera's bytes to what it takes, and from its logits to labels.

The same as `graph.DeployedGraph` and `smoothing.SmoothedDecision` do in PyTorch, in ONNX's text format, with the same
sampling points and roundings.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from rgbd_seg.inference.chain import AVERAGED, SCORES, STATE, STRENGTH
from rgbd_seg.inference.resize import Size, block_size, decision_size, nearest_indices
from rgbd_seg.inference.steadiness import (
    COLOR_TOLERANCE,
    NOISE_M,
    NOISE_SIGMAS,
    SMALLEST_PROBABILITY,
    STEADY_PICTURE,
    STEADY_TILE,
    TILES,
)
from rgbd_seg.models.card import ModelCard

Picker = Callable[[int, int], Iterable[int]]
NETWORK_INPUTS, NETWORK_OUTPUT = ("network_color", "network_depth"), "network_logits"
OPSET = 20
NETWORK_KEY = "rgbd_seg.network"  # In a graph's metadata: `describe_network`.
_HEADER = f'<ir_version: 10, opset_import: ["" : {OPSET}]>'


def describe_network(card: ModelCard) -> str:
    """What a graph must agree on with the model whose weights it takes."""
    return json.dumps({"network": card.network.to_dict(), "size": card.size}, sort_keys=True)


def with_preparation(
    network: Any, card: ModelCard, frame_size: Size, size: Size, *, channels_last: bool = False
) -> bytes:
    """The first part, as `graph.ScoringGraph`: from camera bytes to logits, and the inputs of the network.

    Args:
        network: `onnx.ModelProto` of the network alone.
        card: Its card.
        frame_size: Height and width of the camera's frames.
        size: Height and width at which the network runs.
        channels_last: Gives the logits as (1, h, w, classes), which is how OpenVINO computes them: turning them round
            costs up to a fifth of the whole.
    """
    from onnx import parser

    (rows, columns), classes = size, card.network.classes
    lines = [
        *_preparing(card, frame_size, size),
        f"temperature = Constant<value_float = {float(card.temperature)!r}>()",
        f"honest = Div({NETWORK_OUTPUT}, temperature)",
        f"{SCORES[0]} = Transpose<perm = [0, 2, 3, 1]>(honest)" if channels_last else f"{SCORES[0]} = Identity(honest)",
    ]
    outputs = (
        f"float{_scores_shape(classes, size, channels_last)} {SCORES[0]}, float[1,3,{rows},{columns}] {SCORES[1]}, "
        f"float[1,1,{rows},{columns}] {SCORES[2]}"
    )
    # The parser wants every tensor to be made before it is used: the network is put in afterwards.
    extra = f"float[1,{classes},{rows},{columns}] {NETWORK_OUTPUT}"
    given = f"{_camera(frame_size)}, {extra}"
    around = parser.parse_model(f"{_HEADER}\nscores ({given}) => ({outputs}) {{\n  {_body(lines)}\n}}")
    before, after = list(around.graph.node)[:-3], list(around.graph.node)[-3:]
    own = list(network.graph.node)
    del around.graph.node[:], around.graph.input[3:]
    around.graph.node.extend([*before, *own, *after])
    around.graph.initializer.extend(network.graph.initializer)
    return bytes(around.SerializeToString())


def preparation_alone(card: ModelCard, frame_size: Size, size: Size) -> bytes:
    """From camera bytes to what the network takes: colour (1, 3, h, w) and depth (1, 1, h, w), normalised."""
    from onnx import parser

    rows, columns = size
    outputs = f"float[1,3,{rows},{columns}] {NETWORK_INPUTS[0]}, float[1,1,{rows},{columns}] {NETWORK_INPUTS[1]}"
    body = _body(_preparing(card, frame_size, size))
    model = parser.parse_model(f"{_HEADER}\nprepared ({_camera(frame_size)}) => ({outputs}) {{\n  {body}\n}}")
    return bytes(model.SerializeToString())


def _camera(frame_size: Size) -> str:
    """The inputs of a graph that takes frames."""
    height, width = frame_size
    return f"uint8[{height},{width},3] color, uint16[{height},{width}] depth, float depth_unit_m"


def _preparing(card: ModelCard, frame_size: Size, size: Size) -> list[str]:
    """Lines from a camera's bytes to the network's inputs, and to depth in metres."""
    (height, width), (rows, columns) = frame_size, size
    gain = ", ".join(repr(1.0 / (255.0 * std)) for std in card.color_std)
    shift = ", ".join(repr(-mean / std) for mean, std in zip(card.color_mean, card.color_std, strict=True))
    k = block_size(frame_size, size)
    return [
        "camera_float = Cast<to = 1>(color)",
        "camera_chw = Transpose<perm = [2, 0, 1]>(camera_float)",
        "camera_first = Constant<value_ints = [0]>()",
        "camera_nchw = Unsqueeze(camera_chw, camera_first)",
        f"camera_blocks = AveragePool<kernel_shape = [{k}, {k}], strides = [{k}, {k}]>(camera_nchw)"
        if k > 1
        else "camera_blocks = Identity(camera_nchw)",
        f"camera_size = Constant<value_ints = [1, 3, {rows}, {columns}]>()",
        'camera_sized = Resize<mode = "linear", coordinate_transformation_mode = "half_pixel">'
        "(camera_blocks, , , camera_size)",
        f"camera_gain = Constant<value = float[1,3,1,1] {{{gain}}}>()",
        f"camera_shift = Constant<value = float[1,3,1,1] {{{shift}}}>()",
        "camera_scaled = Mul(camera_sized, camera_gain)",
        f"{NETWORK_INPUTS[0]} = Add(camera_scaled, camera_shift)",
        "depth_float = Cast<to = 1>(depth)",
        f"depth_shape = Constant<value_ints = [1, 1, {height}, {width}]>()",
        "depth_nchw = Reshape(depth_float, depth_shape)",
        *nearest_lines("depth_nchw", "depth_sized", frame_size, size),
        "depth_metres = Mul(depth_sized, depth_unit_m)",
        f"depth_most = Constant<value_float = {float(card.depth_max_m)!r}>()",
        f"{SCORES[2]} = Min(depth_metres, depth_most)",
        f"depth_mean = Constant<value_float = {float(card.depth_mean_m)!r}>()",
        f"depth_std = Constant<value_float = {float(card.depth_std_m)!r}>()",
        f"depth_centred = Sub({SCORES[2]}, depth_mean)",
        "depth_normal = Div(depth_centred, depth_std)",
        "depth_zero = Constant<value_float = 0.0>()",
        f"depth_there = Greater({SCORES[2]}, depth_zero)",
        f"{NETWORK_INPUTS[1]} = Where(depth_there, depth_normal, depth_zero)",
    ]


def _scores_shape(classes: int, size: Size, channels_last: bool) -> str:
    return f"[1,{size[0]},{size[1]},{classes}]" if channels_last else f"[1,{classes},{size[0]},{size[1]}]"


def _turned(channels_last: bool) -> str:
    """A line that gives the logits as (1, classes, h, w)."""
    operation = "Transpose<perm = [0, 3, 1, 2]>" if channels_last else "Identity"
    return f"scores = {operation}({SCORES[0]})"


def decision(classes: int, size: Size, frame_size: Size, *, channels_last: bool = False) -> bytes:
    """The second part, as `graph.PlainDecision`: from logits to labels and confidence at the camera's size."""
    given = f"float{_scores_shape(classes, size, channels_last)} {SCORES[0]}"
    if channels_last and decision_size(size, frame_size) == size:
        return _deciding([], SCORES[0], given, "", classes, size, frame_size, axis=3)
    return _deciding([_turned(channels_last)], "scores", given, "", classes, size, frame_size)


def smoothed_decision(classes: int, size: Size, frame_size: Size, *, channels_last: bool = False) -> bytes:
    """The second part with a memory, as `smoothing.SmoothedDecision`."""
    rows, columns = size
    tile = f"{rows // TILES}, {columns // TILES}"
    shapes = (f"[1,{classes},{rows},{columns}]", f"[1,3,{rows},{columns}]", f"[1,1,{rows},{columns}]")
    given_shapes = (_scores_shape(classes, size, channels_last), *shapes[1:])
    now = [f"float{shape} {name}" for shape, name in zip(given_shapes, SCORES, strict=True)]
    before = [f"float{shape} {name}" for shape, name in zip(shapes, STATE, strict=True)]
    numbers = {
        "nothing": 0.0,
        "all": 1.0,
        "tolerance": COLOR_TOLERANCE,
        "sigmas": NOISE_SIGMAS,
        "noise_least": NOISE_M[0],
        "noise_growth": NOISE_M[1],
        "noise_from": NOISE_M[2],
        "far_away": -1000.0,
        "smallest": SMALLEST_PROBABILITY,
        "tile_low": STEADY_TILE[0],
        "tile_span": STEADY_TILE[1] - STEADY_TILE[0],
        "picture_low": STEADY_PICTURE[0],
        "picture_span": STEADY_PICTURE[1] - STEADY_PICTURE[0],
    }
    lines = [
        *(f"{name} = Constant<value_float = {value!r}>()" for name, value in numbers.items()),
        "channels = Constant<value_ints = [1]>()",
        "everywhere = Constant<value_ints = [1, 2, 3]>()",
        _turned(channels_last),
        "seen = Softmax<axis = 1>(scores)",
        # How well the colours agree.
        f"color_change = Sub({SCORES[1]}, {STATE[1]})",
        "color_far = Abs(color_change)",
        "color_mean = ReduceMean<keepdims = 1>(color_far, channels)",
        "color_part = Div(color_mean, tolerance)",
        *_bell("color_part", "same_color"),
        # How well the depths agree with the 3 x 3 pixels of before.
        f"measured = Greater({SCORES[2]}, nothing)",
        f"was_measured = Greater({STATE[2]}, nothing)",
        f"farthest = MaxPool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>({STATE[2]})",
        f"turned = Neg({STATE[2]})",
        "turned_there = Where(was_measured, turned, far_away)",
        "turned_most = MaxPool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(turned_there)",
        "nearest = Neg(turned_most)",
        f"beyond = Sub({SCORES[2]}, farthest)",
        f"before = Sub(nearest, {SCORES[2]})",
        "beyond_m = Relu(beyond)",
        "before_m = Relu(before)",
        "outside_m = Add(beyond_m, before_m)",
        f"noise_at = Sub({SCORES[2]}, noise_from)",
        "noise_squared = Mul(noise_at, noise_at)",
        "noise_more = Mul(noise_squared, noise_growth)",
        "noise_m = Add(noise_more, noise_least)",
        "passes_m = Mul(noise_m, sigmas)",
        "depth_part = Div(outside_m, passes_m)",
        *_bell("depth_part", "depth_bell"),
        "both_measured = And(measured, was_measured)",
        "same_depth = Where(both_measured, depth_bell, all)",
        # How steady the picture is as a whole.
        f"tiles = AveragePool<kernel_shape = [{tile}], strides = [{tile}]>(same_color)",
        *_ramp("tiles", "steady_tiles", "tile"),
        "steady_mean = ReduceMean<keepdims = 1>(steady_tiles, everywhere)",
        *_ramp("steady_mean", "steady", "picture"),
        "agreed_color = Mul(same_color, same_depth)",
        "agreed = Mul(agreed_color, steady)",
        f"weight = Mul(agreed, {STRENGTH})",
        f"missing = Sub({STATE[0]}, seen)",
        "remembered = Mul(weight, missing)",
        f"{AVERAGED} = Add(seen, remembered)",
    ]
    given = ", ".join([*now, f"float {STRENGTH}", *before])
    more = f", float{shapes[0]} {AVERAGED}"
    if decision_size(size, frame_size) == size:  # Their largest is the confidence already.
        return _deciding(lines, AVERAGED, given, more, classes, size, frame_size, are_probabilities=True)
    lines += [f"probable = Max({AVERAGED}, smallest)", "averaged_logits = Log(probable)"]
    return _deciding(lines, "averaged_logits", given, more, classes, size, frame_size)


def _bell(source: str, target: str) -> list[str]:
    """Lines for exp(-x^2)."""
    return [
        f"{target}_squared = Mul({source}, {source})",
        f"{target}_turned = Neg({target}_squared)",
        f"{target} = Exp({target}_turned)",
    ]


def _ramp(source: str, target: str, ends: str) -> list[str]:
    """Lines for a ramp from 0 to 1 over the span of `ends`."""
    return [
        f"{target}_above = Sub({source}, {ends}_low)",
        f"{target}_part = Div({target}_above, {ends}_span)",
        f"{target} = Clip({target}_part, nothing, all)",
    ]


def _deciding(
    before: list[str],
    scores: str,
    given: str,
    more: str,
    classes: int,
    size: Size,
    frame_size: Size,
    *,
    axis: int = 1,
    are_probabilities: bool = False,
) -> bytes:
    """A model that ends with the decision.

    Args:
        before: Lines that make the scores.
        scores: Their name.
        given: The model's inputs.
        more: Its outputs besides labels and confidence.
        classes: How many.
        size: Height and width of the scores.
        frame_size: Those of the labels.
        axis: Where the classes are; behind height and width where the decision falls at the scores' own size.
        are_probabilities: Whether the scores are not logits but probabilities.
    """
    from onnx import parser

    (height, width), decided_at = frame_size, decision_size(size, frame_size)
    ids_shape = f"1,{classes},1,1" if axis == 1 else f"1,1,1,{classes}"
    enlarge = [
        f"size = Constant<value_ints = [1, {classes}, {decided_at[0]}, {decided_at[1]}]>()",
        f'sized = Resize<mode = "linear", coordinate_transformation_mode = "half_pixel">({scores}, , , size)',
    ]
    softmax = [
        "shifted = Sub(sized, best)",
        "grown = Exp(shifted)",
        "total = ReduceSum<keepdims = 1>(grown, axis)",
        "sure = Reciprocal(total)",
    ]
    lines = [
        *before,
        f"axis = Constant<value_ints = [{axis}]>()",
        *(enlarge if axis == 1 else [f"sized = Identity({scores})"]),
        "best = ReduceMax<keepdims = 1>(sized, axis)",
        *(["sure = Identity(best)"] if are_probabilities else softmax),
        "most = Constant<value_float = 255.0>()",
        "sure_255 = Mul(sure, most)",
        "sure_round = Round(sure_255)",
        # The first id that has the highest score; OpenVINO takes five times as long for ArgMax.
        f"ids = Constant<value = float[{ids_shape}] {{{', '.join(map(str, range(1, classes + 1)))}}}>()",
        "beyond_ids = Constant<value_float = 1000.0>()",
        "is_best = Equal(sized, best)",
        "id_where_best = Where(is_best, ids, beyond_ids)",
        "id = ReduceMin<keepdims = 1>(id_where_best, axis)",
        f"flat = Constant<value_ints = [1, 1, {decided_at[0]}, {decided_at[1]}]>()",
        "id_flat = Reshape(id, flat)",
        "sure_flat = Reshape(sure_round, flat)",
        "both = Concat<axis = 1>(id_flat, sure_flat)",
        *nearest_lines("both", "full", decided_at, frame_size),
        "bytes = Cast<to = 2>(full)",
        "halves = Constant<value_ints = [1, 1]>()",
        "id_map, sure_map = Split<axis = 1>(bytes, halves)",
        f"hw = Constant<value_ints = [{height}, {width}]>()",
        "labels = Reshape(id_map, hw)",
        "confidence = Reshape(sure_map, hw)",
    ]
    outputs = f"uint8[{height},{width}] labels, uint8[{height},{width}] confidence"
    model = parser.parse_model(f"{_HEADER}\nlabels ({given}) => ({outputs}{more}) {{\n  {_body(lines)}\n}}")
    return bytes(model.SerializeToString())


def nearest_lines(source: str, target: str, before: Size, after: Size, pick: Picker = nearest_indices) -> list[str]:
    """Lines that resize an (N, C, H, W) tensor as `resize.resize_nearest` does, or by another choice of rows."""
    rows, columns = (", ".join(map(str, pick(b, a))) for b, a in zip(before, after, strict=True))
    return [
        f"{target}_rows = Constant<value_ints = [{rows}]>()",
        f"{target}_columns = Constant<value_ints = [{columns}]>()",
        f"{target}_picked = Gather<axis = 2>({source}, {target}_rows)",
        f"{target} = Gather<axis = 3>({target}_picked, {target}_columns)",
    ]


def _body(lines: list[str]) -> str:
    return "\n  ".join(lines)
