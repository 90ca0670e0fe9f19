"""Writes frames into one of our MCAP files, a chunk at a time, so that a crash costs less than a second."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.RawImage_pb2 import RawImage

from rgbd_seg.calibration import Calibration
from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.frame import Prediction, RgbdFrame, Segmentation, Truth
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.mcap import format as layout
from rgbd_seg.recording.mcap.message_index import MessageIndexBuilder
from rgbd_seg.recording.mcap.output import Buffer, Compression, McapOutput
from rgbd_seg.recording.pictures.codec import encode_color, encode_indexed
from rgbd_seg.recording.reader import Gap
from rgbd_seg.recording.silence import SilenceWatch
from rgbd_seg.version import __version__

# A segmentation is written with the frame it belongs to only if that frame was among the last so many.
_REMEMBERED_FRAMES = 1024


@dataclass(frozen=True, slots=True)
class WriterOptions:
    """How a recording is written.

    Attributes:
        color: "jpeg", or "png" for a lossless picture (larger and slower).
        jpeg_quality: 1..100.
        compression: Of the chunks, which is what packs depth: "zstd" (small), "lz4" (fast) or "none".
        chunk_bytes: A chunk is written when it holds so many uncompressed bytes...
        flush_s: ... or when its first message is so many seconds old.
        sync_s: The disk itself is asked to keep everything at least this often; None leaves that to the system.
        epoch_offset_ns: Added to `RgbdFrame.host_ns` to get nanoseconds since 1970; None: what the clocks say now.
    """

    color: Literal["jpeg", "png"] = "jpeg"
    jpeg_quality: int = 95
    compression: Compression = "zstd"
    chunk_bytes: int = 4 * 1024 * 1024
    flush_s: float = 0.5
    sync_s: float | None = 1.0
    epoch_offset_ns: int | None = None

    def __post_init__(self) -> None:
        if self.color not in ("jpeg", "png"):
            raise ConfigurationError(f"colour is recorded as jpeg or png, not {self.color!r}")
        if not 1 <= self.jpeg_quality <= 100:
            raise ConfigurationError(f"the JPEG quality must be 1..100, not {self.jpeg_quality}")
        if self.compression not in ("zstd", "lz4", "none"):
            raise ConfigurationError(f"the compression must be zstd, lz4 or none, not {self.compression!r}")
        if not 1 <= self.chunk_bytes <= 64 * 1024 * 1024:
            raise ConfigurationError(f"a chunk must have 1 byte to 64 MiB, not {self.chunk_bytes}")
        if not 0 <= self.flush_s <= 60:
            raise ConfigurationError(f"chunks are written after 0 to 60 s, not {self.flush_s}")


class RecordingWriter:
    """One recording being written. Used from one thread; `rgbd_seg.pipeline.recorder` gives it its own.

    Attributes:
        hurry: Set while frames come faster than they can be written: chunks are then packed less, in half the time.
    """

    def __init__(
        self,
        path: str | Path,
        calibration: Calibration,
        *,
        name: str = "",
        details: Mapping[str, str] | None = None,
        started: str = "",
        options: WriterOptions | None = None,
    ) -> None:
        """Creates the file; it never overwrites one.

        Args:
            path: Where.
            calibration: Of the stream. Frames that carry another one keep theirs.
            name: What people call the source, such as "Intel RealSense D435".
            details: Serial, URI, stream mode, settings and the like, as plain text.
            started: When it was started, as text, where it is a copy of another recording; "" for now.
            options: How it is written.

        Raises:
            RecordingError: The file exists, or cannot be created.
        """
        self.path = Path(path)
        self._options = options or WriterOptions()
        self._calibration = calibration
        offset_ns = self._options.epoch_offset_ns
        self._epoch_offset_ns = time.time_ns() - time.monotonic_ns() if offset_ns is None else offset_ns
        self._index = MessageIndexBuilder()
        self._frames = 0
        self._last: tuple[int, int] | None = None  # Index and log time of the last frame.
        # Both as of the last chunk that the system took: what is left if the next one cannot be written.
        self._safe: tuple[int, tuple[int, int] | None] = (0, None)
        self._first_ns = 0
        self._gap_reasons: list[str] = []
        self._silence = SilenceWatch()
        self._gap_seconds, self._gap_frames = 0.0, 0
        self._recent: dict[tuple[int, int], int] = {}  # (index, host_ns) -> log time, oldest first.
        self._calibration_is_due = True
        self._synced = time.monotonic()
        self._label_channels: dict[tuple[str, LabelSet, tuple[tuple[str, str], ...]], int] = {}
        self._picture_channels: dict[str, int] = {}  # By the topic of the ids.
        self._instances_channel: int | None = None
        self._closed = False
        self.hurry = False
        library = f"rgbd-seg {__version__}"
        self._output = McapOutput(self.path, compression=self._options.compression, library=library)
        try:
            self._write_head(name, details or {}, started, library)
            self._output.sync()
        except BaseException:
            self._output.close()
            raise

    @property
    def frames(self) -> int:
        """Frames written so far; after a chunk could not be written, those that are in the file."""
        return self._frames

    @property
    def bytes_written(self) -> int:
        return self._output.size

    @property
    def duration_s(self) -> float:
        """From the first frame to the last."""
        return (self._last[1] - self._first_ns) / 1e9 if self._last else 0.0

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The gaps so far, in order."""
        return tuple(self._index.gaps)

    @property
    def is_deleted(self) -> bool:
        """Whether somebody removed the file while it was being written."""
        return self._output.is_deleted

    def write(self, frame: RgbdFrame, segmentation: Segmentation | None = None) -> None:
        """Appends a frame; one that jumps in `index` leaves a gap in the log by itself.

        Args:
            frame: The frame; its truth, if it has one, is recorded too.
            segmentation: What a model saw in it, in place of the frame's own prediction; None keeps that.

        Raises:
            RecordingError: The disk is full or gone. What was written before can be read.
        """
        truth, instances = frame.truth, None
        if truth is not None:
            # First: a channel that cannot be opened must not leave half a frame in the chunk.
            labels_channel = self._label_channel(layout.TOPIC_TRUTH, truth.label_set, {"origin": truth.origin})
            instances = self._instances() if truth.instances is not None else None
        time_ns = self._log_time(frame.host_ns)
        self._write_gap(frame, time_ns)
        if self._calibration_is_due:
            self._calibration_is_due = False
            data = layout.camera_calibration(frame.calibration.color, time_ns)
            self._add(self._calibration_channel, frame.index, time_ns, data)
        differs = frame.calibration is not self._calibration and frame.calibration != self._calibration
        color = encode_color(frame.color, self._options.color, self._options.jpeg_quality)
        index = frame.index
        self._add(self._frame_channel, index, time_ns, layout.frame_message(frame, with_calibration=differs))
        self._add(self._color_channel, index, time_ns, layout.compressed_image(color, self._options.color, time_ns))
        self._add(self._depth_channel, index, time_ns, *layout.raw_image(frame.depth, "16UC1", time_ns))
        if truth is not None:
            self._add_labels(labels_channel, layout.TOPIC_TRUTH, truth, index, time_ns)
            if instances is not None and truth.instances is not None:
                self._add(instances, index, time_ns, *layout.raw_image(truth.instances, "16UC1", time_ns))
        if not self._frames:
            self._first_ns = time_ns
        self._frames += 1
        self._last = (frame.index, time_ns)
        self._recent[frame.index, frame.host_ns] = time_ns
        if len(self._recent) > _REMEMBERED_FRAMES:
            del self._recent[next(iter(self._recent))]
        prediction = (segmentation.prediction if segmentation is not None else None) or frame.prediction
        if prediction is not None:
            self._write_labels(prediction, frame.index, time_ns)
        self.flush_if_due()

    def write_segmentation(self, segmentation: Segmentation) -> bool:
        """Adds what a model saw in a frame that was written earlier; the reader joins them again.

        Returns:
            False if the frame is not among the last ones written, or no model was open.
        """
        time_ns = self._recent.get((segmentation.frame.index, segmentation.frame.host_ns))
        prediction = segmentation.prediction
        if prediction is None or time_ns is None:
            return False
        self._write_labels(prediction, segmentation.frame.index, time_ns)
        self.flush_if_due()
        return True

    def mark_gap(self, reason: str, seconds: float = 0.0, frames: int = 0) -> None:
        """Explains the gap before the next frame.

        Args:
            reason: In a few words: "queue full", "camera lost", ...
            seconds: For how long, as far as the times of the frames do not tell.
            frames: How many are missing, as far as their indices do not tell.
        """
        self._gap_reasons.append(reason)
        self._gap_seconds += seconds
        self._gap_frames += frames

    def flush_if_due(self) -> None:
        """Writes the open chunk if it is large or old enough. Call it now and then while no frame comes."""
        options = self._options
        if self._output.pending_bytes >= options.chunk_bytes or self._output.pending_s >= options.flush_s:
            self.flush()

    def flush(self) -> None:
        """Writes the open chunk, and has the disk keep it if that is due.

        Raises:
            RecordingError: The disk is full or gone.
        """
        try:
            offset = self._output.flush(hurry=self.hurry)
        except RecordingError:
            self._index.forget_chunk()
            self._frames, self._last = self._safe
            self._calibration_is_due = True
            raise
        if offset is None:
            return
        self._index.place_chunk(offset)
        self._safe = (self._frames, self._last)
        self._calibration_is_due = True
        now = time.monotonic()
        if self._options.sync_s is not None and now - self._synced >= self._options.sync_s:
            self._output.sync()
            self._synced = now

    def close(self) -> None:
        """Finalises the file: the last chunk, the index, the summary. Closing twice does nothing.

        Raises:
            RecordingError: The disk is full or gone; the file can be read nevertheless, up to its last whole chunk.
        """
        if self._closed:
            return
        self._closed = True
        try:
            if self._gap_reasons and self._last:
                self._add_gap(0, 0.0, *self._last)
            self.flush()
            content = self._index.build().to_bytes(self._output.size)
            self._output.add_attachment(layout.INDEX_ATTACHMENT, layout.INDEX_MEDIA_TYPE, content)
            self._output.finish()
            self._output.sync()
        finally:
            self._output.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _write_head(self, name: str, details: Mapping[str, str], started: str, library: str) -> None:
        output = self._output
        values = {
            "format_version": str(layout.FORMAT_VERSION),
            "program": library,
            "name": name,
            "calibration": json.dumps(self._calibration.to_dict()),
            "epoch_offset_ns": str(self._epoch_offset_ns),
            "started": started or datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        output.add_metadata(layout.METADATA, values)
        output.add_metadata(layout.METADATA_DETAILS, {str(k): str(v) for k, v in details.items()})
        frame = output.add_schema("rgbd_seg.Frame", "jsonschema", layout.json_bytes(layout.FRAME_SCHEMA))
        gap = output.add_schema("rgbd_seg.Gap", "jsonschema", layout.json_bytes(layout.GAP_SCHEMA))
        color = self._color_schema = output.add_schema(
            "foxglove.CompressedImage", "protobuf", layout.protobuf_schema(CompressedImage)
        )
        self._raw_schema = output.add_schema("foxglove.RawImage", "protobuf", layout.protobuf_schema(RawImage))
        lens = output.add_schema("foxglove.CameraCalibration", "protobuf", layout.protobuf_schema(CameraCalibration))
        # Where a tool takes our metadata out, the channel still says how depth is to be read.
        told = self._calibration
        unit = {"depth_unit_m": repr(told.depth_unit_m), "registered": "true" if told.registered else "false"}
        self._frame_channel = output.add_channel(layout.TOPIC_FRAME, "json", frame, {})
        self._color_channel = output.add_channel(layout.TOPIC_COLOR, "protobuf", color, {})
        self._depth_channel = output.add_channel(layout.TOPIC_DEPTH, "protobuf", self._raw_schema, unit)
        self._calibration_channel = output.add_channel(layout.TOPIC_CALIBRATION, "protobuf", lens, {})
        self._gap_channel = output.add_channel(layout.TOPIC_GAP, "json", gap, {})

    def _add(self, channel_id: int, sequence: int, time_ns: int, *data: Buffer) -> None:
        offset = self._output.add_message(channel_id, sequence, time_ns, *data)
        self._index.add(channel_id, time_ns, offset)

    def _log_time(self, host_ns: int) -> int:
        """Nanoseconds since 1970, strictly increasing: frames are told apart, and joined with labels, by their time."""
        time_ns = max(0, host_ns + self._epoch_offset_ns)
        return max(time_ns, self._last[1] + 1) if self._last else time_ns

    def _write_gap(self, frame: RgbdFrame, time_ns: int) -> None:
        index, last_ns = self._last or (frame.index - 1, time_ns)
        jumped = max(0, frame.index - index - 1)
        silent_s = self._silence.silent_s(time_ns)
        if jumped and not self._gap_reasons:
            self.mark_gap("not delivered by the source")
        elif silent_s and not self._gap_reasons:
            self.mark_gap("nothing came from the source")
        if self._gap_reasons:
            self._add_gap(jumped, (time_ns - last_ns) / 1e9, frame.index, time_ns)

    def _add_gap(self, frames: int, seconds: float, sequence: int, time_ns: int) -> None:
        frames, seconds = max(frames, self._gap_frames), max(seconds, self._gap_seconds)
        gap = Gap(self._frames - 1, frames, seconds, ", ".join(dict.fromkeys(self._gap_reasons)))
        self._gap_reasons, self._gap_seconds, self._gap_frames = [], 0.0, 0
        self._index.gaps.append(gap)
        self._add(self._gap_channel, sequence, time_ns, layout.gap_message(gap))

    def _write_labels(self, prediction: Prediction, index: int, time_ns: int) -> None:
        who = {"model": prediction.model, "model_sha256": prediction.model_sha256, "made": prediction.made}
        channel = self._label_channel(layout.TOPIC_SEGMENTATION, prediction.label_set, who)
        self._add_labels(channel, layout.TOPIC_SEGMENTATION, prediction, index, time_ns)

    def _add_labels(self, channel: int, topic: str, labels: Prediction | Truth, index: int, time_ns: int) -> None:
        """The ids, and a picture of them for programs that know no ids."""
        self._add(channel, index, time_ns, *layout.raw_image(labels.labels, "8UC1", time_ns))
        picture = encode_indexed(labels.labels, labels.label_set.palette())
        self._add(self._picture_channels[topic], index, time_ns, layout.compressed_image(picture, "png", time_ns))

    def _label_channel(self, topic: str, label_set: LabelSet, provenance: dict[str, str]) -> int:
        """The channel of one label set and provenance: another one gets its own channel with the same topic."""
        if topic not in self._picture_channels:
            shown = layout.TOPIC_TRUTH_PICTURE if topic == layout.TOPIC_TRUTH else layout.TOPIC_SEGMENTATION_PICTURE
            self._picture_channels[topic] = self._output.add_channel(shown, "protobuf", self._color_schema, {})
        key = (topic, label_set, tuple(provenance.items()))
        if key not in self._label_channels:
            metadata = {"label_set": json.dumps(label_set.to_dict()), **provenance}
            channel = self._output.add_channel(topic, "protobuf", self._raw_schema, metadata)
            self._label_channels[key] = channel
        return self._label_channels[key]

    def _instances(self) -> int:
        if self._instances_channel is None:
            self._instances_channel = self._output.add_channel(layout.TOPIC_INSTANCES, "protobuf", self._raw_schema, {})
        return self._instances_channel


def default_name(source: str, when: datetime | None = None) -> str:
    """A file name with the local date, the time and the source's name, safe on every file system.

    Args:
        source: What people call the source.
        when: The time; None for now.
    """
    when = when or datetime.now().astimezone()
    safe = "".join(c if c.isascii() and (c.isalnum() or c == ".") else "-" for c in source)
    safe = "-".join(part for part in safe.split("-") if part.strip("."))[:60].strip(".")
    return f"{when:%Y-%m-%d_%H-%M-%S}{f'_{safe}' if safe else ''}.mcap"


def unused_path(path: Path) -> Path:
    """The path itself, or with -2, -3, ... before the suffix, whichever does not exist yet."""
    candidate, number = path, 1
    while candidate.exists() or candidate.is_symlink():
        number += 1
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return candidate
