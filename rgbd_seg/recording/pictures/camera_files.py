"""Calibration files as other programs leave them beside pictures: matrices as text, JSON, YAML, `key = value`.

What cannot be read is a sentence, never a refusal: the pictures are there all the same.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.lens import distortion_of
from rgbd_seg.recording.pictures.sidecar import SIDECAR, Matrix, read_text

_MAX_BYTES = 1_000_000
_MAX_FILES = 400
_SUFFIXES = frozenset({".txt", ".json", ".yaml", ".yml", ".csv", ".pincam", ".xml", ""})
# Names of files that describe a camera; "metadata" is Record3D's, "info" BundleFusion's and ScanNet's.
_NAME = re.compile(
    r"intrinsic|calib|camera|cam_params|^k$|^info$|_info$|^metadata$|^transforms|rgb_info|color_info", re.I
)
_FOLDERS = re.compile(r"^(intrinsics?|calib|calibration|camera|.*_calib|.*_intrinsics)$", re.I)
_DEPTH = re.compile(r"depth|(^|[^a-z])ir([^a-z]|$)|infra", re.I)
_MATRIX_KEYS = ("intrinsic_matrix", "camera_matrix", "K", "k", "intrinsics", "intrinsic", "color_intrinsics", "matrix")
_NUMBER_KEYS = (("fx", "fl_x", "focal_length_x"), ("fy", "fl_y", "focal_length_y"), ("cx", "ppx"), ("cy", "ppy"))
_LENS_KEYS = ("distortion_coefficients", "distortion_coeffs", "dist_coeffs", "D", "distortion", "coeffs")


@dataclass(frozen=True, slots=True)
class Cameras:
    """What the files beside pictures say.

    Attributes:
        color: Of colour, None where no file says it.
        depth: Of depth, where a file is for depth and not for colour.
        to_color: Rotation (3, 3) and translation (3,) in metres from depth's frame to colour's, None if unknown.
        depth_unit_m: Metres per count, if a file says it.
        sources: Names of the files that were used.
        notes: What could not be read, in whole sentences.
    """

    color: Matrix | None = None
    depth: Matrix | None = None
    to_color: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    depth_unit_m: float | None = None
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Found:
    """What one file says."""

    color: Matrix | None = None
    depth: Matrix | None = None
    to_color: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    unit_m: float | None = None
    notes: list[str] = field(default_factory=list)


def find_cameras(folder: Path) -> Cameras:
    """Looks at the calibration files in a folder, in its folders for such files, and in its parent."""
    color = depth = to_color = unit_m = None
    sources: list[str] = []
    notes: list[str] = []
    for path in _candidates(folder):
        if color is not None and depth is not None and unit_m is not None:
            break
        try:
            found = read_camera_file(path)
        except RecordingError as error:
            notes.append(f"{error}; it is left out.")
            continue
        if (found.color and color is None) or (found.depth and depth is None) or (found.unit_m and unit_m is None):
            sources.append(path.name)
            notes += found.notes
        color, depth = color or found.color, depth or found.depth
        to_color, unit_m = to_color or found.to_color, unit_m or found.unit_m
    return Cameras(color, depth, to_color, unit_m, tuple(sources[:8]), tuple(notes[:8]))


def read_camera_file(path: Path) -> _Found:
    """Reads one calibration file.

    Raises:
        RecordingError: It holds no camera.
    """
    text = read_text(path, _MAX_BYTES)
    start = text.lstrip()[:1]
    if start == "{" or path.suffix.lower() == ".json":
        try:
            found = _of_tree(json.loads(text), path)
        except (ValueError, RecursionError) as error:
            raise RecordingError(f"{path} is not valid JSON ({error})") from None
    elif path.suffix.lower() in (".yaml", ".yml") or text.startswith("%YAML"):
        found = _of_tree(_yaml(text, path), path)
    elif re.search(r"^\s*[A-Za-z_.]+\s*=", text, re.M):
        found = _of_tree(_assignments(text), path)
    else:
        found = _of_numbers(text, path)
    if not (found.color or found.depth or found.unit_m):
        raise RecordingError(f"{path} holds no camera that is understood")
    return found


def _candidates(folder: Path) -> Iterator[Path]:
    """Files that may describe a camera, the likeliest first: colour before depth, this folder before others."""
    folders = [folder]
    with contextlib.suppress(OSError):
        inside = sorted(folder.iterdir())[:_MAX_FILES]
        folders += [entry for entry in inside if entry.is_dir() and _FOLDERS.match(entry.name)]
    folders.append(folder.resolve().parent)
    for place in folders:
        with contextlib.suppress(OSError):
            files = sorted(entry for entry in list(place.iterdir())[:5000] if entry.suffix.lower() in _SUFFIXES)
            # In folders of calibrations every file is one; of many, one for each frame, the first few do.
            all_of_them = place is not folder and place != folder.resolve().parent
            wanted = [f for f in files if (all_of_them or _NAME.search(f.stem)) and f.name != SIDECAR]
            wanted = [f for f in wanted if f.is_file() and not f.name.startswith(".") and "extrinsic" not in f.stem]
            yield from sorted(wanted, key=lambda f: bool(_DEPTH.search(f.stem)))[:12]


def _of_numbers(text: str, path: Path) -> _Found:
    """3x3 and 4x4 matrices, `fx fy cx cy`, and ARKit's `width height fx fy cx cy`."""
    try:
        numbers = [float(word) for word in re.split(r"[\s,;\[\]]+", text) if word]
    except ValueError:
        numbers = []
    count = len(numbers)
    if not all(map(math.isfinite, numbers)) or count > 100:
        numbers, count = [], 0
    if count in (9, 16, 12) or (count > 16 and count % 16 == 0):
        wide = 4 if count != 9 else 3
        matrix = _matrix((numbers[0], numbers[wide + 1], numbers[2], numbers[wide + 2]))
    elif count == 6:
        matrix = _matrix(numbers[2:], *_size(*numbers[:2]))
    elif count == 4:
        matrix = _matrix(numbers)
    else:
        matrix = None
    if matrix is None:
        raise RecordingError(f"{path} holds no camera matrix: expected nine numbers fx 0 cx 0 fy cy 0 0 1")
    return _Found(depth=matrix) if _DEPTH.search(path.stem) else _Found(color=matrix)


