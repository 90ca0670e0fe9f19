"""Writes small OpenNI2 recordings (.oni), so that the real OniFile driver plays any scene without a camera.

The layout is the one that OpenNI2's own player reads: a header, nodes with their properties, uncompressed frames, an
index for each node, and an end record; all little-endian.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

_RECORD_MAGIC = 0x0052494E
_INT, _GENERAL, _REMOVED, _READY, _DATA_BEGIN, _FRAME, _END, _ADDED, _INDEX = 3, 6, 7, 9, 8, 10, 11, 13, 14
_DEPTH_KIND, COLOR_KIND, INFRARED_KIND = 2, 3, 5
_NO_CODEC = b"NONE"
DEPTH_1_MM, DEPTH_100_UM, RGB888, YUV422, GRAY8, GRAY16, YUYV = 100, 101, 200, 201, 202, 203, 205
# What OpenNI1 called them.
_OLD_FORMATS = {RGB888: 1, YUV422: 2, GRAY8: 3, GRAY16: 4, YUYV: 2}


def _text(value: str) -> bytes:
    data = value.encode() + b"\0"
    return struct.pack("<I", len(data)) + data


class _Writer:
    def __init__(self) -> None:
        self.data = bytearray(struct.pack("<4sBBHIQI", b"NI10", 1, 0, 1, 0, 0, 2))
        self.last: dict[int, int] = {}

    def record(self, kind: int, node: int, fields: bytes = b"", payload: bytes = b"", at: int | None = None) -> int:
        position = len(self.data) if at is None else at
        undo = 0 if kind in (_END, _READY, _DATA_BEGIN) else self.last.get(node, 0)
        head = struct.pack("<IIIIIQ", _RECORD_MAGIC, kind, node, 28 + len(fields), len(payload), undo)
        if at is None:
            self.data += head + fields + payload
            self.last[node] = position
        else:
            self.data[at : at + len(head) + len(fields)] = head + fields
        return position

    def integer(self, node: int, name: str, value: int) -> None:
        self.record(_INT, node, _text(name) + struct.pack("<IQ", 8, value))

    def general(self, node: int, name: str, data: bytes) -> None:
        self.record(_GENERAL, node, _text(name) + struct.pack("<I", len(data)) + data)


def write_oni(
    path: Path,
    colors: Sequence[NDArray[np.uint8] | NDArray[np.uint16]],
    depths: Sequence[NDArray[np.uint16]],
    *,
    fps: int = 30,
    fov_rad: tuple[float, float] | None = (1.0, 0.8),
    depth_format: int = DEPTH_1_MM,
    color_format: int = RGB888,
    color_kind: int = COLOR_KIND,
    depth_fov_rad: tuple[float, float] | None = None,
    color_times_us: Sequence[int] | None = None,
    depth_times_us: Sequence[int] | None = None,
    mirrored: bool = False,
    closed: bool = True,
) -> None:
    """Writes one depth and, unless there are no pictures for it, one colour node.

    Args:
        path: The file.
        colors: (H, W, ...) each, in `color_format`.
        depths: (H, W) uint16 each.
        fps: Frame rate of both nodes.
        fov_rad: Horizontal and vertical field of view, or None to leave it out.
        depth_format: OpenNI2's pixel format of depth.
        color_format: The same for colour.
        color_kind: What kind of node colour is.
        depth_fov_rad: Where depth's field of view is another than colour's.
        color_times_us: Device time of each colour frame; None for one each 1/fps, from 1/fps on.
        depth_times_us: The same for depth.
        mirrored: Whether both nodes say that they are mirror images.
        closed: Whether the recorder lived to write index and counts.
    """
    period = 1_000_000 // fps
    nodes = (
        (1, _DEPTH_KIND, "Depth1", depths, depth_times_us or [period * (i + 1) for i in range(len(depths))]),
        (2, color_kind, "Image1", colors, color_times_us or [period * (i + 1) for i in range(len(colors))]),
    )
    nodes = nodes if len(colors) else nodes[:1]
    out = _Writer()
    added: dict[int, int] = {}

    def added_fields(node: tuple[int, int, str, Sequence[NDArray[np.generic]], Sequence[int]], index: int) -> bytes:
        times = node[4]
        return (
            _text(node[2])
            + struct.pack("<I4sI", node[1], _NO_CODEC, len(times) if index else 0xFFFFFFFF)
            + struct.pack("<QQQ", min(times), max(times), index)
        )

    for node in nodes:
        number, kind, _, pictures, _ = node
        height, width = pictures[0].shape[:2]
        added[number] = out.record(_ADDED, number, added_fields(node, 0))
        out.integer(number, "oniRequiredFrameSize", pictures[0].nbytes)
        out.integer(number, "xnIsGenerating", 1)
        if kind == _DEPTH_KIND:
            out.integer(number, "xnDeviceMaxDepth", 10000)
        out.integer(number, "xnSupportedMapOutputModesCount", 1)
        mode = struct.pack("<III", width, height, fps)
        out.general(number, "xnSupportedMapOutputModes", mode)
        out.general(number, "xnMapOutputMode", mode)
        out.integer(number, "xnPixelFormat", 4 if kind == _DEPTH_KIND else _OLD_FORMATS[color_format])
        out.integer(number, "oniPixelFormat", depth_format if kind == _DEPTH_KIND else color_format)
        if fov_rad is not None:
            own = (depth_fov_rad if kind == _DEPTH_KIND else None) or fov_rad
            out.general(number, "xnFOV", struct.pack("<dd", *own))
        out.general(number, "xnCropping", bytes(12))
        out.integer(number, "Mirror", int(mirrored))
        out.integer(number, "xnMirror", int(mirrored))
        out.record(_READY, number)
    for number in added:
        out.record(_DATA_BEGIN, number, struct.pack("<IQ", 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF))

    frames = sorted(
        (time_us, number, i, picture)
        for number, _, _, pictures, times in nodes
        for i, (time_us, picture) in enumerate(zip(times, (p.tobytes() for p in pictures), strict=True))
    )
    index: dict[int, list[tuple[int, int]]] = {1: [], 2: []}
    for time_us, number, i, picture in frames:
        position = out.record(_FRAME, number, struct.pack("<QI", time_us, i + 1), picture)
        index[number].append((time_us, position))
    for node in nodes if closed else ():
        number = node[0]
        entries = b"".join(struct.pack("<QIQ", time_us, 0, position) for time_us, position in index[number])
        at = out.record(_INDEX, number, b"", bytes(20) + entries)
        out.record(_REMOVED, number)
        out.record(_ADDED, number, added_fields(node, at), at=added[number])
    if closed:
        out.record(_END, 0)
    struct.pack_into("<Q", out.data, 12, max(frame[0] for frame in frames))
    path.write_bytes(out.data)
