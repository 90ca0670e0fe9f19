"""Which channels of an MCAP file are colour, depth and labels, and which of their messages make a frame."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.calibration import Calibration
from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.frame import TRUTH_ORIGINS
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.label_provenance import Maker
from rgbd_seg.recording.mcap import format as layout
from rgbd_seg.recording.mcap.format import AGAIN, noted_registered, noted_unit_m

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from rgbd_seg.frame import TruthOrigin
    from rgbd_seg.recording.mcap.contents import McapContents


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """One topic, one row of `places` for each frame (see `MessageIndex.tables`); several channels may carry it."""

    channel_ids: tuple[int, ...]
    schema: str
    places: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class LabelStream:
    """A channel of label maps; not every frame has one. Joined by equal times."""

    channel_ids: tuple[int, ...]
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
        frame: Clocks and indices of the N frames.
        truths: Labels to score against.
        predictions: What models saw, newest channel first: where several saw a frame, the first one here is taken.
        instances: Instance ids that belong to exact labels; joined by equal times, like the labels.
        cameras: What the file says of cameras, by time; to be looked at where a tool has rewritten the file.
        calibration: What holds for frames that do not bring their own; None where it has been lost.
        is_joined: Whether several recordings were put into this file.
        warnings: What had to be assumed, in whole sentences.
    """

    times_ns: NDArray[np.int64]
    color: Stream
    depth: Stream
    frame: Stream
    truths: tuple[TruthStream, ...]
    predictions: tuple[PredictionStream, ...]
    instances: Stream | None
    cameras: Stream | None
    calibration: Calibration | None
    is_joined: bool
    warnings: tuple[str, ...] = ()


def is_own(contents: McapContents) -> bool:
    """Whether we wrote a file, also where another tool has taken our notes out of it."""
    if layout.METADATA in contents.metadata:
        return True
    named = {contents.schemas[s].name for c in contents.channels.values() if (s := c.schema_id) in contents.schemas}
    topics = {channel.topic for channel in contents.channels.values()}
    return layout.FRAME_SCHEMA["title"] in named and layout.TOPIC_FRAME in topics


def find_streams(path: Path, contents: McapContents) -> Streams:
    """Sorts the channels of one of our files and joins their messages.

    Raises:
        RecordingError: There are no frames of colour and depth in it.
    """
    if not is_own(contents):
        raise RecordingError(f"{path} was written by another program, or has lost what rgbd-seg noted in it")
    tables = contents.index.tables
    by_topic: dict[str, list[int]] = {}
    for channel_id, channel in contents.channels.items():
        by_topic.setdefault(channel.topic, []).append(channel_id)

    def stream(topic: str) -> Stream | None:
        ids = tuple(channel_id for channel_id in by_topic.get(topic, ()) if channel_id in tables)
        if not ids:
            return None
        schema = contents.schemas.get(contents.channels[ids[0]].schema_id)
        places = np.concatenate([tables[channel_id] for channel_id in ids])
        if len(ids) > 1:
            places = places[np.argsort(places[:, 0], kind="stable")]
        return Stream(ids, schema.name if schema else "", places)

    frame, color, depth = (stream(t) for t in (layout.TOPIC_FRAME, layout.TOPIC_COLOR, layout.TOPIC_DEPTH))
    nothing = RecordingError(f"{path} holds no complete frame: it was recorded for less than a second, or damaged")
    if frame is None or color is None or depth is None:
        raise nothing
    is_joined = len(frame.channel_ids) > 1 or layout.METADATA + AGAIN in contents.metadata
    times, frame, color, depth = _with_equal_times(frame, color, depth)
    if not len(times):
        raise nothing
    calibration, lost = _calibration_of(path, contents)
    truths, predictions, warnings = _label_streams(path, contents, by_topic)
    cameras = stream(layout.TOPIC_CALIBRATION) if calibration is None or is_joined else None
    if is_joined:
        lost += (f"{path.name} holds several recordings one after the other: their frames are numbered anew.",)
    return Streams(
        times, color, depth, frame, truths, predictions, stream(layout.TOPIC_INSTANCES), cameras, calibration,
        is_joined, (*lost, *warnings),
    )  # fmt: skip


def _calibration_of(path: Path, contents: McapContents) -> tuple[Calibration | None, tuple[str, ...]]:
    """What our notes say, and a sentence where another tool has taken them out."""
    if layout.METADATA not in contents.metadata:
        depth = [c.metadata for c in contents.channels.values() if c.topic == layout.TOPIC_DEPTH]
        named = {
            "that depth counts millimetres": any(noted_unit_m(one) is None for one in depth),
            "that depth is registered to colour": any(noted_registered(one) is None for one in depth),
        }
        assumed = " and ".join(name for name, is_lost in named.items() if is_lost)
        return None, (
            f"{path.name} was rewritten by a tool that left out what rgbd-seg had noted: the camera is that of its "
            f"messages{f', and {assumed} is assumed' if assumed else ', the depth unit that of its channel'}.",
        )
    try:
        return Calibration.from_dict(json.loads(contents.metadata[layout.METADATA]["calibration"])), ()
    except (KeyError, ValueError, RecursionError) as error:
        raise RecordingError(f"{path} has lost its calibration: {error}") from None


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
                truths.append(TruthStream((channel_id,), places, label_set, origin))
            elif topic == layout.TOPIC_TRUTH and not values.get("model") and not details.get("model"):
                truths.append(TruthStream((channel_id,), places, label_set))
            else:
                source = values if "model" in values or topic == layout.TOPIC_SEGMENTATION else details
                maker = Maker(source.get("model", ""), source.get("model_sha256", ""), values.get("made", ""))
                predictions.insert(0, PredictionStream((channel_id,), places, label_set, maker))
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
