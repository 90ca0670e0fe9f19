"""A recording survives: kill -9 at any moment, a cut at any byte, flipped bits. The original is never touched."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.errors import RecordingError
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.layouts.mcap import McapReader
from rgbd_seg.recording.mcap.input import McapInput
from rgbd_seg.recording.mcap.repair import repair, repaired_path
from rgbd_seg.recording.mcap.scan import scan
from rgbd_seg.recording.mcap.writer import RecordingWriter, WriterOptions
from tests.recording.frames import make_calibration, make_frame, readable_frames
from tests.recording.mcap.killed_recorder import CLOCK, HANDED, OFFERED
from tests.waiting import PATIENCE_S, program

if TYPE_CHECKING:
    import struct
    from collections.abc import Iterator
    from pathlib import Path

FRAMES = 24
KILLS = 36
AT_ONCE = 6


@pytest.fixture(params=["zstd", "lz4", "none"])
def recording(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Four frames a chunk, six chunks."""
    path = tmp_path / "whole.mcap"
    options = WriterOptions(compression=request.param, chunk_bytes=30_000)
    with RecordingWriter(path, make_calibration(), options=options) as writer:
        for index in range(FRAMES):
            writer.write(make_frame(index))
    return path


def chunk_ends(path: Path) -> list[tuple[int, int]]:
    """For each chunk: where it ends, and how many frames there are up to there."""
    source = McapInput(path)
    try:
        chunks = scan(source).chunks
    finally:
        source.close()
    with McapReader(path) as reader:
        table = next(
            reader.contents.index.tables[i] for i, c in reader.contents.channels.items() if c.topic == "/camera/frame"
        )
    return [(head.end, int(np.sum(table[:, 1] <= head.offset))) for head in chunks]


def assert_exact(reader: McapReader, indices: list[int]) -> None:
    """These frames, with the depth they were written with."""
    assert len(reader) == len(indices)
    for frame, index in zip(reader, indices, strict=True):
        assert frame.index == index
        assert np.array_equal(frame.depth, make_frame(index).depth)


def test_cut_at_any_byte_keeps_every_whole_chunk(recording: Path, tmp_path: Path) -> None:
    data, ends = recording.read_bytes(), chunk_ends(recording)
    chance = random.Random(4)
    near_ends = [end + step for end, _ in ends for step in (-1, 0, 1, 9, 30)]
    cuts = sorted({*near_ends, *chance.sample(range(1, len(data)), 150), len(data) - 1, len(data) - 9, 1, 8, 9})
    path = tmp_path / "cut.mcap"
    for cut in cuts:
        path.write_bytes(data[:cut])
        expected = max((frames for end, frames in ends if end <= cut), default=0)
        if not expected:
            with pytest.raises(RecordingError, match=r"cut\.mcap"):
                McapReader(path)
            continue
        with McapReader(path) as reader:
            assert_exact(reader, list(range(expected)))
            assert "rgbd-seg repair" in reader.info.warnings[0]
        assert path.read_bytes() == data[:cut]


def test_flipped_bits_never_give_a_wrong_depth(recording: Path, tmp_path: Path) -> None:
    data = recording.read_bytes()
    chance = random.Random(5)
    path = tmp_path / "flipped.mcap"
    read = refused = 0
    for _ in range(120):
        damaged = bytearray(data)
        for _ in range(chance.choice((1, 1, 5))):
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        try:
            reader = McapReader(path)
        except RecordingError:
            refused += 1
            continue
        with reader:
            read += len(list(readable_frames(reader)))
    assert read > 120 * FRAMES * 0.6
    assert refused < 40


def test_a_hole_costs_the_frames_in_it_and_is_a_gap(recording: Path, tmp_path: Path) -> None:
    ends = chunk_ends(recording)
    (_, before), (end, after) = ends[1], ends[2]
    data = bytearray(recording.read_bytes())
    middle = (ends[1][0] + end) // 2 + 300
    data[middle - 200 : middle + 200] = bytes(400)
    data[-60:] = b""  # Without its end nothing can be taken from the index.
    path = tmp_path / "hole.mcap"
    path.write_bytes(data)
    expected = [*range(before), *range(after, FRAMES)]
    report = repair(path)
    assert report.copy == tmp_path / "hole.repaired.mcap"
    assert path.read_bytes() == data
    assert (report.frames, report.lost_chunks) == (len(expected), 1)
    with McapReader(report.copy) as reader:
        assert_exact(reader, expected)
        assert reader.info.warnings == ()
        (gap,) = reader.info.gaps
        assert (gap.after, gap.frames, gap.reason) == (before - 1, after - before, "unreadable")
        assert gap.seconds == pytest.approx((after - before + 1) / 30, rel=0.01)


@pytest.mark.parametrize("recording", ["zstd", "lz4"], indirect=True)
def test_a_lost_chunk_head_is_searched_past(recording: Path, tmp_path: Path) -> None:
    ends = chunk_ends(recording)
    source = McapInput(recording)
    heads = scan(source).chunks
    source.close()
    data = bytearray(recording.read_bytes())
    data[heads[2].offset : heads[2].offset + 9] = b"\xff" * 9
    data[-60:] = b""
    path = tmp_path / "hole.mcap"
    path.write_bytes(data)
    expected = [*range(ends[1][1]), *range(ends[2][1], FRAMES)]
    with McapReader(path) as reader:
        assert_exact(reader, expected)
        (gap,) = reader.info.gaps
        assert (gap.after, gap.frames, gap.reason) == (ends[1][1] - 1, ends[2][1] - ends[1][1], "unreadable")
        assert "could not be read" in reader.info.warnings[1]


