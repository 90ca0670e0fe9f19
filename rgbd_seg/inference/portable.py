"""Our own model files without PyTorch: the network's layers come from a small ONNX file beside it, without weights.

`NAME.graph.onnx` is the network of `NAME.safetensors` as ONNX, its weights empty: it changes with the network and its
input size, not with training. The weights are filled in from the model file when it is opened; what is around the
network is put together here, with the sampling points and roundings of `graph.DeployedGraph`. Bundled models bring
such a file; `rgbd-seg model export FILE --to graph` writes one, where PyTorch is. Where there is one it is taken even
if PyTorch is installed: the first labels are there after a second or two instead of ten to fifteen.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from rgbd_seg.errors import ModelError
from rgbd_seg.inference.cache import file_digest
from rgbd_seg.inference.chain import AVERAGED, SCORES, STATE, STRENGTH, Chain
from rgbd_seg.inference.model_info import describe
from rgbd_seg.inference.resize import block_size, decision_size, nearest_indices
from rgbd_seg.inference.steadiness import (
    COLOR_TOLERANCE,
    NOISE_M,
    NOISE_SIGMAS,
    SMALLEST_PROBABILITY,
    STEADY_PICTURE,
    STEADY_TILE,
    TILES,
)
from rgbd_seg.models.model_header import SCALE, count_parameters, damaged, read_metadata

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from rgbd_seg.inference.resize import Size
    from rgbd_seg.inference.segmenter import SegmenterInfo, SegmenterOptions
    from rgbd_seg.models.card import ModelCard

SUFFIX = ".graph.onnx"
NETWORK_INPUTS, NETWORK_OUTPUT = ("network_color", "network_depth"), "network_logits"
NETWORK_KEY = "rgbd_seg.network"  # Metadata of the graph: `describe_network`.
OPSET = 20
_LARGEST_GRAPH_BYTES = 8_000_000
_BY_PYTORCH = ("int8", "float16")  # Networks in these are made from the weights by PyTorch alone.
_HEADER = f'<ir_version: 10, opset_import: ["" : {OPSET}]>'


def pytorch_is_missing() -> bool:
    """Whether our own model files have to do without PyTorch here."""
    return find_spec("torch") is None


def is_portable(path: Path, options: SegmenterOptions, precision: str) -> bool:
    """Whether a model file, run in that way, has a graph beside it that is of the same network.

    Raises:
        ModelError: The model file cannot be used.
    """
    card, _ = read_metadata(path)
    graph = path.with_name(path.stem + SUFFIX)
    if precision in _BY_PYTORCH or (options.size or card.size) != card.size:
        return False
    try:
        # Metadata lies in the file as it is: so much can be seen without loading ONNX, which a cached graph needs not.
        return graph.stat().st_size <= _LARGEST_GRAPH_BYTES and describe_network(card).encode() in graph.read_bytes()
    except OSError:
        return False


def describe_network(card: ModelCard) -> str:
    """What a graph must agree on with the model whose weights it takes."""
    return json.dumps({"network": card.network.to_dict(), "size": card.size}, sort_keys=True)


class PortableModel:
    """A model file and the graph beside it.

    Args:
        path: The model file.
        options: Of these only the network's input size.
        precision: Of the device; "int8" and "float16" networks are made by PyTorch.
        convert: Makes of a serialised ONNX model what the back end compiles.

    Raises:
        ModelError: There is no such graph, or it does not fit.
    """

    def __init__(self, path: Path, options: SegmenterOptions, precision: str, convert: Callable[[bytes], Any]) -> None:
        self._path, self._convert = path, convert
        self._card, self._storage = read_metadata(path)
        self._size = options.size or self._card.size
        self._graph_path = path.with_name(path.stem + SUFFIX)
        self.label_set = self._card.label_set
        if precision in _BY_PYTORCH:
            raise ModelError(f"a network in {precision} needs PyTorch: pip install 'rgbd-seg[torch]', or choose auto")
        if self._size != self._card.size:
            raise ModelError(f"another size than {self._card.size} needs PyTorch: pip install 'rgbd-seg[torch]'")
        if not self._graph_path.is_file():
            raise ModelError(
                f"{path.name} needs PyTorch here (pip install 'rgbd-seg[torch]'), or the file {self._graph_path.name} "
                f"beside it, which rgbd-seg model export {path.name} --to graph writes where PyTorch is installed"
            )

    def describe(self, backend: str, device: str, precision: str, reason: str) -> SegmenterInfo:
        """What people are told about it."""
        parameters = count_parameters(self._path)
        return describe(self._path, self._card, parameters, backend, device, precision, self._size, reason)

    def parts(self, frame_size: Size) -> Chain:
        """The graph for frames of that size, in two parts."""
        classes = self._card.network.classes
        return Chain(
            {
                "scores": lambda: self._convert(self._scores(frame_size)),
                "labels": lambda: self._convert(decision(classes, self._size, frame_size)),
            },
            lambda: self._convert(smoothed_decision(classes, self._size, frame_size)),
        )

    def contents(self, frame_size: Size) -> str:
        """Names what the parts are made from, for the cache."""
        return f"{file_digest(self._path)} {file_digest(self._graph_path)} {self._size} {frame_size}"

    def make_ready(self, *_: object) -> None:
        """Nothing has to be converted."""

    def _scores(self, frame_size: Size) -> bytes:
        return with_preparation(filled(self._graph_path, self._path, self._card), self._card, frame_size, self._size)


def filled(graph_path: Path, path: Path, card: ModelCard) -> Any:
    """The network as an `onnx.ModelProto` with the weights of the model file.

    Raises:
        ModelError: The graph is damaged, or is that of another network.
    """
    import onnx
    from google.protobuf.message import DecodeError
    from safetensors import SafetensorError, safe_open

    misfit = f"{graph_path.name} does not fit {path.name}: write it again with rgbd-seg model export {path} --to graph"
    if graph_path.stat().st_size > _LARGEST_GRAPH_BYTES:
        raise ModelError(misfit)
    try:
        model = onnx.load_model_from_string(graph_path.read_bytes())
    except (DecodeError, OSError) as error:
        raise ModelError(f"{graph_path} cannot be read: {error}") from None
    if {entry.key: entry.value for entry in model.metadata_props}.get(NETWORK_KEY) != describe_network(card):
        raise ModelError(misfit)
    try:
        with safe_open(path, framework="numpy") as file:
            names = set(file.keys())
            for tensor in model.graph.initializer:
                if tensor.HasField("raw_data"):
                    continue  # A constant of the graph itself.
                if tensor.name not in names:
                    raise ModelError(misfit)
                weights = _weights(file, tensor.name, names)
                if list(weights.shape) != list(tensor.dims) or not np.isfinite(weights).all():
                    raise ModelError(misfit)
                tensor.raw_data = weights.astype("<f4").tobytes()
    except (SafetensorError, OSError) as error:
        raise damaged(path, error) from None
    return model


def _weights(file: Any, name: str, names: set[str]) -> NDArray[np.float32]:
    weights = np.asarray(file.get_tensor(name), np.float32)
    if name + SCALE in names:
        scale = np.asarray(file.get_tensor(name + SCALE), np.float32)
        weights = weights * scale.reshape(-1, *[1] * (weights.ndim - 1))
    return weights


def with_preparation(network: Any, card: ModelCard, frame_size: Size, size: Size) -> bytes:
    """The first part, as `graph.ScoringGraph`: from camera bytes to logits, and the inputs of the network."""
    from onnx import parser

    (height, width), (rows, columns) = frame_size, size
    gain = ", ".join(repr(1.0 / (255.0 * std)) for std in card.color_std)
    shift = ", ".join(repr(-mean / std) for mean, std in zip(card.color_mean, card.color_std, strict=True))
    k = block_size(frame_size, size)
    lines = [
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
        *_nearest("depth_nchw", "depth_sized", frame_size, size),
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
        f"temperature = Constant<value_float = {float(card.temperature)!r}>()",
        f"{SCORES[0]} = Div({NETWORK_OUTPUT}, temperature)",
    ]
    inputs = f"uint8[{height},{width},3] color, uint16[{height},{width}] depth, float depth_unit_m"
    classes = card.network.classes
    outputs = (
        f"float[1,{classes},{rows},{columns}] {SCORES[0]}, float[1,3,{rows},{columns}] {SCORES[1]}, "
        f"float[1,1,{rows},{columns}] {SCORES[2]}"
    )
    # The parser wants every tensor to be made before it is used: the network is put in afterwards.
    extra = f"float[1,{classes},{rows},{columns}] {NETWORK_OUTPUT}"
    around = parser.parse_model(f"{_HEADER}\nscores ({inputs}, {extra}) => ({outputs}) {{\n  {_body(lines)}\n}}")
    before, after = list(around.graph.node)[:-2], list(around.graph.node)[-2:]
    own = list(network.graph.node)
    del around.graph.node[:], around.graph.input[3:]
    around.graph.node.extend([*before, *own, *after])
    around.graph.initializer.extend(network.graph.initializer)
    return bytes(around.SerializeToString())


def decision(classes: int, size: Size, frame_size: Size) -> bytes:
    """The second part, as `graph.PlainDecision`: from logits to labels and confidence at the camera's size."""
    given = f"float[1,{classes},{size[0]},{size[1]}] {SCORES[0]}"
    return _deciding([], SCORES[0], given, "", classes, size, frame_size)


