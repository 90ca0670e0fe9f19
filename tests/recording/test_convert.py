"""Converting: every format that can be read back keeps what it can, and nothing half-done stays behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.convert import Damage, convert, source_of, stored_frames
from rgbd_seg.recording.exports.formats import FORMATS, ExportOptions, format_of
from rgbd_seg.recording.pictures.depth_unit import change_unit
from rgbd_seg.testing.stored import LABELS, SOURCE, assert_same, make_stored
from tests.recording.picture_trees import write_pairs, write_sunrgbd_frame

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rgbd_seg.recording.reader import StoredFrame


@pytest.fixture
def frames() -> list[StoredFrame]:
    return [make_stored(position) for position in range(4)]


def _depth_back(out: Path, to: str, depth: np.ndarray, unit_m: float = 0.001) -> np.ndarray:
    convert([make_stored(0, depth=depth, unit_m=unit_m)], out, SOURCE, to=to)
    with open_recording(out) as reader:
        return reader.read(0).depth


class TestRoundTrips:
    def test_a_folder_keeps_everything(self, frames: list[StoredFrame], tmp_path: Path) -> None:
        result = convert(frames, tmp_path / "out", SOURCE)
        assert (result.frames, result.warnings, result.cancelled) == (4, (), False)
        with open_recording(tmp_path / "out") as reader:
            for before, after in zip(frames, reader, strict=True):
                assert_same(before, after)
            assert reader.info.name == "Asus Xtion"
            assert reader.info.details["serial"] == "1205"
            assert [(gap.after, gap.frames) for gap in reader.info.gaps] == [(1, 1)]

    def test_mcap_keeps_everything_and_through_a_folder_again(self, frames: list[StoredFrame], tmp_path: Path) -> None:
        convert(frames, tmp_path / "a.mcap", SOURCE, options=ExportOptions(color="png"))
        with open_recording(tmp_path / "a.mcap") as first:
            assert source_of(first).start_ns == SOURCE.start_ns
            convert(stored_frames(first), tmp_path / "folder", source_of(first))
        with open_recording(tmp_path / "folder") as second:
            convert(stored_frames(second), tmp_path / "b.mcap", source_of(second), options=ExportOptions(color="png"))
        with open_recording(tmp_path / "b.mcap") as last:
            assert last.info.name == "Asus Xtion"
            for before, after in zip(frames, last, strict=True):
                assert np.array_equal(before.depth, after.depth)
                assert np.array_equal(before.color, after.color)
                assert (before.index, before.time_us, before.device_us) == (after.index, after.time_us, after.device_us)

    def test_sunrgbd_keeps_depth_labels_and_intrinsics(self, frames: list[StoredFrame], tmp_path: Path) -> None:
        convert(frames, tmp_path / "tree", SOURCE, to="sunrgbd", options=ExportOptions(color="png"))
        with open_recording(tmp_path / "tree") as reader:
            assert reader.info.layout == "sunrgbd"
            for before, after in zip(frames, reader, strict=True):
                assert np.array_equal(before.depth, after.depth)
                assert np.array_equal(before.color, after.color)
                assert before.calibration == after.calibration
                assert before.truth is not None
                assert after.truth is not None
                assert np.array_equal(before.truth.labels, after.truth.labels)
                assert after.truth.label_set == LABELS
            name = reader.name(3)  # type: ignore[attr-defined]
        assert name == "xtion/Asus_Xtion/000004"
        with open_recording(tmp_path / "tree" / name) as one:
            assert one.info.label_set == LABELS

    def test_tum_keeps_distances_and_times(self, frames: list[StoredFrame], tmp_path: Path) -> None:
        convert(frames, tmp_path / "tum", SOURCE, to="tum")
        with open_recording(tmp_path / "tum") as reader:
            assert reader.info.layout == "tum"
            assert reader.times_us.tolist() == [frame.time_us for frame in frames]
            for before, after in zip(frames, reader, strict=True):
                assert after.calibration.depth_unit_m == 1 / 5000
                assert np.array_equal(before.depth.astype(int) * 5, after.depth.astype(int))
                assert np.array_equal(before.color, after.color)
                assert before.calibration.color == after.calibration.color
                assert after.truth is not None
                assert before.truth is not None
                assert np.array_equal(before.truth.labels, after.truth.labels)

    def test_frames_of_several_sizes_keep_their_own_calibration(self, tmp_path: Path) -> None:
        for number, size in enumerate([(24, 32), (30, 44), (24, 32)]):
            write_sunrgbd_frame(tmp_path / "tree" / f"{number}", number, *size)
        for out in ("folder", "a.mcap"):
            with open_recording(tmp_path / "tree") as before:
                convert(stored_frames(before), tmp_path / out, source_of(before), options=ExportOptions(color="png"))
                with open_recording(tmp_path / out) as after:
                    for a, b in zip(before, after, strict=True):
                        assert np.array_equal(a.depth, b.depth)
                        assert np.array_equal(a.color, b.color)
                        assert a.calibration == b.calibration

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        depth=arrays(np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 65535)),
        unit_m=st.sampled_from([0.001, 0.000125, 0.0001]),
    )
    @pytest.mark.parametrize("to", ["folder", "mcap"])
    def test_any_depth_survives_bit_for_bit(
        self, to: str, depth: np.ndarray, unit_m: float, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        out = tmp_path_factory.mktemp("any") / f"out{FORMATS[to].suffix}"
        assert np.array_equal(_depth_back(out, to, depth, unit_m), depth)

    @settings(max_examples=25, deadline=None)
    @given(arrays(np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 65535)))
    def test_any_millimetres_survive_sunrgbd_bit_for_bit(
        self, tmp_path_factory: pytest.TempPathFactory, depth: np.ndarray
    ) -> None:
        assert np.array_equal(_depth_back(tmp_path_factory.mktemp("sun") / "out", "sunrgbd", depth), depth)

    @settings(max_examples=25, deadline=None)
    @given(arrays(np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 65535)))
    def test_any_tum_counts_survive_tum_bit_for_bit(
        self, tmp_path_factory: pytest.TempPathFactory, depth: np.ndarray
    ) -> None:
        assert np.array_equal(_depth_back(tmp_path_factory.mktemp("tum") / "out", "tum", depth, 1 / 5000), depth)


class TestUnits:
    def test_millimetres_become_tum_counts_exactly_and_far_ones_holes(self) -> None:
        depth = np.array([[0, 1, 13107, 13108, 65535]], np.uint16)
        counts, lost = change_unit(depth, 0.001, 1 / 5000)
        assert counts.tolist() == [[0, 5, 65535, 0, 0]]
        assert lost == 2

    def test_rounding_is_to_the_nearest_and_never_makes_a_hole(self) -> None:
        depth = np.array([[1, 3, 4, 11, 12, 20]], np.uint16)
        counts, lost = change_unit(depth, 0.000125, 0.001)
        assert counts.tolist() == [[1, 1, 1, 1, 2, 3]]
        assert lost == 0

    @settings(max_examples=40, deadline=None)
    @given(st.floats(1e-6, 0.01), st.floats(1e-6, 0.01))
    def test_any_units_agree_with_the_division_in_floats(self, unit_m: float, wanted_m: float) -> None:
        depth = np.arange(1, 65536, 97, dtype=np.uint16)[None]
        counts, _ = change_unit(depth, unit_m, wanted_m)
        exact = depth * (unit_m / wanted_m)
        fits = counts > 0
        assert np.all(np.abs(counts - exact)[fits & (exact >= 1)] <= 0.5 + 1e-3 * exact[fits & (exact >= 1)])
        assert np.all(exact[~fits] > 65500)

    def test_pixels_that_do_not_fit_are_said(self, tmp_path: Path) -> None:
        depth = np.full((4, 4), 20_000, np.uint16)
        result = convert([make_stored(0, depth=depth)], tmp_path / "tum", SOURCE, to="tum")
        assert result.warnings == ("16 depth pixels farther than 13.1 m became holes",)


class TestConduct:
    def test_ranges(self, tmp_path: Path) -> None:
        write_pairs(tmp_path / "in", 6)
        with open_recording(tmp_path / "in") as reader:
            assert [f.index for f in stored_frames(reader, 2, 4)] == [2, 3]
            assert [f.index for f in stored_frames(reader, 1, step=2)] == [1, 3, 5]
            with pytest.raises(ConfigurationError, match="1 or more"):
                list(stored_frames(reader, step=0))
            for start, stop in ((-1, 2), (3, 3), (0, 7), (9, None)):
                with pytest.raises(ConfigurationError, match="no range"):
                    list(stored_frames(reader, start, stop))

    def test_damaged_frames_are_left_out_and_noted(self, tmp_path: Path) -> None:
        write_pairs(tmp_path / "in", 4)
        path = tmp_path / "in" / "depth" / "2.png"
        path.write_bytes(path.read_bytes()[:-20])
        damage = Damage()
        with open_recording(tmp_path / "in") as reader:
            result = convert(stored_frames(reader, damage=damage), tmp_path / "out", source_of(reader))
            assert result.frames == 3
            assert len(damage.sentences) == 1
            assert damage.sentences[0].startswith(f"frame 2 was left out: {path} is truncated")
            with pytest.raises(RecordingError, match=r"frame 2 of .*in cannot be read: .*truncated"):
                list(stored_frames(reader))

    def test_progress_counts_up_to_the_total(self, frames: list[StoredFrame], tmp_path: Path) -> None:
        seen: list[tuple[int, int | None]] = []
        convert(frames, tmp_path / "out", SOURCE, total=4, progress=lambda done, total: seen.append((done, total)))
        assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]

    @pytest.mark.parametrize("to", list(FORMATS))
    def test_cancelling_leaves_nothing(self, to: str, frames: list[StoredFrame], tmp_path: Path) -> None:
        asked = iter([False, False, True])
        out = tmp_path / f"out{FORMATS[to].suffix}"
        result = convert(frames, out, SOURCE, to=to, cancelled=lambda: next(asked))
        assert result.cancelled
        assert result.frames == 2
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("to", list(FORMATS))
    def test_failing_leaves_nothing(self, to: str, frames: list[StoredFrame], tmp_path: Path) -> None:
        def broken() -> Sequence[StoredFrame]:
            yield frames[0]  # type: ignore[misc]
            raise RecordingError("the disk went away")

        with pytest.raises(RecordingError, match="went away"):
            convert(broken(), tmp_path / f"out{FORMATS[to].suffix}", SOURCE, to=to)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("to", list(FORMATS))
    def test_no_frames_are_an_error(self, to: str, tmp_path: Path) -> None:
        with pytest.raises(RecordingError, match="no readable frame"):
            convert([], tmp_path / f"out{FORMATS[to].suffix}", SOURCE, to=to)
        assert list(tmp_path.iterdir()) == []

    def test_nothing_is_overwritten(self, frames: list[StoredFrame], tmp_path: Path) -> None:
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / "thesis.tex").write_text("years of work")
        (tmp_path / "a.mcap").write_text("hours of work")
        for out in ("full", "a.mcap"):
            with pytest.raises(ConfigurationError, match="name a new"):
                convert(frames, tmp_path / out, SOURCE)
        assert (tmp_path / "a.mcap").read_text() == "hours of work"
        (tmp_path / "empty").mkdir()
        assert convert(frames, tmp_path / "empty", SOURCE).frames == 4

    def test_a_place_that_cannot_be_written_is_named(self, frames: list[StoredFrame], tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(RecordingError, match="file"):
            convert(frames, tmp_path / "file" / "out", SOURCE)


class TestFormats:
    @pytest.mark.parametrize(
        ("path", "wanted", "expected"),
        [
            ("a.mcap", None, "mcap"),
            ("a.MP4", None, "mp4"),
            ("a", None, "folder"),
            ("a.b", "tum", "tum"),
            ("a", "voc", "voc"),
        ],
    )
    def test_by_suffix_or_by_name(self, tmp_path: Path, path: str, wanted: str | None, expected: str) -> None:
        assert format_of(tmp_path / path, wanted) == expected

    @pytest.mark.parametrize(("path", "wanted"), [("a", "mcap"), ("a.mp4", "mcap"), ("a.mcap", "tum"), ("a", "bag")])
    def test_contradictions_are_refused(self, tmp_path: Path, path: str, wanted: str) -> None:
        with pytest.raises(ConfigurationError, match=wanted):
            format_of(tmp_path / path, wanted)

    @pytest.mark.parametrize("options", [{"opacity": 2.0}, {"cloud_step": 0}, {"color": "gif"}, {"min_region_px": 0}])
    def test_options_out_of_range_are_refused(self, options: dict[str, object]) -> None:
        with pytest.raises(ConfigurationError):
            ExportOptions(**options)  # type: ignore[arg-type]