def _yaml(text: str, path: Path) -> Any:
    """OpenCV's and ROS's YAML; OpenCV's begins with a line of its own and marks its matrices."""
    plain = re.sub(r"^%YAML[^\n]*\n", "", text).replace("!!opencv-matrix", "")
    try:
        return yaml.safe_load(plain)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise RecordingError(f"{path} is no YAML that can be read ({str(error).splitlines()[0]})") from None


def _assignments(text: str) -> dict[str, Any]:
    """`key = value` lines as BundleFusion and ScanNet write them."""
    values: dict[str, Any] = {}
    for line in text.splitlines():
        key, _, value = line.partition("=")
        numbers = []
        with contextlib.suppress(ValueError):
            numbers = [float(word) for word in value.split()]
        values[key.strip()] = numbers if len(numbers) > 1 else numbers[0] if numbers else value.strip()
    return values


def _of_tree(tree: Any, path: Path) -> _Found:
    """JSON, YAML and assignments: the names of many programs for the same numbers."""
    found = _Found()
    if not isinstance(tree, dict):
        return found
    found.unit_m = _unit(tree)
    if "m_calibrationColorIntrinsic" in tree or "m_calibrationDepthIntrinsic" in tree:  # BundleFusion, ScanNet's .sens
        for name, role in (("Color", "color"), ("Depth", "depth")):
            size = (tree.get(f"m_{name.lower()}Width"), tree.get(f"m_{name.lower()}Height"))
            setattr(found, role, _flat(tree.get(f"m_calibration{name}Intrinsic"), *_size(*size)))
        return found
    if "fx_color" in tree:  # ScanNet's <scene>.txt
        for role in ("color", "depth"):
            size = _size(tree.get(f"{role}Width"), tree.get(f"{role}Height"))
            values = [_number(tree.get(f"{name}_{role}")) for name in ("fx", "fy", "mx", "my")]
            setattr(found, role, _matrix(values, *size))
        return found
    if "Camera.fx" in tree:  # ORB-SLAM
        values = [_number(tree.get(f"Camera.{name}")) for name in ("fx", "fy", "cx", "cy")]
        d = [_number(tree.get(f"Camera.{name}")) for name in ("k1", "k2", "p1", "p2", "k3")]
        matrix = _matrix(values, *_size(tree.get("Camera.width"), tree.get("Camera.height")))
        found.color = _bent(matrix, "plumb_bob", [0.0 if math.isnan(v) else v for v in d], found.notes)
        return found
    role = "depth" if _DEPTH.search(path.stem) else "color"
    for name in ("color", "rgb", "color_camera", "camera", "cam0", "Camera", "color_intrinsics", "intrinsics"):
        if isinstance(tree.get(name), dict):
            found.unit_m = found.unit_m or _unit(tree[name])
            found.color = found.color or _of_node(tree[name], found.notes)
    for name in ("depth", "ir", "depth_camera", "depth_intrinsics"):
        if isinstance(tree.get(name), dict):
            found.depth = found.depth or _of_node(tree[name], found.notes)
    node = _of_node(tree, found.notes)
    if node is not None and getattr(found, role) is None:
        setattr(found, role, node)
    return found


