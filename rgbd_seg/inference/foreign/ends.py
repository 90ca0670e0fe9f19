"""What goes before and behind somebody else's network: camera bytes to its inputs, its output to labels.

Both ends are small ONNX models of their own, made from the network's card, so that every back end that runs the
network runs them too and no float map leaves the device. They are never merged into the network's file: its operator
set and its external weights stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, checker, parser

from rgbd_seg.inference.foreign.card import ColorInput, DepthInput, NetworkCard, NetworkOutput
from rgbd_seg.inference.resize import decision_size, nearest_indices
from rgbd_seg.inference.surroundings import nearest_lines

# Names of the tensors at the outer side of the two ends; the inner side has the network's own names.
COLOR, DEPTH, DEPTH_UNIT = "camera_color", "camera_depth", "camera_depth_unit_m"
LABELS, CONFIDENCE = "camera_labels", "camera_confidence"

_HEADER = '<ir_version: 8, opset_import: ["" : 18]>'
Size = tuple[int, int]


def preprocessing(card: NetworkCard, camera: Size) -> ModelProto:
    """The model from a camera's picture to the network's inputs.

    Colour is resized bilinearly and depth by nearest neighbour, with the sampling points of our own graph (but without
    averaging blocks first: other networks were trained with plain bilinear resizing).

    Args:
        card: What the network wants.
        camera: Height and width of the camera's picture.

    Returns:
        Inputs `COLOR` uint8 (H, W, 3) and, for a network with depth, `DEPTH` uint16 (H, W) and `DEPTH_UNIT` float32
        () metres per count; outputs float32 under the names of the network's inputs.
    """
    height, width = camera
    inputs = [f"uint8[{height},{width},3] {COLOR}"]
    outputs = [f"float{_dims(card.color.layout, 3, card.size)} {_quoted(card.color.input)}"]
    lines = _color_lines(card.color, card.size)
    if card.depth is not None:
        inputs += [f"uint16[{height},{width}] {DEPTH}", f"float {DEPTH_UNIT}"]
        outputs.append(f"float{_dims(card.depth.layout, card.depth.channels, card.size)} {_quoted(card.depth.input)}")
        lines += _depth_lines(card.depth, camera, card.size)
    return _model("before", inputs, outputs, lines)


def postprocessing(card: NetworkCard, element: str, shape: Sequence[int], camera: Size) -> ModelProto:
    """The model from the network's output to labels in the camera's size.

    As in our own graph, logits or probabilities that are coarser than the network's input, or than half the camera's
    size, are first enlarged bilinearly to it; the labels then go to the camera's size by nearest neighbour.

    Args:
        card: What the output means.
        element: Element type of the network's output, such as "float" or "int64".
        shape: Shape of the network's output, for one picture.
        camera: Height and width of the camera's picture.

    Returns:
        One input under the name of the network's output; outputs `LABELS` and `CONFIDENCE`, uint8 (H, W) each. Where
        the network gives labels itself, the confidence is 255 everywhere.
    """
    if card.output.kind == "labels":
        return _labels_model(card.output, element, shape, camera)
    output, size = card.output, decision_size(card.size, camera)
    dims = ",".join(map(str, shape))
    to_nchw = "Transpose<perm = [0, 3, 1, 2]>(raw)" if output.layout == "NHWC" else "Identity(raw)"
    lines = [f"raw = Cast<to = 1>({_quoted(output.output)})", f"planes = {to_nchw}"]
    lines += _resize_linear("planes", "sized", card.channels, size)
    if output.kind == "logits":
        # The highest softmax probability: exp(max) / sum(exp) with the maximum taken off first.
        lines += [
            f"temperature = Constant<value_float = {_numbers(output.temperature)}>()",
            "logits = Div(sized, temperature)",
            "best = ReduceMax<keepdims = 1>(logits, axis)",
            "shifted = Sub(logits, best)",
            "grown = Exp(shifted)",
            "total = ReduceSum<keepdims = 1>(grown, axis)",
            "sure = Reciprocal(total)",
        ]
    else:
        lines += ["sure = ReduceMax<keepdims = 1>(sized, axis)"]
    lines += [
        "channel = ArgMax<axis = 1, keepdims = 1>(sized)",
        f"first = Constant<value_int = {output.first_id}>()",
        "id = Add(channel, first)",
        "id_float = Cast<to = 1>(id)",
        "percent = Constant<value_float = 255.0>()",
        "sure_255 = Mul(sure, percent)",
        "sure_round = Round(sure_255)",
        "low = Constant<value_float = 0.0>()",
        "sure_byte = Clip(sure_round, low, percent)",
        "both = Concat<axis = 1>(id_float, sure_byte)",
    ]
    lines += nearest_lines("both", "full", size, camera)
    lines += [
        "bytes = Cast<to = 2>(full)",
        "one = Constant<value_ints = [1, 1]>()",
        "id_map, sure_map = Split<axis = 1>(bytes, one)",
        f"hw = Constant<value_ints = [{camera[0]}, {camera[1]}]>()",
        f"{LABELS} = Reshape(id_map, hw)",
        f"{CONFIDENCE} = Reshape(sure_map, hw)",
    ]
    lines.insert(0, "axis = Constant<value_ints = [1]>()")
    outputs = [f"uint8[{camera[0]},{camera[1]}] {name}" for name in (LABELS, CONFIDENCE)]
    return _model("behind", [f"{element}[{dims}] {_quoted(output.output)}"], outputs, lines)


def _labels_model(output: NetworkOutput, element: str, shape: Sequence[int], camera: Size) -> ModelProto:
    """Class numbers of any integer type to label ids in the camera's size."""
    height, width = _spatial(output.layout, shape)
    lines = [
        f"number = Cast<to = 1>({_quoted(output.output)})",
        f"nchw = Constant<value_ints = [1, 1, {height}, {width}]>()",
        "plane = Reshape(number, nchw)",
        f"first = Constant<value_float = {_numbers(output.first_id)}>()",
        "id = Add(plane, first)",
    ]
    lines += nearest_lines("id", "full", (height, width), camera)
    lines += [
        f"hw = Constant<value_ints = [{camera[0]}, {camera[1]}]>()",
        "flat = Reshape(full, hw)",
        f"{LABELS} = Cast<to = 2>(flat)",
        "all = Shape(flat)",
        f"{CONFIDENCE} = ConstantOfShape<value = uint8[1] {{255}}>(all)",
    ]
    dims = ",".join(map(str, shape))
    outputs = [f"uint8[{camera[0]},{camera[1]}] {name}" for name in (LABELS, CONFIDENCE)]
    return _model("behind", [f"{element}[{dims}] {_quoted(output.output)}"], outputs, lines)


