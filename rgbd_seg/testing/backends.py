"""What every back end must do. Its test class inherits `SegmenterConformance` and says how to open a model with it."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.inference.segmenter import Segmenter, SegmenterOptions
from rgbd_seg.inference.torch.segmenter import open_segmenter as open_reference
from rgbd_seg.models.model_file import save_model
from rgbd_seg.testing.models import card_for, make_frame, random_network

FrameMaker = Callable[..., RgbdFrame]


def ignore(_stage: str, _share: float) -> None:
    """A progress callback for nobody."""


class SegmenterConformance(ABC):
    """Inherit, implement `open`, and pytest runs these tests on the back end."""

    least_equal = 0.995  # Share of pixels with the label that float32 PyTorch gives them.

    @abstractmethod
    def open(self, path: Path, options: SegmenterOptions, progress: Callable[[str, float], None]) -> Segmenter:
        """Opens a model on the back end under test."""

    @pytest.fixture
    def model_path(self, tmp_path: Path) -> Path:
        """One of our own model files, with random weights and a single encoder: quick to convert."""
        path = tmp_path / "tiny.safetensors"
        network = random_network(fusion="early")
        save_model(path, network, card_for(network))
        return path

    @pytest.fixture
    def make_frame(self) -> FrameMaker:
        """Makes frames: a seed, a size, a depth unit."""
        return make_frame

    @pytest.fixture
    def segmenter(self, model_path: Path) -> Iterator[Segmenter]:
        # Of a network without trained weights only float32 gives the same labels, whatever "auto" would take here.
        options = SegmenterOptions(precision="float32", frame_size=(96, 128), threads=1)
        with self.open(model_path, options, ignore) as segmenter:
            yield segmenter

    def test_labels_are_those_of_float32_pytorch(
        self, segmenter: Segmenter, model_path: Path, make_frame: FrameMaker
    ) -> None:
        options = SegmenterOptions(device="cpu", precision="float32", threads=1)
        with open_reference(model_path, options, "", ignore) as reference:
            for seed, size in ((0, (96, 128)), (1, (60, 100))):
                frame = make_frame(seed, size)
                expected, got = reference(frame), segmenter(frame)
                assert expected.labels is not None
                assert got.labels is not None
                assert len(np.unique(expected.labels)) > 1
                assert (expected.labels == got.labels).mean() >= self.least_equal

    def test_segmentation_is_well_formed(self, segmenter: Segmenter, make_frame: FrameMaker) -> None:
        frame = make_frame()
        result = segmenter(frame)
        assert result.frame is frame
        assert result.label_set == segmenter.label_set
        assert result.model == segmenter.info.model
        assert result.labels is not None
        assert 1 <= result.labels.min() <= result.labels.max() <= len(segmenter.label_set)
        assert result.confidence is not None
        assert all(seconds >= 0 for seconds in result.elapsed_s.values())
        assert "network" in result.elapsed_s

    def test_results_keep_their_pixels_after_the_next_frame(self, segmenter: Segmenter, make_frame: FrameMaker) -> None:
        first = segmenter(make_frame(0))
        assert first.labels is not None
        labels = first.labels.copy()
        second = segmenter(make_frame(1, index=1))
        assert second.labels is not None
        assert not np.array_equal(second.labels, labels)
        assert np.array_equal(first.labels, labels)

    def test_frame_size_and_depth_unit_may_change(self, segmenter: Segmenter, make_frame: FrameMaker) -> None:
        for index, (size, unit_m) in enumerate([((96, 128), 0.001), ((60, 100), 0.001), ((96, 128), 0.0002)]):
            result = segmenter(make_frame(0, size, unit_m, index))
            assert result.labels is not None
            assert result.labels.shape == size

    def test_what_was_prepared_is_not_built_again(
        self, segmenter: Segmenter, make_frame: FrameMaker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        segmenter.prepare((60, 100))
        builds: list[Any] = []
        monkeypatch.setattr(segmenter, "build", builds.append)
        segmenter.prepare((60, 100))
        labels = segmenter(make_frame(size=(60, 100))).labels
        assert labels is not None
        assert labels.shape == (60, 100)
        assert builds == []

    def test_uncertain_pixels_stay_unlabelled(self, segmenter: Segmenter, make_frame: FrameMaker) -> None:
        frame = make_frame()
        everything = segmenter(frame)
        segmenter.configure(smoothing="off", min_confidence=0.6)
        some = segmenter(frame)
        assert everything.labels is not None
        assert some.labels is not None
        assert some.confidence is not None
        sure = some.confidence >= 0.6 * 255
        assert 0 < sure.mean() < 1
        assert np.array_equal(some.labels != 0, sure)
        assert np.array_equal(some.labels[sure], everything.labels[sure])

    def test_smoothing_follows_the_memory_and_forgets(self, segmenter: Segmenter, make_frame: FrameMaker) -> None:
        frame, later = make_frame(0, index=0), make_frame(0, index=1)
        noise = np.random.default_rng(0).integers(-6, 7, frame.color.shape)
        noisy_color = np.clip(frame.color + noise, 0, 255).astype(np.uint8)
        noisy = replace(frame, color=noisy_color, index=2)
        alone, clean = segmenter(noisy).labels, segmenter(frame).labels
        segmenter.configure(smoothing="high", min_confidence=0.0)
        first = segmenter(frame).labels
        assert clean is not None
        assert first is not None
        assert alone is not None
        assert (first == clean).mean() > 0.999  # Nothing to remember yet: as without smoothing.
        segmenter(later)
        smoothed = segmenter(noisy).labels
        assert smoothed is not None
        assert (smoothed != clean).sum() < (alone != clean).sum()
        segmenter.reset()
        forgotten = segmenter(noisy).labels
        assert forgotten is not None
        assert (forgotten == alone).mean() > 0.999

    def test_smoothing_comes_and_goes_without_anything_being_built(
        self, segmenter: Segmenter, make_frame: FrameMaker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plain = segmenter(make_frame(index=0)).labels
        builds: list[Any] = []
        monkeypatch.setattr(segmenter, "build", builds.append)
        for index, level in enumerate(("high", "low", "off", "high", "off"), start=1):
            segmenter.configure(smoothing=level, min_confidence=0.1 * index)  # type: ignore[arg-type]
            smoothed = segmenter(make_frame(seed=index, index=index))
            assert smoothed.labels is not None
            assert (smoothed.labels > 0).any()
        segmenter.configure(smoothing="off", min_confidence=0.0)
        last = segmenter(make_frame(index=9)).labels
        assert plain is not None
        assert last is not None
        assert np.array_equal(last, plain)
        assert builds == []

    def test_a_batch_is_its_frames(self, segmenter: Segmenter, make_frame: FrameMaker) -> None:
        frames = [make_frame(seed, index=seed) for seed in range(3)]
        for frame, result in zip(frames, segmenter.batch(frames), strict=True):
            single = segmenter(frame).labels
            assert result.frame is frame
            assert single is not None
            assert result.labels is not None
            assert (single == result.labels).mean() >= self.least_equal

    def test_info_says_what_runs_and_why(self, segmenter: Segmenter, model_path: Path) -> None:
        info = segmenter.info
        assert info.model
        assert info.origin == str(model_path)
        assert info.trained_on == "random weights"
        assert info.backend
        assert info.device
        assert info.precision
        assert info.size == (96, 128)

    def test_progress_comes_in_order_and_can_give_up(self, model_path: Path) -> None:
        class GivenUp(Exception):
            pass

        shares: list[float] = []
        options = SegmenterOptions(precision="float32", threads=1, frame_size=(96, 128))
        self.open(model_path, options, lambda _, share: shares.append(share)).close()
        assert len(shares) >= 3
        assert shares == sorted(shares)
        assert shares[-1] == 1.0
        before = set(threading.enumerate())

        def give_up(_stage: str, share: float) -> None:
            if share > 0.5:
                raise GivenUp

        with pytest.raises(GivenUp):
            self.open(model_path, options, give_up)
        assert set(threading.enumerate()) <= before

    def test_closed_is_closed(self, segmenter: Segmenter, make_frame: FrameMaker) -> None:
        segmenter.close()
        segmenter.close()
        with pytest.raises(ModelError, match="closed"):
            segmenter(make_frame())

    def test_settings_out_of_range_are_refused(self, segmenter: Segmenter) -> None:
        with pytest.raises(ConfigurationError, match="smoothing"):
            segmenter.configure(smoothing="much", min_confidence=0.0)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="min_confidence"):
            segmenter.configure(smoothing="off", min_confidence=1.5)

    def test_unusable_files_devices_and_precisions_are_refused(self, model_path: Path, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"gone\.safetensors"):
            self.open(tmp_path / "gone.safetensors", SegmenterOptions(), ignore)
        with pytest.raises(ModelError, match="abacus"):
            self.open(model_path, SegmenterOptions(device="abacus"), ignore)
        with pytest.raises(ConfigurationError, match="float12"):
            self.open(model_path, SegmenterOptions(precision="float12"), ignore)