def _of_node(node: dict[str, Any], notes: list[str]) -> Matrix | None:
    """A camera out of one group of values."""
    size = _size(
        next((node[key] for key in ("width", "image_width", "w", "Width") if key in node), None),
        next((node[key] for key in ("height", "image_height", "h", "Height") if key in node), None),
    )
    if not size[0] and isinstance(node.get("resolution"), list) and len(node["resolution"]) == 2:
        size = _size(*node["resolution"])
    matrix = None
    for key in _MATRIX_KEYS:
        value = node.get(key)
        if isinstance(value, dict):
            value = value.get("data")
        if isinstance(value, list) and matrix is None:
            matrix = _flat(value, *size)
    if matrix is None:
        names = (
            ("fx", "fl_x", "f", "focal_length_x"),
            ("fy", "fl_y", "f", "focal_length_y"),
            ("cx", "ppx"),
            ("cy", "ppy"),
        )
        values = [next((_number(node[key]) for key in keys if key in node), math.nan) for keys in names]
        matrix = _matrix(values, *size)
    coefficients = next(
        (
            node[k]
            for k in ("distortion_coefficients", "distortion_coeffs", "dist_coeffs", "D", "distortion", "coeffs")
            if k in node
        ),
        None,
    )
    if isinstance(coefficients, dict):
        coefficients = coefficients.get("data")
    if coefficients is None and "k1" in node:
        coefficients = [node.get(key, 0) for key in ("k1", "k2", "p1", "p2", "k3")]
    d = [_number(value) for value in coefficients] if isinstance(coefficients, list) and len(coefficients) < 100 else []
    model = str(node.get("distortion_model") or node.get("camera_model") or "")
    return _bent(matrix, "" if model.lower() == "pinhole" else model, d, notes)


def _unit(tree: dict[str, Any]) -> float | None:
    """Metres per count, by the names of Open3D, Replica, ORB-SLAM, BundleFusion and instant-ngp."""
    for key in ("depth_scale", "scale", "DepthMapFactor", "m_depthShift", "png_depth_scale", "depthShift"):
        per_metre = _number(tree.get(key))
        # Some give metres per count under the same names.
        if 2 <= per_metre <= 1e6:
            return 1 / per_metre
        if 1e-6 <= per_metre <= 0.02:
            return per_metre
    metres = _number(tree.get("integer_depth_scale"))
    return metres if 1e-6 <= metres <= 0.02 else None


def _bent(matrix: Matrix | None, model: str, d: Sequence[float], notes: list[str]) -> Matrix | None:
    if matrix is None or not d:
        return matrix
    distortion, lens_model, note = distortion_of(model, d)
    if note:
        notes.append(note)
    return Matrix(matrix.fx, matrix.fy, matrix.cx, matrix.cy, matrix.width, matrix.height, distortion, lens_model)


def _flat(value: Any, width: int = 0, height: int = 0) -> Matrix | None:
    """A matrix as nested or flat lists; nine numbers column by column are told by where the zeros are."""
    if not isinstance(value, list) or len(value) > 100:
        return None
    flat = [_number(v) for row in value for v in (row if isinstance(row, list) else [row])]
    if len(flat) == 4:  # Kalibr: fx fy cx cy.
        return _matrix(flat, width, height)
    if len(flat) == 9 and flat[2] == flat[5] == 0 and flat[6] > 0:
        return _matrix((flat[0], flat[4], flat[6], flat[7]), width, height)
    wide = {9: 3, 12: 4, 16: 4}.get(len(flat))
    return None if wide is None else _matrix((flat[0], flat[wide + 1], flat[2], flat[wide + 2]), width, height)


def _matrix(numbers: Sequence[float], width: int = 0, height: int = 0) -> Matrix | None:
    """A camera of fx, fy, cx, cy, None if they are none; ICL-NUIM turns its picture by a focal length below zero."""
    fx, fy, cx, cy = abs(numbers[0]), abs(numbers[1]), numbers[2], numbers[3]
    if not all(map(math.isfinite, (fx, fy, cx, cy))) or not (1 < fx < 1e6 and 1 < fy < 1e6) or cx <= 0 or cy <= 0:
        return None
    return Matrix(fx, fy, cx, cy, width, height)


def _size(width: Any, height: Any) -> tuple[int, int]:
    w, h = _number(width), _number(height)
    return (int(w), int(h)) if 1 <= w <= 16384 and 1 <= h <= 16384 else (0, 0)


def _number(value: Any) -> float:
    """A number, NaN where there is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan
