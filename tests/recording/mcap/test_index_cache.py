"""The rebuilt index of a damaged recording is kept, and believed only for the very file that it was made from."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.layouts.mcap import McapReader
from rgbd_seg.recording.mcap import index_cache
from rgbd_seg.recording.mcap.contents import McapContents
from rgbd_seg.recording.mcap.writer import RecordingWriter, WriterOptions
from tests.recording.frames import make_calibration, make_frame, readable_frames

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = 20


class Looks:
    """Counts how often a whole file is looked through."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from rgbd_seg.recording.mcap import opening as mcap_opening

        self.count = 0
        scan = mcap_opening.scan

        def counted(*arguments: object) -> object:
            self.count += 1
            return scan(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(mcap_opening, "scan", counted)


@pytest.fixture
def looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Looks:
    """With a cache of its own, in which every file is worth an entry."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(index_cache, "WORTH_BYTES", 1)
    return Looks(monkeypatch)


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    """A recording with labels and a gap, without its end."""
    path = tmp_path / "cut.mcap"
    with RecordingWriter(path, make_calibration(), name="walk", options=WriterOptions(chunk_bytes=30_000)) as writer:
        for index in range(FRAMES):
            if index == 3:
                writer.mark_gap("camera lost", seconds=2.0, frames=5)
            writer.write(make_frame(index))
    path.write_bytes(path.read_bytes()[:-2000])
    return path


def opened(path: Path) -> tuple[object, ...]:
    """Everything that an opening gives, each frame decoded."""
    with McapReader(path) as reader:
        depths = [hashlib.sha256(frame.depth.tobytes()).hexdigest() for frame in reader]
        indices = [reader.read(position).index for position in range(len(reader))]
        return reader.info, reader.streams, reader.start_ns, reader.times_us.tolist(), indices, depths


def entry(tmp_path: Path) -> Path:
    (path,) = (tmp_path / "cache").rglob("*.index")
    return path


def test_the_second_opening_finds_the_same_without_looking(cut: Path, looks: Looks, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    first = opened(cut)
    assert looks.count == 1
    assert opened(cut) == first
    assert looks.count == 1
    assert "was not finished" in first[0].warnings[0]  # type: ignore[attr-defined]
    assert [gap.reason for gap in first[0].gaps] == ["camera lost"]  # type: ignore[attr-defined]
    assert entry(tmp_path).stat().st_mode & 0o077 == 0
    assert sorted({*before, tmp_path / "cache"}) == sorted(tmp_path.iterdir())


@pytest.mark.parametrize("change", ["grown", "shorter", "another time", "another content", "another name"])
def test_a_changed_file_is_looked_through_again(change: str, cut: Path, looks: Looks) -> None:
    opened(cut)
    data, status = bytearray(cut.read_bytes()), cut.stat()
    if change == "grown":
        cut.write_bytes(data + bytes(10))
    elif change == "shorter":
        cut.write_bytes(data[:-5000])
    elif change == "another time":
        os.utime(cut, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    elif change == "another content":
        data[len(data) // 2] ^= 1
        cut.write_bytes(data)
        os.utime(cut, ns=(status.st_atime_ns, status.st_mtime_ns))
    else:
        cut = cut.rename(cut.with_name("moved.mcap"))
    with McapReader(cut) as reader:
        assert any("was not finished" in text and cut.name in text for text in reader.info.warnings)
    assert looks.count == 2


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "older version"])
def test_a_damaged_entry_is_made_again(damage: str, cut: Path, looks: Looks, tmp_path: Path) -> None:
    first = opened(cut)
    path = entry(tmp_path)
    data = bytearray(path.read_bytes())
    data[(5 if damage == "older version" else len(data) // 2)] ^= 4
    path.write_bytes({"cut": data[:-1], "empty": b""}.get(damage, data))
    assert opened(cut) == first
    assert looks.count == 2
    assert opened(cut) == first
    assert looks.count == 2


def lie(tmp_path: Path, change: str) -> None:
    """Puts other places into an entry, with a right checksum."""
    path = entry(tmp_path)
    body = path.read_bytes()[len(index_cache._VERSION) + 32 :]
    contents = McapContents.from_bytes(body)
    tables = {number: table.copy() for number, table in contents.index.tables.items()}
    for table in tables.values():
        if change == "chunks":
            table[:, 1] += 7
        elif change == "messages":
            table[:, 2] += 1
        else:
            table[:, 2] = table[::-1, 2]
    index = type(contents.index)(tables)
    fields = {name: getattr(contents, name) for name in McapContents.__slots__} | {"index": index}
    body = McapContents(**fields).to_bytes()
    path.write_bytes(index_cache._VERSION + hashlib.sha256(body).digest() + body)


@pytest.mark.parametrize("change", ["chunks", "messages", "order"])
def test_an_entry_that_lies_gives_no_wrong_frame(change: str, cut: Path, looks: Looks, tmp_path: Path) -> None:
    first = opened(cut)
    lie(tmp_path, change)
    try:
        reader = McapReader(cut)
    except RecordingError:
        return
    with reader:
        if change == "chunks":  # That is noticed on opening.
            assert looks.count == 2
        for position, frame in readable_frames(reader):
            assert frame.time_us == first[3][position]  # type: ignore[index]


def test_a_cache_that_cannot_be_written_is_no_obstacle(cut: Path, looks: Looks, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    assert opened(cut) == opened(cut)
    assert looks.count == 2


def test_small_and_whole_recordings_get_no_entry(
    cut: Path, looks: Looks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole.mcap"
    with RecordingWriter(whole, make_calibration()) as writer:
        writer.write(make_frame(0))
    opened(whole)
    monkeypatch.setattr(index_cache, "WORTH_BYTES", cut.stat().st_size + 1)
    opened(cut)
    assert not (tmp_path / "cache").exists()


def test_the_longest_unused_entries_go_first(
    cut: Path, looks: Looks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(cut)
    old = entry(tmp_path)
    monkeypatch.setattr(index_cache, "LIMIT_BYTES", old.stat().st_size)
    cut.write_bytes(cut.read_bytes()[:-4000])
    opened(cut)
    assert entry(tmp_path) != old
    assert looks.count == 2
