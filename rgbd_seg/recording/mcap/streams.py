"""Which channels of an MCAP file are colour, depth and labels, and which of their messages make a frame."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.mcap import format as layout
from rgbd_seg.recording.mcap.input import DamagedError
from rgbd_seg.recording.mcap.pictures import (
    CALIBRATION,
    COMPRESSED,
    RAW,
    color_picture,
    depth_picture,
    intrinsics_of,
    kind_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from rgbd_seg.calibration import Origin
    from rgbd_seg.recording.mcap.contents import McapContents
    from rgbd_seg.recording.mcap.input import Message

# What the four supported cameras roughly have, for files of others that say nothing.
_ASSUMED_FIELD_OF_VIEW_RAD = math.radians(60)


class Messages(Protocol):
    """Where messages are read from."""

    def message(self, place: NDArray[np.int64], channel_id: int) -> Message:
        """The message at a row of a `MessageIndex` table; raises DamagedError."""


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """One channel, one row of `places` for each frame (see `MessageIndex.tables`)."""

    channel_id: int
    schema: str
    places: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class LabelStream:
    """A channel of label maps; not every frame has one. Joined by equal times."""

    channel_id: int
    topic: str
    places: NDArray[np.int64]
    label_set: LabelSet
    model: str = ""
    model_sha256: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Streams:
    """All that makes frames out of messages.

    Attributes:
        times_ns: (N,) int64, nanoseconds since 1970.
        color: Colour of the N frames.
        depth: Depth of the N frames.
        frame: Clocks and indices of the N frames; None in files of other programs.
        labels: Exact labels first, then segmentations.
        instances: Instance ids that belong to exact labels; joined by equal times, like the labels.
        calibration: What holds for frames that do not bring their own.
        warnings: What had to be assumed, in whole sentences.
    """

    times_ns: NDArray[np.int64]
    color: Stream
    depth: Stream
    frame: Stream | None
    labels: tuple[LabelStream, ...]
    instances: Stream | None
    calibration: Calibration
    warnings: tuple[str, ...] = ()

    def on_color_grid(self, depth: NDArray[np.uint16]) -> NDArray[np.uint16]:
        """Depth of another size than colour's, stretched over it by nearest neighbours: it is not registered."""
        size = (self.calibration.color.width, self.calibration.color.height)
        return cv2.resize(depth, size, interpolation=cv2.INTER_NEAREST).astype(np.uint16, copy=False)


def find_streams(path: Path, contents: McapContents, messages: Messages) -> Streams:
    """Sorts the channels of a file and pairs their messages.

    Raises:
        RecordingError: There are no frames of colour and depth in it; the message says what there is.
    """
    if layout.METADATA in contents.metadata:
        return _own_streams(path, contents)
    return _foreign_streams(path, contents, messages)


def _own_streams(path: Path, contents: McapContents) -> Streams:
    tables = contents.index.tables
    by_topic: dict[str, list[int]] = {}
    for channel_id, channel in contents.channels.items():
        by_topic.setdefault(channel.topic, []).append(channel_id)

    def stream(topic: str) -> Stream:
        for channel_id in by_topic.get(topic, ()):
            schema = contents.schemas.get(contents.channels[channel_id].schema_id)
            if channel_id in tables:
                return Stream(channel_id, schema.name if schema else "", tables[channel_id])
        raise RecordingError(f"{path} holds no complete frame: it was recorded for less than a second, or damaged")

    frame, color, depth = (stream(t) for t in (layout.TOPIC_FRAME, layout.TOPIC_COLOR, layout.TOPIC_DEPTH))
    times, frame, color, depth = _with_equal_times(frame, color, depth)
    if not len(times):
        raise RecordingError(f"{path} holds no complete frame: it was recorded for less than a second, or damaged")
    try:
        calibration = Calibration.from_dict(json.loads(contents.metadata[layout.METADATA]["calibration"]))
    except (KeyError, ValueError, RecursionError) as error:
        raise RecordingError(f"{path} has lost its calibration: {error}") from None
    warnings: list[str] = []
    labels = []
    for topic in (layout.TOPIC_TRUTH, layout.TOPIC_SEGMENTATION):
        for channel_id in by_topic.get(topic, ()):
            if channel_id not in tables:
                continue
            values = contents.channels[channel_id].metadata
            try:
                label_set = LabelSet.from_dict(json.loads(values.get("label_set", "")), str(path))
            except (ConfigurationError, ValueError, RecursionError):
                warnings.append(f"The labels on {topic} are left out: what they mean has been lost.")
                continue
            model, sha256 = values.get("model", ""), values.get("model_sha256", "")
            labels.append(LabelStream(channel_id, topic, tables[channel_id], label_set, model, sha256))
    instances = None
    for channel_id in by_topic.get(layout.TOPIC_INSTANCES, ()):
        if channel_id in tables:
            instances = Stream(channel_id, RAW, tables[channel_id])
    return Streams(times, color, depth, frame, tuple(labels), instances, calibration, tuple(warnings))


