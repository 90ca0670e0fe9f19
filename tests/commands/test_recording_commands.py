"""record, info and repair as people run them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from rgbd_seg import cli
from rgbd_seg.recording.layouts.mcap import McapReader
from rgbd_seg.recording.mcap.writer import RecordingWriter
from tests.recording.frames import PERIOD_NS, make_calibration, make_frame

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Twenty frames with a gap."""
    path = tmp_path / "a.mcap"
    with RecordingWriter(path, make_calibration(), name="Imagined camera", details={"serial": "7"}) as writer:
        for index in range(20):
            if index != 10:
                writer.write(make_frame(index))
    return path


def test_info_as_json(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["info", str(recording), "--json", "--check"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["frames"], summary["missing_frames"], summary["damaged_frames"]) == (19, 1, 0)
    assert summary["rate_hz"] == pytest.approx(18 / (19 * PERIOD_NS / 1e9), rel=1e-4)
    assert summary["interval_ms"]["longest"] == pytest.approx(2 * PERIOD_NS / 1e6, rel=1e-3)
    assert summary["size_bytes"] == recording.stat().st_size
    assert summary["details"]["serial"] == "7"
    assert summary["calibration"] == make_calibration().to_dict()
    assert {"topic": "/camera/depth", "message": "foxglove.RawImage", "messages": 19} in summary["streams"]


def test_info_as_text(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["info", str(recording)]) == 0
    text = capsys.readouterr().out
    assert "Imagined camera" in text
    assert "in steps of 0.125 mm (from the camera), registered to colour (from the camera)" in text
    assert "1 frame in 1 gap" in text
    assert "not delivered by the source" in text


def test_info_and_repair_of_a_cut_recording(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording.write_bytes(recording.read_bytes()[:-50])
    assert cli.main(["info", str(recording)]) == 0
    assert "rgbd-seg repair" in capsys.readouterr().err
    assert cli.main(["repair", str(recording)]) == 0
    assert "19 frames saved" in capsys.readouterr().out
    mended = recording.with_name("a.repaired.mcap")
    assert cli.main(["info", str(mended), "--check"]) == 0
    assert capsys.readouterr().err == ""
    assert cli.main(["repair", str(mended)]) == 0
    assert "nothing to repair" in capsys.readouterr().out
    assert cli.main(["repair", str(recording)]) == 1
    assert "never overwritten" in capsys.readouterr().err


def test_record_a_recording(recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "copy.mcap"
    source = f"{recording}?mode=every-frame"
    assert cli.main(["record", source, "-o", str(copy), "--color", "png", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["frames"], status["dropped"], status["state"]) == (19, 0, "finished")
    with McapReader(copy) as reader, McapReader(recording) as original:
        assert [frame.index for frame in reader] == [frame.index for frame in original]
        assert (reader.read(3).depth == original.read(3).depth).all()
        assert (reader.read(3).color == original.read(3).color).all()
    assert cli.main(["record", source, "-o", str(copy)]) == 1
    assert "never overwritten" in capsys.readouterr().err


def test_record_into_a_folder_names_the_file(recording: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    assert cli.main(["record", str(recording), "-o", str(folder), "--frames", "3"]) == 0
    (path,) = folder.iterdir()
    assert path.suffix == ".mcap"
    with McapReader(path) as reader:
        assert len(reader) == 3


def test_a_slash_at_the_end_means_a_folder_also_where_there_is_none(recording: Path, tmp_path: Path) -> None:
    assert cli.main(["record", str(recording), "-o", f"{tmp_path / 'walks'}/", "--frames", "2"]) == 0
    assert [path.suffix for path in (tmp_path / "walks").iterdir()] == [".mcap"]


@pytest.mark.parametrize(
    "arguments", [["--seconds", "0"], ["--frames", "-1"], ["--quality", "0"], ["--mode", "big"], ["--seconds", "nan"]]
)
def test_wrong_arguments_are_refused(recording: Path, tmp_path: Path, arguments: list[str]) -> None:
    assert cli.main(["record", str(recording), "-o", str(tmp_path / "b.mcap"), *arguments]) == 2
    assert not (tmp_path / "b.mcap").exists()
