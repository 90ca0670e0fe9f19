"""Our own recordings: what is written comes back, bit for bit where it is promised, and other tools can read it."""

from __future__ import annotations

import json
import os
import stat
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest
from mcap.reader import make_reader

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.layouts.mcap import McapReader
from rgbd_seg.recording.mcap.writer import RecordingWriter, WriterOptions, default_name, unused_path
from rgbd_seg.testing.layouts import ReaderConformance
from tests.recording.frames import PERIOD_NS, make_calibration, make_frame, make_segmentation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rgbd_seg.frame import RgbdFrame

SMALL_CHUNKS = WriterOptions(chunk_bytes=20_000, color="png")


def write(path: Path, frames: list[RgbdFrame], options: WriterOptions = SMALL_CHUNKS) -> Path:
    """Records these frames."""
    with RecordingWriter(path, frames[0].calibration, name="Imagined camera", options=options) as writer:
        for frame in frames:
            writer.write(frame)
    return path


class TestConformance(ReaderConformance):
    @pytest.fixture
    def reader(self, tmp_path: Path) -> Iterator[McapReader]:
        truth = LabelSet.load("sunrgbd13")
        path = write(tmp_path / "a.mcap", [make_frame(i, truth=truth) for i in range(12)])
        with McapReader(path) as reader:
            yield reader


@pytest.mark.parametrize("compression", ["zstd", "lz4", "none"])
def test_everything_comes_back(tmp_path: Path, compression: str) -> None:
    truth = LabelSet.load("sunrgbd13")
    frames = [make_frame(i, truth=truth) for i in (0, 1, 2, 5, 6)]
    options = WriterOptions(color="png", compression=compression, chunk_bytes=20_000)  # type: ignore[arg-type]
    path = tmp_path / "a.mcap"
    with RecordingWriter(path, frames[0].calibration, name="cam", details={"serial": "7"}, options=options) as writer:
        for frame in frames:
            writer.write(frame)
    with open_recording(path) as reader:
        assert reader.info.name == "cam"
        assert reader.info.details["serial"] == "7"
        assert reader.info.label_set == truth
        assert reader.info.warnings == ()
        gap = reader.info.gaps[0]
        assert (gap.after, gap.frames, gap.reason) == (2, 2, "not delivered by the source")
        assert gap.seconds == pytest.approx(3 * PERIOD_NS / 1e9)
        for frame, stored in zip(frames, reader, strict=True):
            assert np.array_equal(stored.color, frame.color)
            assert np.array_equal(stored.depth, frame.depth)
            assert stored.calibration == frame.calibration
            assert stored.index == frame.index
            assert stored.device_us == frame.device_us
            assert stored.time_us == (frame.host_ns - frames[0].host_ns) // 1000
            assert stored.truth is not None
            assert frame.truth is not None
            assert np.array_equal(stored.truth.labels, frame.truth.labels)
            assert stored.truth.instances is not None
            assert frame.truth.instances is not None
            assert np.array_equal(stored.truth.instances, frame.truth.instances)


def test_jpeg_color_is_close(tmp_path: Path) -> None:
    frame = make_frame(3)
    with McapReader(write(tmp_path / "a.mcap", [frame], WriterOptions())) as reader:
        stored = reader.read(0)
    difference = np.abs(stored.color[:, :, 0].astype(int) - frame.color[:, :, 0])
    assert 0 < difference.mean() < 8
    assert np.array_equal(stored.depth, frame.depth)


def test_segmentations_come_back_with_their_frames_and_model(tmp_path: Path) -> None:
    label_set = LabelSet.load("sunrgbd13")
    frames = [make_frame(i) for i in range(8)]
    path = tmp_path / "a.mcap"
    results = {1: make_segmentation(frames[1], label_set), 4: make_segmentation(frames[4], label_set)}
    with RecordingWriter(path, frames[0].calibration, options=SMALL_CHUNKS) as writer:
        for frame in frames:
            writer.write(frame, results.get(frame.index) if frame.index == 4 else None)
        assert writer.write_segmentation(results[1])  # Late, as it comes from a live network.
        assert not writer.write_segmentation(make_segmentation(make_frame(99), label_set))
    with McapReader(path) as reader:
        assert reader.info.label_set == label_set
        assert reader.info.truth_origin is None
        assert reader.info.predictions == ("imagined, SHA-256 abababababab, in a dream",)
        for stored in reader:
            expected = results.get(stored.index)
            assert stored.truth is None
            assert (stored.prediction is None) == (expected is None)
            if expected is not None:
                assert stored.prediction is not None
                assert expected.labels is not None
                assert np.array_equal(stored.prediction.labels, expected.labels)


def test_a_frame_keeps_its_own_calibration(tmp_path: Path) -> None:
    other = Calibration(Intrinsics(32, 24, 30.0, 30.0, 15.5, 11.5), 0.001, False, "assumed")
    frames = [make_frame(0), make_frame(1, other), make_frame(2)]
    with McapReader(write(tmp_path / "a.mcap", frames)) as reader:
        assert [stored.calibration for stored in reader] == [make_calibration(), other, make_calibration()]


def test_times_that_stand_still_stay_distinct_frames(tmp_path: Path) -> None:
    frames = [make_frame(i, host_ns=1_000) for i in range(4)]
    with McapReader(write(tmp_path / "a.mcap", frames)) as reader:
        assert [stored.index for stored in reader] == [0, 1, 2, 3]
        assert reader.times_us.tolist() == [0, 0, 0, 0]