def _with_equal_times(
    *streams: *tuple[Stream, Stream, Stream],
) -> tuple[NDArray[np.int64], Stream, Stream, Stream]:
    """The streams cut down to the times that all of them have."""
    times = streams[0].places[:, 0]
    if all(np.array_equal(times, stream.places[:, 0]) for stream in streams[1:]):
        return times, *streams
    for stream in streams[1:]:
        times = np.intersect1d(times, stream.places[:, 0])
    first, second, third = (replace(s, places=s.places[np.searchsorted(s.places[:, 0], times)]) for s in streams)
    return times, first, second, third


def _foreign_streams(path: Path, contents: McapContents, messages: Messages) -> Streams:
    """Pairs Foxglove pictures of another program: each depth picture with the colour nearest in time."""
    found: dict[str, Stream] = {}
    first: dict[str, memoryview] = {}
    intrinsics: Intrinsics | None = None
    seen = []
    for channel_id, channel in sorted(contents.channels.items(), key=lambda item: item[1].topic):
        schema = contents.schemas.get(channel.schema_id)
        name = schema.name if schema else ""
        seen.append(f"{channel.topic} ({name or 'no schema'}, {channel.message_encoding})")
        table = contents.index.tables.get(channel_id)
        if table is None or channel.message_encoding != "protobuf":
            continue
        try:
            data = messages.message(table[0], channel_id).data
            if name == CALIBRATION and intrinsics is None:
                intrinsics = intrinsics_of(data)
            elif name in (COMPRESSED, RAW):
                kind = kind_of(name, data)
                found.setdefault(kind, Stream(channel_id, name, table))
                first.setdefault(kind, data)
        except (DamagedError, RecordingError):
            continue
    if "color" not in found or "depth" not in found:
        lacks = " and ".join(kind for kind in ("color", "depth") if kind not in found).replace("color", "colour")
        raise RecordingError(
            f"{path} has no {lacks} pictures that rgbd-seg can read (foxglove.CompressedImage or foxglove.RawImage in "
            f"protobuf); it holds: {', '.join(seen[:12]) or 'nothing'}"
        )
    warnings = []
    try:
        height, width = color_picture(found["color"].schema, first["color"]).shape[:2]
    except RecordingError as error:
        raise RecordingError(f"{path} cannot be read: {error}") from None
    if intrinsics is None or (intrinsics.width, intrinsics.height) != (width, height):
        warnings.append("The file has no calibration for its colour: a field of view of 60 degrees is assumed.")
        half = math.tan(_ASSUMED_FIELD_OF_VIEW_RAD / 2)
        vertical = 2 * math.atan(half * height / width)
        intrinsics = Intrinsics.from_field_of_view(width, height, _ASSUMED_FIELD_OF_VIEW_RAD, vertical)
        origin: Origin = "assumed"
    else:
        origin = "file"
    depth_size = _depth_size(found["depth"].schema, first["depth"])
    registered = depth_size in (None, (width, height))
    assumed = "depth is taken to be in millimetres and registered to colour."
    if depth_size is not None and not registered:
        assumed = (
            f"depth is taken to be in millimetres; it has {depth_size[0]}x{depth_size[1]} pixels, is stretched over "
            f"the {width}x{height} of colour, and counts as not registered."
        )
    warnings.append(f"Written by another program: {assumed}")
    calibration = Calibration(intrinsics, 0.001, registered, origin)
    color_rows, depth_rows = nearest_pairs(found["color"].places[:, 0], found["depth"].places[:, 0])
    if not len(color_rows):
        raise RecordingError(f"{path} has no colour and depth pictures that were taken at the same time")
    color_stream = replace(found["color"], places=found["color"].places[color_rows])
    depth_stream = replace(found["depth"], places=found["depth"].places[depth_rows])
    times = depth_stream.places[:, 0]
    return Streams(times, color_stream, depth_stream, None, (), None, calibration, tuple(warnings))


def _depth_size(schema: str, data: memoryview) -> tuple[int, int] | None:
    """Width and height of a depth picture; None if it is damaged, which is told where its frame is read."""
    try:
        height, width = depth_picture(schema, data).shape
    except RecordingError:
        return None
    return width, height


def nearest_pairs(color: NDArray[np.int64], depth: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of colour and depth that belong together: nearest in time, within half of colour's usual interval.

    Args:
        color: (N,) nanoseconds, never decreasing.
        depth: (M,) nanoseconds, never decreasing.

    Returns:
        Two (K,) arrays of rows, one for each depth picture that has a colour picture.
    """
    after = np.clip(np.searchsorted(color, depth), 0, len(color) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(np.abs(color[before] - depth) <= np.abs(color[after] - depth), before, after)
    interval = float(np.median(np.diff(color))) if len(color) > 1 else 1e8
    close = np.abs(color[nearest] - depth) <= max(interval / 2, 1e6)
    return nearest[close], np.flatnonzero(close)
