"""Reads MCAP recordings frame by frame: our own here, those of other programs by `recording.messages`.

Memory holds the places of the frames (tens of bytes each) and a few unpacked chunks, however long the file is.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import RecordingError
from rgbd_seg.frame import Prediction, Truth
from rgbd_seg.recording.layouts.mcap_pictures import color_picture, depth_picture, id_picture
from rgbd_seg.recording.mcap import format as layout
from rgbd_seg.recording.mcap.chunks import ChunkCache
from rgbd_seg.recording.mcap.contents import McapContents
from rgbd_seg.recording.mcap.format import noted_registered, noted_unit_m
from rgbd_seg.recording.mcap.input import McapInput
from rgbd_seg.recording.mcap.opening import read_contents
from rgbd_seg.recording.mcap.output import MAGIC
from rgbd_seg.recording.mcap.streams import LabelStream, Stream, find_streams, is_own
from rgbd_seg.recording.messages.foxglove import read_protobuf
from rgbd_seg.recording.messages.mcap_store import McapStore
from rgbd_seg.recording.messages.message import Camera, intrinsics_of
from rgbd_seg.recording.messages.options import MessageOptions
from rgbd_seg.recording.messages.reader import MessageReader
from rgbd_seg.recording.pictures.pair_reader import flag_option, number_option, refuse_unknown
from rgbd_seg.recording.reader import Gap, RecordingInfo, RecordingReader, StoredFrame

_MAX_GAPS = 10_000
# What is left of a calibration whose notes a tool has taken out; the depth channel may still name its unit.
_LOST: dict[str, Any] = {"origin": "file", "unit_origin": "assumed", "registration_origin": "assumed"}


def matches(path: Path) -> bool:
    """Whether the file is called .mcap or begins like one."""
    if not path.is_file():
        return False
    if path.suffix.lower() == ".mcap":
        return True
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def open_reader(path: Path, **options: str) -> RecordingReader:
    """Opens an MCAP recording.

    Args:
        path: The file.
        options: `depth_unit_m` and `registered`, which for our own recordings overrule what they say themselves; of
            other programs' also `color`, `depth` and `calibration` (topics) and `invalid_depth`.

    Raises:
        ConfigurationError: An option is unknown or out of its range.
        RecordingError: Nothing in it can be read.
    """
    source = McapInput(path)
    try:
        contents = read_contents(source)
        if not is_own(contents):
            given = MessageOptions.parse(options)
            return MessageReader(McapStore(path, source, contents, ChunkCache(source)), "mcap", given)
    except BaseException:
        source.close()
        raise
    source.close()
    refuse_unknown(options, ("depth_unit_m", "registered"))
    unit_m, registered = number_option(options, "depth_unit_m", 1e-7, 1.0), flag_option(options, "registered")
    return McapReader(path, depth_unit_m=unit_m, registered=registered)


class McapReader(RecordingReader):
    """Random access to the frames of an MCAP file. Used from one thread."""

    def __init__(
        self,
        path: Path,
        progress: Callable[[float], None] | None = None,
        *,
        depth_unit_m: float | None = None,
        registered: bool | None = None,
    ) -> None:
        """Opens the file by its index; a file without a whole one is looked through.

        Args:
            path: The file.
            progress: Is called with the part done, 0..1, if the whole file must be looked through.
            depth_unit_m: Metres per count, if a person knows better than the file.
            registered: Whether depth is registered to colour, if a person knows better.

        Raises:
            RecordingError: Nothing in it can be read, or it holds no frames.
        """
        self._times_us: NDArray[np.int64]
        self._known: dict[Calibration, Calibration] = {}
        self._told: dict[str, Any] = {}
        if depth_unit_m is not None:
            self._told |= {"depth_unit_m": depth_unit_m, "unit_origin": "user"}
        if registered is not None:
            self._told |= {"registered": registered, "registration_origin": "user"}
        self._source = McapInput(path)
        try:
            self.contents: McapContents = read_contents(self._source, progress)
            self._cache = ChunkCache(self._source)
            self._streams = find_streams(path, self.contents)
            self._times_us = (self._streams.times_ns - self._streams.times_ns[0]) // 1000
            self._times_us.flags.writeable = False
            self._offset_ns = self._find_offset()
            self._info = self._describe(path)
        except BaseException:
            self._source.close()
            raise

    @property
    def start_ns(self) -> int:
        """When the first frame was recorded, nanoseconds since 1970."""
        return int(self._streams.times_ns[0])

    @property
    def epoch_offset_ns(self) -> int | None:
        """As the file's notes say it; None where they are lost, or frames do not bear it out."""
        return self._offset_ns

    @property
    def streams(self) -> tuple[tuple[str, str, int], ...]:
        """Topic, kind of message and number of messages of every channel in the file."""
        contents = self.contents
        return tuple(
            (
                channel.topic,
                schema.name if (schema := contents.schemas.get(channel.schema_id)) else channel.message_encoding,
                len(contents.index.tables.get(channel_id, ())),
            )
            for channel_id, channel in sorted(contents.channels.items())
        )

    def close(self) -> None:
        self._source.close()

    def decode(self, position: int) -> StoredFrame:
        streams = self._streams
        message = self._cache.message(streams.frame.places[position], *streams.frame.channel_ids)
        fields = parsed_json(message.data)
        color_at, depth_at = streams.color, streams.depth
        color_message = self._cache.message(color_at.places[position], *color_at.channel_ids)
        color = color_picture(color_at.schema, color_message.data)
        depth_message = self._cache.message(depth_at.places[position], *depth_at.channel_ids)
        depth = depth_picture(depth_at.schema, depth_message.data)
        if isinstance(fields.get("calibration"), dict):
            calibration = Calibration.from_dict(fields["calibration"])
        else:
            calibration = self._calibration(position, depth_message.channel_id)
        if self._told:
            calibration = self._steady(replace(calibration, **self._told))
        size = (calibration.color.height, calibration.color.width)
        if color.shape[:2] != size:
            raise RecordingError(f"its colour has {color.shape[1]}x{color.shape[0]} pixels, not {size[1]}x{size[0]}")
        if depth.shape != size:
            raise RecordingError(f"its depth has {depth.shape[1]}x{depth.shape[0]} pixels, not {size[1]}x{size[0]}")
        index, device_us = fields.get("index", position), fields.get("device_us")
        if streams.is_joined:
            index = position
        host_ns = fields.get("host_ns")
        return StoredFrame(
            color=color,
            depth=depth,
            calibration=calibration,
            index=index if isinstance(index, int) else position,
            time_us=int(self._times_us[position]),
            device_us=device_us if isinstance(device_us, int) else None,
            truth=self._truth(int(streams.times_ns[position]), size),
            prediction=self._prediction(int(streams.times_ns[position]), size),
            host_ns=host_ns if isinstance(host_ns, int) and self._offset_ns is not None else None,
        )

    def _find_offset(self) -> int | None:
        if self._streams.is_joined:  # Each part has an offset of its own.
            return None
        try:
            return int(self.contents.metadata.get(layout.METADATA, {})["epoch_offset_ns"])
        except (KeyError, ValueError):
            return None

    def _calibration(self, position: int, depth_channel: int) -> Calibration:
        """The file's calibration; where a tool has rewritten the file, by the messages before this frame.

        Raises:
            RecordingError: It has been lost.
        """
        streams = self._streams
        calibration = streams.calibration
        if streams.cameras is not None and len(streams.cameras.places):
            row = int(np.searchsorted(streams.cameras.places[:, 0], streams.times_ns[position], side="right")) - 1
            color = self._camera(max(row, 0), streams.cameras)
            calibration = replace(calibration, color=color) if calibration else Calibration(color, **_LOST)
        if calibration is None:
            raise RecordingError("the file has lost its calibration")
        told = self.contents.channels[depth_channel].metadata
        unit_m, registered = noted_unit_m(told), noted_registered(told)
        if unit_m is not None and streams.cameras is not None:
            calibration = replace(calibration, depth_unit_m=unit_m, unit_origin="file")
        if registered is not None and streams.cameras is not None:
            calibration = replace(calibration, registered=registered, registration_origin="file")
        return self._steady(calibration)

    def _steady(self, calibration: Calibration) -> Calibration:
        """One object for all frames of a camera, so that whoever compares by identity sees no change."""
        return self._known.setdefault(calibration, calibration)

    def _camera(self, row: int, cameras: Stream) -> Intrinsics:
        message = self._cache.message(cameras.places[row], *cameras.channel_ids)
        found = read_protobuf(cameras.schema, message.data)
        if not isinstance(found, Camera) or not (found.width and found.height):
            raise RecordingError("a calibration in the file is damaged")
        return intrinsics_of(found, found.width, found.height)[0]

    def _truth(self, time_ns: int, size: tuple[int, int]) -> Truth | None:
        for stream in self._streams.truths:
            labels = self._ids(stream, time_ns, np.uint8)
            if labels is None or labels.shape != size:
                continue
            instances = None
            if self._streams.instances is not None:
                instances = self._ids(self._streams.instances, time_ns, np.uint16)
            if instances is not None and instances.shape != size:
                instances = None
            return Truth(labels, stream.label_set, instances, stream.origin)
        return None

    def _prediction(self, time_ns: int, size: tuple[int, int]) -> Prediction | None:
        for stream in self._streams.predictions:
            labels = self._ids(stream, time_ns, np.uint8)
            if labels is not None and labels.shape == size:
                maker = stream.maker
                return Prediction(labels, stream.label_set, maker.model, maker.sha256, maker.how)
        return None

    def _ids(
        self, stream: LabelStream | Stream, time_ns: int, dtype: type[np.uint8 | np.uint16]
    ) -> NDArray[Any] | None:
        row = int(np.searchsorted(stream.places[:, 0], time_ns))
        if row == len(stream.places) or stream.places[row, 0] != time_ns:
            return None
        return id_picture(self._cache.message(stream.places[row], *stream.channel_ids).data, dtype)

    def _describe(self, path: Path) -> RecordingInfo:
        metadata = self.contents.metadata
        own = dict(metadata.get(layout.METADATA, {}))
        details = dict(metadata.get(layout.METADATA_DETAILS, {}))
        details |= {key: own[key] for key in ("program", "started") if key in own}
        for name in ("model", "model_sha256"):  # Older versions copied them here; they belong to their labels.
            details.pop(name, None)
        truth = self._streams.truths[0] if self._streams.truths else None
        labels = (*self._streams.truths, *self._streams.predictions)
        return RecordingInfo(
            path=path,
            layout="mcap",
            name=own.get("name") or path.stem,
            label_set=labels[0].label_set if labels else None,
            truth_origin=truth.origin if truth else None,
            predictions=tuple(str(stream.maker) for stream in self._streams.predictions),
            details={key: value for key, value in details.items() if value},
            is_counted=not self._streams.is_joined,
            warnings=self.contents.warnings + self._streams.warnings,
            gaps=self.contents.index.gaps if self.contents.has_gap_list else self._read_gaps(),
        )

    def _read_gaps(self) -> tuple[Gap, ...]:
        """The gaps of a file without a list of them: its gap messages, and the holes that were found in it."""
        gaps = [*self._gaps_at_holes()]
        for channel_id, channel in self.contents.channels.items():
            if channel.topic != layout.TOPIC_GAP:
                continue
            for place in self.contents.index.tables.get(channel_id, ())[:_MAX_GAPS]:
                try:
                    gaps.append(layout.gap_from_dict(parsed_json(self._cache.message(place, channel_id).data)))
                except (RecordingError, ValueError):
                    continue  # The scan has already counted these bytes as unreadable.
        return tuple(sorted(gaps, key=lambda gap: gap.after))

    def _gaps_at_holes(self) -> Iterator[Gap]:
        """What is missing where the file cannot be read, by the indices of the frames on both sides."""
        streams = self._streams
        chunks = streams.frame.places[:, 1]
        for hole in self.contents.holes[:_MAX_GAPS]:
            after = int(np.searchsorted(chunks, hole)) - 1
            if after + 1 == len(chunks):
                continue
            seconds = float(streams.times_ns[after + 1] - streams.times_ns[max(after, 0)]) / 1e9
            missing = 0
            with contextlib.suppress(RecordingError):
                missing = self._capture_index(after + 1) - self._capture_index(after) - 1 if after >= 0 else 0
            yield Gap(after, max(missing, 0), seconds, "unreadable")

    def _capture_index(self, position: int) -> int:
        """The running number of a frame at its capture."""
        stream = self._streams.frame
        return self._cache.message(stream.places[position], *stream.channel_ids).sequence


def parsed_json(data: memoryview) -> dict[str, Any]:
    """A JSON object.

    Raises:
        RecordingError: It is none.
    """
    try:
        fields = json.loads(bytes(data))
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"a message is damaged: {error}") from None
    if not isinstance(fields, dict):
        raise RecordingError("a message is damaged: it is no JSON object")
    return fields