def test_gaps_carry_their_reasons(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    with RecordingWriter(path, make_calibration()) as writer:
        writer.mark_gap("not ready", frames=2)
        writer.write(make_frame(0))
        writer.mark_gap("queue full")
        writer.mark_gap("camera lost", seconds=10.0)
        writer.mark_gap("queue full")
        writer.write(make_frame(4))
        writer.mark_gap("camera lost", frames=3)
    with McapReader(path) as reader:
        gaps = [(gap.after, gap.frames, gap.reason) for gap in reader.info.gaps]
        assert gaps == [(-1, 2, "not ready"), (0, 3, "queue full, camera lost"), (1, 3, "camera lost")]
        assert reader.info.gaps[1].seconds == 10.0


def test_never_overwrites_and_is_private(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mcap", [make_frame(0)])
    before = path.read_bytes()
    with pytest.raises(RecordingError, match="never overwritten"):
        RecordingWriter(path, make_calibration())
    assert path.read_bytes() == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    link = tmp_path / "link.mcap"
    link.symlink_to(tmp_path / "elsewhere.mcap")
    with pytest.raises(RecordingError, match="never overwritten"):
        RecordingWriter(link, make_calibration())


def test_an_impossible_place_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no-folder"):
        RecordingWriter(tmp_path / "no-folder" / "a.mcap", make_calibration())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(RecordingError, match="cannot create"):
        RecordingWriter(tmp_path / "a.mcap", make_calibration())


@pytest.mark.parametrize(
    "options",
    [{"color": "gif"}, {"jpeg_quality": 0}, {"compression": "rar"}, {"chunk_bytes": 0}, {"flush_s": -1.0}],
)
def test_wrong_options_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        WriterOptions(**options)  # type: ignore[arg-type]


def test_the_mcap_package_reads_it(tmp_path: Path) -> None:
    """What any other MCAP tool sees: schemas, statistics, CRCs, times."""
    from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
    from foxglove_schemas_protobuf.RawImage_pb2 import RawImage

    frames = [make_frame(i) for i in range(10)]
    path = write(tmp_path / "a.mcap", frames)
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        topics = {channel.topic: channel.id for channel in summary.channels.values()}
        counts = summary.statistics.channel_message_counts
        assert [counts[topics[t]] for t in ("/camera/color", "/camera/depth", "/camera/frame")] == [10, 10, 10]
        assert {schema.encoding for schema in summary.schemas.values()} == {"protobuf", "jsonschema"}
        assert len(summary.chunk_indexes) > 1
        for schema, channel, message in reader.iter_messages():
            assert schema is not None
            if channel.topic == "/camera/depth":
                image = RawImage.FromString(message.data)
                depth = np.frombuffer(image.data, "<u2").reshape(image.height, image.width)
                assert np.array_equal(depth, frames[message.sequence].depth)
                assert image.encoding == "16UC1"
            elif channel.topic == "/camera/calibration":
                assert CameraCalibration.FromString(message.data).K[0] == 55.25
            elif channel.topic == "/camera/frame":
                assert json.loads(message.data)["index"] == message.sequence
        assert {record.name for record in reader.iter_metadata()} == {"rgbd_seg", "rgbd_seg.details"}
        assert [record.name for record in reader.iter_attachments()] == ["rgbd_seg.index"]


def test_an_hour_opens_at_once_and_seeks_by_unpacking_one_chunk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = 3000
    calibration = make_calibration(8, 6)
    with RecordingWriter(
        tmp_path / "a.mcap", calibration, options=WriterOptions(chunk_bytes=4000, sync_s=None)
    ) as writer:
        for index in range(frames):
            writer.write(make_frame(index, calibration))
    unpacked = []
    unpack = McapReader.__init__.__globals__["McapInput"].unpack
    monkeypatch.setattr(
        "rgbd_seg.recording.mcap.input.McapInput.unpack", lambda self, head: unpacked.append(head) or unpack(self, head)
    )
    with McapReader(tmp_path / "a.mcap") as reader:
        assert len(reader) == frames
        assert not unpacked  # Opening reads the index only.
        assert reader.read(2345).index == 2345
        assert len(unpacked) == 1


def test_default_names() -> None:
    from datetime import datetime

    when = datetime(2026, 1, 2, 3, 4, 5).astimezone()
    assert default_name("Intel RealSense D435", when) == "2026-01-02_03-04-05_Intel-RealSense-D435.mcap"
    assert default_name("../../etc/pass wd\0é", when) == "2026-01-02_03-04-05_etc-pass-wd.mcap"
    assert default_name("", when) == "2026-01-02_03-04-05.mcap"


def test_unused_path_counts_up(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    assert unused_path(path) == path
    path.touch()
    (tmp_path / "a-2.mcap").touch()
    assert unused_path(path) == tmp_path / "a-3.mcap"


def test_memory_is_bounded_however_long_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forwards, backwards and anywhere: a few unpacked chunks and one frame are all that is kept."""
    frames, cache = 300, 150_000
    monkeypatch.setattr("rgbd_seg.recording.mcap.chunks.CACHE_BYTES", cache)
    path = write(tmp_path / "a.mcap", [make_frame(index) for index in range(frames)])
    places = [*range(frames), *range(frames - 1, -1, -1), *np.random.default_rng(1).integers(0, frames, 100).tolist()]
    with McapReader(path) as reader:
        reader.read(0)
        tracemalloc.start()
        try:
            for place in places:
                assert reader.read(place).index == place
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    unpacked = frames * 64 * 48 * 2
    assert peak < 4 * cache < unpacked / 3
