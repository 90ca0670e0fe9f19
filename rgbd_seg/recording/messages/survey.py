"""Looks at the first messages of every channel: which are pictures, of what kind, and which describe cameras."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.messages import realsense
from rgbd_seg.recording.messages.choice import CameraStream, PictureStream
from rgbd_seg.recording.messages.message import Camera, Picture, Transform
from rgbd_seg.recording.messages.realsense import RealSense
from rgbd_seg.recording.messages.store import MessageStore, StoredChannel, Topic
from rgbd_seg.recording.messages.video import VideoTrack

# The first message may be damaged or empty; ten are not.
_TRIED = 10
_MAX_CHANNELS = 2000
_MAX_TRANSFORMS = 500
_PICTURE_WORDS = ("image", "video", "picture", "ffmpegpacket")


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What a store holds.

    Attributes:
        topics: By name; of several kinds on one topic the readable one with the most messages.
        pictures: The topics of pictures, by name.
        cameras: The topics of calibrations, by name.
        transforms: Where frames are in each other.
        unknown: Topics of pictures that cannot be read, each with its kind.
        others: All other topics, each with its kind.
        vendor: What librealsense says besides, None where it did not write the file.
    """

    topics: dict[str, Topic]
    pictures: tuple[PictureStream, ...]
    cameras: tuple[CameraStream, ...]
    transforms: tuple[Transform, ...]
    unknown: tuple[str, ...]
    others: tuple[str, ...]
    vendor: RealSense | None = None


def survey(store: MessageStore) -> Survey:
    """Looks through a store's channels.

    Raises:
        RecordingError: It has more channels than any recording.
    """
    if len(store.channels) > _MAX_CHANNELS:
        raise RecordingError(f"{store.path} has {len(store.channels)} channels, which is too much for a recording")
    topics = _topics(store)
    pictures: list[PictureStream] = []
    cameras: list[CameraStream] = []
    transforms: list[Transform] = []
    unknown: list[str] = []
    others: list[str] = []
    for name, topic in sorted(topics.items()):
        kind = f"{name} ({topic.channel.kind})"
        if not topic.channel.is_known:
            is_picture = any(word in topic.channel.schema.lower() for word in _PICTURE_WORDS)
            (unknown if is_picture else others).append(kind)
            continue
        first = _first(store, topic)
        if isinstance(first, Picture):
            pictures.append(_stream(store, name, topic, first))
        elif isinstance(first, Camera):
            cameras.append(CameraStream(name, first))
        elif isinstance(first, tuple):
            transforms += _transforms(store, topic)
        elif len(topic.places) and any(word in topic.channel.schema.lower() for word in _PICTURE_WORDS):
            pictures.append(PictureStream(name, "unknown", "no message can be read", "", None, len(topic.places)))
        else:
            others.append(f"{kind}, no message of which can be read" if len(topic.places) else f"{kind}, empty")
    vendor: RealSense | None = None
    if any(map(realsense.is_topic, topics)):
        vendor, named, calibrations, places = realsense.adapt(store, topics, pictures, cameras)
        pictures, cameras, transforms = list(named), list(calibrations), [*transforms, *places]
        others = [other for other in others if not realsense.is_topic(other.split(" ")[0])]
    return Survey(topics, tuple(pictures), tuple(cameras), tuple(transforms), tuple(unknown), tuple(others), vendor)


def video_of(store: MessageStore, topic: Topic) -> VideoTrack:
    """The pictures of a topic that are video.

    Raises:
        RecordingError: They cannot be decoded; the message says what is missing.
    """

    def packet(row: int) -> tuple[str, bytes]:
        place = topic.places[row]
        found = topic.channel.read(store.message(int(place[3]), place[:3]))
        if not isinstance(found, Picture):
            raise RecordingError("a message is no picture")
        return found.format, bytes(found.packed)

    return VideoTrack(packet, len(topic.places))


def _stream(store: MessageStore, name: str, topic: Topic, first: Picture) -> PictureStream:
    role, encoding, size = first.role, first.encoding, None
    if first.video:
        encoding = f"{first.video} video"
        try:
            video = video_of(store, topic)
            pixels = video.color(video.first)
            size = pixels.shape[1], pixels.shape[0]
        except RecordingError as error:
            role, encoding = "unknown", f"{encoding}: {error}"
    else:
        size = _size(first)
    return PictureStream(name, role, encoding, first.frame_id, size, len(topic.places))


def _topics(store: MessageStore) -> dict[str, Topic]:
    parts: dict[tuple[str, str, str], list[NDArray[np.int64]]] = {}
    channels: dict[tuple[str, str, str], StoredChannel] = {}
    for number, channel in store.channels.items():
        table = store.tables.get(number, np.zeros((0, 3), np.int64))
        key = (channel.topic, channel.schema, channel.encoding)
        channels.setdefault(key, channel)
        parts.setdefault(key, []).append(np.column_stack([table, np.full(len(table), number, np.int64)]))
    topics: dict[str, Topic] = {}
    for key, tables in parts.items():
        places = np.concatenate(tables)
        if len(tables) > 1:
            places = places[np.argsort(places[:, 0], kind="stable")]
        there = topics.get(key[0])
        rank = (channels[key].is_known, len(places))
        if there is None or rank > (there.channel.is_known, len(there.places)):
            topics[key[0]] = Topic(channels[key], places)
    return topics


def _first(store: MessageStore, topic: Topic) -> Picture | Camera | tuple[Transform, ...] | None:
    """The first message that can be read and, if it is a picture, has something in it."""
    for place in topic.places[:_TRIED]:
        try:
            found = topic.channel.read(store.message(int(place[3]), place[:3]))
        except RecordingError:
            continue
        if not isinstance(found, Picture) or found.raw is not None or len(found.packed):
            return found
    return None


def _size(picture: Picture) -> tuple[int, int] | None:
    """Width and height; None if the picture cannot be decoded, which is told where its frame is read."""
    if picture.raw is not None:
        return picture.raw.width, picture.raw.height
    try:
        pixels = picture.depth() if picture.role in ("depth", "gray16") else picture.color()
    except RecordingError:
        return None
    return pixels.shape[1], pixels.shape[0]


def _transforms(store: MessageStore, topic: Topic) -> list[Transform]:
    found: list[Transform] = []
    for place in topic.places[:_MAX_TRANSFORMS]:
        try:
            message = topic.channel.read(store.message(int(place[3]), place[:3]))
        except RecordingError:
            continue
        if isinstance(message, tuple):
            found += message
    return found
