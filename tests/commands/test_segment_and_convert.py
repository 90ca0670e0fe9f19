"""`rgbd-seg segment` and `rgbd-seg convert` as a shell user meets them, with a small real network."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from rgbd_seg.cli import main
from rgbd_seg.recording import open_recording
from tests.pipeline.tiny_model import write_tiny_model
from tests.recording.picture_trees import write_pairs, write_sunrgbd_frame
from tests.sensors import realsense_file
from tests.sensors.drivers.test_freenect import needs_fakenect, write_dump
from tests.sensors.oni_file import write_oni
from tests.waiting import PATIENCE_S

_BACKEND = ("--backend", "torch", "--device", "cpu", "--precision", "float32")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.safetensors")


def _segment(source: Path, out: Path, model: Path, *more: str) -> int:
    return main(["segment", str(source), "-o", str(out), "--model", str(model), *_BACKEND, *more])


class TestSegment:
    def test_several_sources_get_a_folder_each_and_damage_is_seen_in_the_exit_code(
        self, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name in ("a", "b"):
            write_pairs(tmp_path / name, 3)
        path = tmp_path / "b" / "depth" / "1.png"
        path.write_bytes(path.read_bytes()[:-30])
        both = [str(tmp_path / "a"), str(tmp_path / "b")]
        assert main(["segment", *both, "-o", str(tmp_path / "out"), "--model", str(model), "--video", *_BACKEND]) == 1
        assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["000-a", "001-b"]
        said = capsys.readouterr()
        assert "1.png is truncated" in said.err
        assert "000-a: 3 frames segmented" in said.out
        assert "001-b: 2 frames segmented, 1 unreadable left out" in said.out
        assert len(list((tmp_path / "out" / "001-b" / "labels").iterdir())) == 2
        assert (tmp_path / "out" / "001-b" / "overlay.mp4").stat().st_size > 0
        assert not (tmp_path / "out" / "001-b" / "overlay").exists()

    def test_scores_are_added_up_over_sources(
        self, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name in ("a", "b"):
            write_sunrgbd_frame(tmp_path / name / "0")
        both = [str(tmp_path / "a"), str(tmp_path / "b")]
        assert main(["segment", *both, "-o", str(tmp_path / "out"), "--model", str(model), *_BACKEND]) == 0
        assert "2 of 2 sources: mean IoU" in capsys.readouterr().out
        assert json.loads((tmp_path / "out" / "scores.json").read_text())["frames"] == 2

    def test_ctrl_c_finishes_the_files_of_a_source_without_an_end(
        self, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_pairs(tmp_path / "in", 3)
        third = tmp_path / "out" / "labels" / "000002.png"

        def stop() -> None:
            while not third.exists():
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)

        before = signal.getsignal(signal.SIGINT)
        threading.Thread(target=stop, daemon=True).start()
        with pytest.raises(SystemExit) as end:
            main(
                ["segment", f"{tmp_path / 'in'}?loop=1", "-o", str(tmp_path / "out"), "--model", str(model), *_BACKEND]
            )
        assert end.value.code == 128 + signal.SIGINT
        assert signal.getsignal(signal.SIGINT) is before
        frames = json.loads((tmp_path / "out" / "segment.json").read_text())["frames"]
        assert frames >= 3
        assert f"{frames} frames segmented" in capsys.readouterr().out

    def test_without_ray_the_message_says_what_to_install(
        self, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_pairs(tmp_path / "in", 1)
        monkeypatch.setitem(sys.modules, "ray", None)
        assert _segment(tmp_path / "in", tmp_path / "out", model, "--cluster", "auto") == 2
        assert "pip install 'rgbd-seg[cluster]'" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize(
        ("source", "more", "message"),
        [("synthetic:?seed=1", (), "no recording"), ("in", ("--precision", "int8"), "calibrated on each machine")],
    )
    def test_what_a_cluster_cannot_do(
        self,
        tmp_path: Path,
        model: Path,
        source: str,
        more: tuple[str, ...],
        message: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        write_pairs(tmp_path / "in", 1)
        monkeypatch.chdir(tmp_path)
        assert main(["segment", source, "-o", "out", "--model", str(model), "--cluster", "auto", *more]) == 2
        assert message in capsys.readouterr().err

    def test_results_are_not_overwritten(self, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
        write_pairs(tmp_path / "in", 1)
        (tmp_path / "out" / "labels").mkdir(parents=True)
        assert _segment(tmp_path / "in", tmp_path / "out", model) == 2
        assert "not empty" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("source", "message"),
        [("missing", "missing"), ("empty", "no recording"), ("color-only", "no depth"), ("eight-bit", "not metric")],
    )
    def test_sources_that_cannot_be_used(
        self, tmp_path: Path, model: Path, source: str, message: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "empty").mkdir()
        write_pairs(tmp_path / "color-only", 1)
        (tmp_path / "color-only" / "depth" / "0.png").unlink()
        write_pairs(tmp_path / "eight-bit", 1)
        cv2.imwrite(str(tmp_path / "eight-bit" / "depth" / "0.png"), np.ones((24, 32), np.uint8))
        assert _segment(tmp_path / source, tmp_path / "out", model) == 1
        said = capsys.readouterr().err
        assert message in said
        assert source in said
        assert not (tmp_path / "out").exists()

    def test_a_model_that_is_none(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        write_pairs(tmp_path / "in", 1)
        (tmp_path / "model.safetensors").write_bytes(b"\x80\x04 pickle")
        assert _segment(tmp_path / "in", tmp_path / "out", tmp_path / "model.safetensors") == 1
        assert "model.safetensors" in capsys.readouterr().err

    @pytest.mark.parametrize("more", [("--frames", "0"), ("--opacity", "3")])
    def test_wrong_arguments(self, tmp_path: Path, model: Path, more: tuple[str, ...]) -> None:
        write_pairs(tmp_path / "in", 1)
        assert _segment(tmp_path / "in", tmp_path / "out", model, *more) == 2


class TestConvert:
    def test_a_range_of_frames_or_seconds(self, tmp_path: Path) -> None:
        write_pairs(tmp_path / "in", 8)
        (tmp_path / "in" / "rgbd_seg.json").write_text('{"fps": 10}')
        for number, (option, value, expected) in enumerate(
            [("--frames", "2:5", [2, 3, 4]), ("--frames", "6:", [6, 7]), ("--seconds", "0.25:0.55", [3, 4, 5])]
        ):
            out = tmp_path / f"{number}.mcap"
            assert main(["convert", str(tmp_path / "in"), str(out), option, value]) == 0
            with open_recording(out) as reader:
                assert [frame.index for frame in reader] == expected

    @pytest.mark.parametrize("value", ["5", "5:2", "a:b", "-1:2", "3:3"])
    def test_ranges_that_are_none(self, tmp_path: Path, value: str) -> None:
        write_pairs(tmp_path / "in", 3)
        assert main(["convert", str(tmp_path / "in"), str(tmp_path / "out"), f"--frames={value}"]) == 2
        assert not (tmp_path / "out").exists()

    def test_predicted_labels_go_into_the_exported_tree(self, tmp_path: Path, model: Path) -> None:
        write_pairs(tmp_path / "in", 2)
        more = ["--model", str(model), *_BACKEND[:4], "--to", "voc"]
        assert main(["convert", str(tmp_path / "in"), str(tmp_path / "out"), *more]) == 0
        assert "wall" in (tmp_path / "out" / "labelmap.txt").read_text()
        assert len(list((tmp_path / "out" / "SegmentationClass").iterdir())) == 2

    def test_an_openni_recording_goes_into_ours_with_every_frame_exact(self, tmp_path: Path) -> None:
        random = np.random.default_rng(4)
        colors = [random.integers(0, 256, (48, 64, 3)).astype(np.uint8) for _ in range(6)]
        depths = [random.integers(0, 4000, (48, 64)).astype(np.uint16) for _ in range(6)]
        write_oni(tmp_path / "in.oni", colors, depths)
        assert main(["convert", str(tmp_path / "in.oni"), str(tmp_path / "out.mcap"), "--color", "png"]) == 0
        with open_recording(tmp_path / "out.mcap") as reader:
            stored = list(reader)
        assert len(stored) == 6
        for frame, color, depth in zip(stored, colors, depths, strict=True):
            assert np.array_equal(frame.depth, depth)
            assert np.array_equal(frame.color, color)
        assert [frame.time_us for frame in stored] == [33_333 * i for i in range(6)]

    def test_a_realsense_recording_goes_into_ours_aligned(self, tmp_path: Path) -> None:
        script = Path(realsense_file.__file__)
        subprocess.run([sys.executable, str(script), str(tmp_path / "in.db3")], check=True, timeout=PATIENCE_S)
        assert main(["convert", str(tmp_path / "in.db3"), str(tmp_path / "out")]) == 0
        with open_recording(tmp_path / "out") as reader:
            stored = list(reader)
            assert reader.info.details["serial"] == realsense_file.SERIAL
        assert len(stored) == realsense_file.FRAMES
        shift = round(realsense_file.FX * realsense_file.BASELINE_M / (realsense_file.NEAR * realsense_file.UNIT_M))
        rows, columns = realsense_file.SQUARE
        inner = stored[0].depth[rows, columns.start + shift + 3 : columns.stop + shift - 3]
        assert np.isin(inner, (0, realsense_file.NEAR)).all()
        assert (inner == realsense_file.NEAR).mean() > 0.9
        assert [int(frame.color[0, 0, 0]) for frame in stored] == list(range(realsense_file.FRAMES))

    @needs_fakenect
    def test_a_fakenect_dump_goes_into_ours(self, tmp_path: Path) -> None:
        dump = write_dump(tmp_path / "dump")
        assert main(["convert", str(dump), str(tmp_path / "out.mcap"), "--color", "png"]) == 0
        with open_recording(tmp_path / "out.mcap") as reader:
            assert len(reader) >= 3
            assert reader.read(0).depth.shape == (480, 640)

    def test_sources_without_an_end_need_a_limit(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["convert", "synthetic:?seed=1", str(tmp_path / "out.mcap")]) == 2
        assert "--frames :N" in capsys.readouterr().err

    def test_a_damaged_frame_is_left_out_said_and_seen_in_the_exit_code(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_pairs(tmp_path / "in", 3)
        path = tmp_path / "in" / "rgb" / "2.png"
        path.write_bytes(path.read_bytes()[:60])
        assert main(["convert", str(tmp_path / "in"), str(tmp_path / "out")]) == 1
        said = capsys.readouterr()
        assert "2.png is truncated" in said.err
        assert "2 frames, 1 unreadable left out" in said.out

    def test_a_missing_input_names_it(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["convert", str(tmp_path / "nowhere"), str(tmp_path / "out")]) == 1
        assert "nowhere" in capsys.readouterr().err
