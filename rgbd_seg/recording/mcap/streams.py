"""Which channels of an MCAP file are colour, depth and labels, and which of their messages make a frame."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.frame import TRUTH_ORIGINS
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.label_provenance import Maker
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
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from rgbd_seg.calibration import Origin
    from rgbd_seg.frame import TruthOrigin
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
    places: NDArray[np.int64]
    label_set: LabelSet


@dataclass(frozen=True, slots=True, eq=False)
class TruthStream(LabelStream):
    """Labels that may be scored against; see `Truth`."""

    origin: TruthOrigin = "source"


@dataclass(frozen=True, slots=True, eq=False)
class PredictionStream(LabelStream):
    """Labels of one model; see `Prediction`."""

    maker: Maker = field(default_factory=Maker)


@dataclass(frozen=True, slots=True, eq=False)
class Streams:
    """All that makes frames out of messages.

    Attributes:
        times_ns: (N,) int64, nanoseconds since 1970.
        color: Colour of the N frames.
        depth: Depth of the N frames.
        frame: Clocks and indices of the N frames; None in files of other programs.
        truths: Labels to score against.
        predictions: What models saw, newest channel first: where several saw a frame, the first one here is taken.
        instances: Instance ids that belong to exact labels; joined by equal times, like the labels.
        calibration: What holds for frames that do not bring their own.
        warnings: What had to be assumed, in whole sentences.
    """

    times_ns: NDArray[np.int64]
    color: Stream
    depth: Stream
    frame: Stream | None
    truths: tuple[TruthStream, ...]
    predictions: tuple[PredictionStream, ...]
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
    truths, predictions, warnings = _label_streams(path, contents, by_topic)
    instances = None
    for channel_id in by_topic.get(layout.TOPIC_INSTANCES, ()):
        if channel_id in tables:
            instances = Stream(channel_id, RAW, tables[channel_id])
    return Streams(times, color, depth, frame, truths, predictions, instances, calibration, warnings)


def _label_streams(
    path: Path, contents: McapContents, by_topic: Mapping[str, list[int]]
) -> tuple[tuple[TruthStream, ...], tuple[PredictionStream, ...], tuple[str, ...]]:
    """The truth, what models saw, and sentences about labels that are not what their topic says."""
    truths: list[TruthStream] = []
    predictions: list[PredictionStream] = []
    warnings: list[str] = []
    # A conversion once wrote what a model had seen as truth; the model is then named in the details, if anywhere.
    details = contents.metadata.get(layout.METADATA_DETAILS, {})
    for topic in (layout.TOPIC_TRUTH, layout.TOPIC_SEGMENTATION):
        for channel_id in by_topic.get(topic, ()):
            places = contents.index.tables.get(channel_id)
            if places is None:
                continue
            values = contents.channels[channel_id].metadata
            try:
                label_set = LabelSet.from_dict(json.loads(values.get("label_set", "")), str(path))
            except (ConfigurationError, ValueError, RecursionError):
                warnings.append(f"The labels on {topic} are left out: what they mean has been lost.")
                continue
            origin = values.get("origin", "")
            if topic == layout.TOPIC_TRUTH and origin in TRUTH_ORIGINS and "model" not in values:
                truths.append(TruthStream(channel_id, places, label_set, origin))
            elif topic == layout.TOPIC_TRUTH and not values.get("model") and not details.get("model"):
                truths.append(TruthStream(channel_id, places, label_set))
            else:
                source = values if "model" in values or topic == layout.TOPIC_SEGMENTATION else details
                maker = Maker(source.get("model", ""), source.get("model_sha256", ""), values.get("made", ""))
                predictions.insert(0, PredictionStream(channel_id, places, label_set, maker))
                if topic == layout.TOPIC_TRUTH:
                    warnings.append(
                        f"The labels on {topic} were written by an older version that took predictions for truth: they "
                        f"are shown as what {maker.model or 'a model'} saw, and nothing is scored against them."
                    )
    seen: NDArray[np.int64] = np.empty(0, np.int64)
    for stream in predictions:
        twice = np.intersect1d(seen, stream.places[:, 0])
        if twice.size:
            warnings.append(
                f"{twice.size} frames have labels of more than one model: the newest are shown, not those of "
                f"{stream.maker}."
            )
        seen = np.union1d(seen, stream.places[:, 0])
    return tuple(truths), tuple(predictions), tuple(warnings)


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
    return Streams(times, color_stream, depth_stream, None, (), (), None, calibration, tuple(warnings))


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
