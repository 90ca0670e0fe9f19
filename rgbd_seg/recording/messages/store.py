"""Where messages lie: the one shape of MCAP files, rosbag2's databases and ROS 1 bags for whoever reads pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.messages import foxglove, ros
from rgbd_seg.recording.messages.message import Camera, Picture, Transform


@dataclass(frozen=True, slots=True)
class StoredChannel:
    """One series of messages of a kind.

    Attributes:
        topic: Its name.
        schema: Type of its messages, such as `sensor_msgs/msg/Image`; "" where the file does not say.
        encoding: How they are serialised: "cdr", "ros1", "protobuf", "json", ...
        metadata: What else its writer noted.
    """

    topic: str
    schema: str
    encoding: str
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        """Whether its messages can be read."""
        if self.encoding in ("cdr", "ros1"):
            return ros.knows(self.schema)
        return self.encoding in ("protobuf", "json") and foxglove.knows(self.schema)

    @property
    def kind(self) -> str:
        """For people: the type of its messages and how they are serialised."""
        return f"{self.schema or 'no schema'}, {self.encoding or 'unknown encoding'}"

    def read(self, data: bytes | memoryview) -> Picture | Camera | tuple[Transform, ...]:
        """One of its messages.

        Raises:
            RecordingError: It is damaged, or of a kind that is not known.
        """
        if not self.is_known:
            raise RecordingError(f"messages on {self.topic} ({self.kind}) cannot be read")
        if self.encoding == "protobuf":
            return foxglove.read_protobuf(self.schema, data)
        if self.encoding == "json":
            return foxglove.read_json(self.schema, data)
        return ros.read_message(self.schema, data, ros1=self.encoding == "ros1")

    def read_stamp(self, data: bytes | memoryview) -> int | None:
        """When the picture in one of its messages was taken, or None; the message's first bytes may be enough.

        Raises:
            RecordingError: It is damaged.
        """
        if self.encoding == "protobuf":
            return foxglove.read_protobuf_stamp(self.schema, data)
        if self.encoding == "json":
            found = self.read(data)
            return found.stamp_ns if isinstance(found, Picture) else None
        return ros.read_stamp(self.schema, data, ros1=self.encoding == "ros1")


class MessageStore(Protocol):
    """A file or folder of messages, read at random.

    Attributes:
        path: The file or folder.
        channels: By number.
        tables: For each channel (N, 3) int64: log time in nanoseconds and two numbers that find the message; in the
            order of time.
        warnings: What was wrong with the file, in whole sentences.
        slow: Whether even the first bytes of a message cost unpacking megabytes slowly.
    """

    path: Path
    channels: dict[int, StoredChannel]
    tables: dict[int, NDArray[np.int64]]
    warnings: tuple[str, ...]

    @property
    def slow(self) -> bool: ...

    def message(self, channel_id: int, place: NDArray[np.int64]) -> bytes | memoryview:
        """The message at a row of a table.

        Raises:
            RecordingError: It cannot be read.
        """

    def head(self, channel_id: int, place: NDArray[np.int64]) -> bytes | memoryview:
        """The same, or its first few dozen bytes where those are much cheaper.

        Raises:
            RecordingError: It cannot be read.
        """

    def close(self) -> None:
        """Frees files. Closing twice does nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Topic:
    """All messages of one topic and kind, also where several channels carry them.

    Attributes:
        channel: The first of its channels.
        places: (N, 4) int64: log time, two numbers that find the message, channel; in the order of time.
    """

    channel: StoredChannel
    places: NDArray[np.int64]