def _color_lines(color: ColorInput, size: Size) -> list[str]:
    """uint8 (H, W, 3) to the colour input: resize, then `value * gain + shift` for each channel."""
    gain = [1.0 / (color.scale * std) for std in color.std]
    shift = [-mean / std for mean, std in zip(color.mean, color.std, strict=True)]
    order = [0, 1, 2] if color.order == "RGB" else [2, 1, 0]
    last = "Transpose<perm = [0, 2, 3, 1]>(color_ordered)" if color.layout == "NHWC" else "Identity(color_ordered)"
    return [
        f"color_float = Cast<to = 1>({COLOR})",
        "color_chw = Transpose<perm = [2, 0, 1]>(color_float)",
        "color_axis = Constant<value_ints = [0]>()",
        "color_nchw = Unsqueeze(color_chw, color_axis)",
        *_resize_linear("color_nchw", "color_sized", 3, size),
        f"color_gain = Constant<value = float[1,3,1,1] {{{_numbers(*gain)}}}>()",
        f"color_shift = Constant<value = float[1,3,1,1] {{{_numbers(*shift)}}}>()",
        "color_scaled = Mul(color_sized, color_gain)",
        "color_normal = Add(color_scaled, color_shift)",
        f"color_order = Constant<value_ints = {order}>()",
        "color_ordered = Gather<axis = 1>(color_normal, color_order)",
        f"{_quoted(color.input)} = {last}",
    ]