def test_labels_and_gaps_survive(tmp_path: Path) -> None:
    path, label_set = tmp_path / "a.mcap", LabelSet.load("sunrgbd13")
    with RecordingWriter(path, make_calibration(), options=WriterOptions(chunk_bytes=30_000)) as writer:
        for index in range(FRAMES):
            if index == 5:
                writer.mark_gap("camera lost", 2.0)
            writer.write(make_frame(index, truth=label_set))
    data = path.read_bytes()
    path.write_bytes(data[:-100])
    for opened in (path, repair(path).copy):
        assert opened is not None
        with McapReader(opened) as reader:
            assert reader.info.label_set == label_set
            assert [(gap.after, gap.reason) for gap in reader.info.gaps] == [(4, "camera lost")]
            assert all(frame.truth is not None for frame in reader)


def test_repairing_what_is_whole_writes_nothing(recording: Path) -> None:
    report = repair(recording)
    assert (report.copy, report.frames, report.lost_chunks) == (None, FRAMES, 0)
    assert not repaired_path(recording).exists()


def test_repair_never_overwrites(recording: Path) -> None:
    recording.write_bytes(recording.read_bytes()[:-40])
    repaired_path(recording).write_text("precious")
    with pytest.raises(RecordingError, match="never overwritten"):
        repair(recording)
    assert repaired_path(recording).read_text() == "precious"


@pytest.mark.parametrize("content", [b"", b"\0" * 500, b"\x89MCAP0\r\n", b"not a recording"])
def test_what_holds_nothing_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "nothing.mcap"
    path.write_bytes(content)
    for attempt in (McapReader, repair):
        with pytest.raises(RecordingError, match=r"nothing\.mcap"):
            attempt(path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_recording_without_a_frame_yet_has_just_begun(tmp_path: Path) -> None:
    path = tmp_path / "young.mcap"
    with RecordingWriter(path, make_calibration(), options=WriterOptions(flush_s=60)) as writer:
        for frames in range(2):  # Without any, and with one that waits in memory.
            for attempt in (McapReader, repair):
                with pytest.raises(RecordingError, match=r"young\.mcap has just begun: no frame is in it yet"):
                    attempt(path)
            writer.write(make_frame(frames))
        writer.flush()
        with McapReader(path) as reader:
            assert len(reader) == 2
    whole = path.read_bytes()
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(whole[: whole.find(b"\x04\x00\x00\x00zstd") + 100])  # Killed while it wrote its first chunk.
    with pytest.raises(RecordingError, match="has just begun"):
        McapReader(cut)
    cut.write_bytes(b"garbage!" + whole[8:3000])
    with pytest.raises(RecordingError, match="is no MCAP recording"):
        McapReader(cut)


@pytest.fixture
def recorders() -> Iterator[subprocess.Popen[str]]:
    """The program that records in processes of its own."""
    command = [sys.executable, "-m", "tests.recording.mcap.killed_recorder"]
    with program(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as forks:
        yield forks
        forks.stdin.close()
        assert forks.wait(PATIENCE_S) == 0


def test_killed_at_any_moment(recorders: subprocess.Popen[str], tmp_path: Path) -> None:
    """Kills real recording processes: while they begin, while they record, and while they finish their file."""
    assert recorders.stdin is not None
    assert recorders.stdout is not None
    chance = random.Random()
    frames = handed = 0
    for batch in range(KILLS // AT_ONCE):
        kills = []
        for number in range(AT_ONCE):
            path = tmp_path / f"{batch}-{number}.mcap"
            stops_s = chance.choice((60.0, chance.uniform(0.3, 1.5)))
            recorders.stdin.write(f"{path} {stops_s}\n")
            recorders.stdin.flush()
            child = int(recorders.stdout.readline())
            # Half of those that finish by themselves are killed while they do.
            after_s = stops_s + chance.uniform(-0.01, 0.03) if stops_s < 60 else chance.uniform(0.0, 2.2)
            kills.append((time.monotonic() + after_s, child, path))
        for when, child, _ in sorted(kills):
            time.sleep(max(0.0, when - time.monotonic()))
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass  # It had just finished.
        time.sleep(0.05)  # A killed process is gone only after the kernel has closed its files.
        for _, _, path in kills:
            kept, safe = check_killed(path)
            frames, handed = frames + kept, handed + safe
    assert frames >= handed > KILLS  # Otherwise nothing was tested.


def noted(path: Path, kind: str, layout: struct.Struct) -> list[tuple[int, ...]]:
    """What the process wrote down."""
    log = path.with_name(f"{path.name}.{kind}")
    data = log.read_bytes() if log.exists() else b""
    return list(layout.iter_unpack(data[: len(data) // layout.size * layout.size]))


def check_killed(path: Path) -> tuple[int, int]:
    """Whatever the system was given opens, and everything older than a second; returns how many frames those are."""
    offered = noted(path, "offered", OFFERED)
    handed = max((count for (count,) in noted(path, "handed", HANDED)), default=0)
    killed_ns = max((now_ns for (now_ns,) in noted(path, "clock", CLOCK)), default=0)
    old_enough = [index for index, at_ns in offered if at_ns < killed_ns - 1_000_000_000]
    try:
        reader = McapReader(path)
    except RecordingError:
        assert not handed
        assert not old_enough
        return 0, 0
    with reader:
        indices = [frame.index for frame in reader]
        assert indices == list(range(len(indices)))
        assert max(handed, len(old_enough)) <= len(indices) <= len(offered) + 1
        for position in {0, len(indices) // 2, len(indices) - 1}:
            assert np.array_equal(reader.read(position).depth, make_frame(position).depth)
    return len(indices), handed