def smoothed_decision(classes: int, size: Size, frame_size: Size) -> bytes:
    """The second part with a memory, as `smoothing.SmoothedDecision`."""
    rows, columns = size
    tile = f"{rows // TILES}, {columns // TILES}"
    shapes = (f"[1,{classes},{rows},{columns}]", f"[1,3,{rows},{columns}]", f"[1,1,{rows},{columns}]")
    now = [f"float{shape} {name}" for shape, name in zip(shapes, SCORES, strict=True)]
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
        f"seen = Softmax<axis = 1>({SCORES[0]})",
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
        f"probable = Max({AVERAGED}, smallest)",
        "averaged_logits = Log(probable)",
    ]
    given = ", ".join([*now, f"float {STRENGTH}", *before])
    return _deciding(lines, "averaged_logits", given, f", float{shapes[0]} {AVERAGED}", classes, size, frame_size)


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
    before: list[str], logits: str, given: str, more: str, classes: int, size: Size, frame_size: Size
) -> bytes:
    """A model that ends with the decision.

    Args:
        before: Lines that make the logits.
        logits: Their name.
        given: The model's inputs.
        more: Its outputs besides labels and confidence.
        classes: How many.
        size: Height and width of the logits.
        frame_size: Those of the labels.
    """
    from onnx import parser

    (height, width), decided_at = frame_size, decision_size(size, frame_size)
    lines = [
        *before,
        "axis = Constant<value_ints = [1]>()",
        f"size = Constant<value_ints = [1, {classes}, {decided_at[0]}, {decided_at[1]}]>()",
        f'sized = Resize<mode = "linear", coordinate_transformation_mode = "half_pixel">({logits}, , , size)',
        "best = ReduceMax<keepdims = 1>(sized, axis)",
        "shifted = Sub(sized, best)",
        "grown = Exp(shifted)",
        "total = ReduceSum<keepdims = 1>(grown, axis)",
        "sure = Reciprocal(total)",
        "most = Constant<value_float = 255.0>()",
        "sure_255 = Mul(sure, most)",
        "sure_round = Round(sure_255)",
        "channel = ArgMax<axis = 1, keepdims = 1>(sized)",
        "channel_float = Cast<to = 1>(channel)",
        "one = Constant<value_float = 1.0>()",
        "id = Add(channel_float, one)",
        "both = Concat<axis = 1>(id, sure_round)",
        *_nearest("both", "full", decided_at, frame_size),
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


def _nearest(source: str, target: str, before: Size, after: Size) -> list[str]:
    """Lines that resize an (N, C, H, W) tensor as `resize.resize_nearest` does."""
    rows, columns = (", ".join(map(str, nearest_indices(b, a))) for b, a in zip(before, after, strict=True))
    return [
        f"{target}_rows = Constant<value_ints = [{rows}]>()",
        f"{target}_columns = Constant<value_ints = [{columns}]>()",
        f"{target}_picked = Gather<axis = 2>({source}, {target}_rows)",
        f"{target} = Gather<axis = 3>({target}_picked, {target}_columns)",
    ]


def _body(lines: list[str]) -> str:
    return "\n  ".join(lines)