def _depth_lines(depth: DepthInput, camera: Size, size: Size) -> list[str]:
    """uint16 (H, W) to the depth input: resize, holes, then `(metres / unit - mean) / std`."""
    nearest, farthest = depth.range_m
    pick = (
        nearest_indices if depth.resize == "nearest-exact" else _floor_indices
    )  # The latter as OpenCV's INTER_NEAREST.
    last = {
        "NCHW": "Identity(depth_planes)",
        "NHWC": "Transpose<perm = [0, 2, 3, 1]>(depth_planes)",
        "NHW": "Squeeze(depth_planes, color_axis)",
    }[depth.layout]
    repeat = ", ".join(["depth_whole"] * depth.channels)
    return [
        f"depth_float = Cast<to = 1>({DEPTH})",
        f"depth_shape = Constant<value_ints = [1, 1, {camera[0]}, {camera[1]}]>()",
        "depth_nchw = Reshape(depth_float, depth_shape)",
        *nearest_lines("depth_nchw", "depth_sized", camera, size, pick),
        f"depth_m = Mul(depth_sized, {DEPTH_UNIT})",
        "depth_zero = Constant<value_float = 0.0>()",
        f"depth_near = Constant<value_float = {_numbers(nearest)}>()",
        f"depth_far = Constant<value_float = {_numbers(farthest)}>()",
        "depth_is_zero = LessOrEqual(depth_m, depth_zero)",
        "depth_is_near = Less(depth_m, depth_near)",
        "depth_is_far = Greater(depth_m, depth_far)",
        "depth_is_out = Or(depth_is_near, depth_is_far)",
        "depth_is_hole = Or(depth_is_zero, depth_is_out)",
        f"depth_gain = Constant<value_float = {_numbers(1.0 / (depth.unit_m * depth.std))}>()",
        f"depth_shift = Constant<value_float = {_numbers(-depth.mean / depth.std)}>()",
        "depth_scaled = Mul(depth_m, depth_gain)",
        "depth_normal = Add(depth_scaled, depth_shift)",
        f"depth_hole = Constant<value_float = {_numbers(depth.hole)}>()",
        "depth_whole = Where(depth_is_hole, depth_hole, depth_normal)",
        f"depth_planes = Concat<axis = 1>({repeat})",
        f"{_quoted(depth.input)} = {last}",
    ]


def _resize_linear(source: str, target: str, channels: int, size: Size) -> list[str]:
    """Lines that resize a (1, C, H, W) tensor bilinearly, pixel centres at halves as in OpenCV."""
    # All four sizes: ONNX Runtime's optimiser stumbles over a Resize of some axes beside a Transpose.
    return [
        f"{target}_size = Constant<value_ints = [1, {channels}, {size[0]}, {size[1]}]>()",
        f'{target} = Resize<mode = "linear", coordinate_transformation_mode = "half_pixel">'
        f"({source}, , , {target}_size)",
    ]


def _floor_indices(before: int, after: int) -> NDArray[np.int64]:
    """Which of `before` rows (or columns) each of `after` rows takes in OpenCV's INTER_NEAREST: (after,) int64."""
    return np.arange(after, dtype=np.int64) * before // after


def _spatial(layout: str, shape: Sequence[int]) -> Size:
    """Height and width in a shape of that layout."""
    row = layout.index("H")
    return shape[row], shape[row + 1]


def _dims(layout: str, channels: int, size: Size) -> str:
    """The shape of one picture in that layout, as the text format writes it."""
    height, width = size
    shape = {"NCHW": (1, channels, height, width), "NHWC": (1, height, width, channels), "NHW": (1, height, width)}
    return f"[{','.join(map(str, shape[layout]))}]"


def _numbers(*values: float) -> str:
    """Numbers as the text format takes them for floats: always with a point or an exponent."""
    return ", ".join(repr(float(value)) for value in values)


def _quoted(name: str) -> str:
    """A tensor name as the text format takes it."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _model(name: str, inputs: Sequence[str], outputs: Sequence[str], lines: Sequence[str]) -> ModelProto:
    body = "\n  ".join(lines)
    text = f"{_HEADER}\n{name} ({', '.join(inputs)}) => ({', '.join(outputs)}) {{\n  {body}\n}}"
    model: ModelProto = parser.parse_model(text)
    checker.check_model(model)
    return model
