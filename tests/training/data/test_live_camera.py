"""Views and faults of live cameras: labels and depth are never mixed, and each fault is there."""

from __future__ import annotations

import numpy as np
import pytest

from rgbd_seg.labels import LabelSet
from training.data.augment import augment
from training.data.hard import HardPictures, kinect_depth
from training.data.live_camera import live_color, live_depth, random_view
from training.data.sample import LabelledPictures, Sample

SIZE = (96, 128)


def room() -> Sample:
    """A bright wall at 3 m with a dark box at 1 m before it; label and depth say the same of every pixel."""
    color = np.full((*SIZE, 3), 180, np.uint8)
    depth_m = np.full(SIZE, 3, np.float32)
    label = np.ones(SIZE, np.uint8)
    color[30:70, 40:90], depth_m[30:70, 40:90], label[30:70, 40:90] = 40, 1, 2
    return Sample(color, depth_m, label, "room", "test")


def test_a_view_shows_colour_depth_and_labels_of_the_same_place() -> None:
    for seed in range(60):
        view = random_view(room(), SIZE, (48, 64), (0.5, 2), np.random.default_rng(seed))
        assert view.label.shape == (48, 64)
        assert set(np.unique(view.label)) <= {0, 1, 2}
        assert np.array_equal(view.depth_m, np.array([0, 3, 1], np.float32)[view.label])
        sure = np.abs(view.color[..., 0].astype(int) - np.array([0, 180, 40])[view.label]) < 5
        assert sure.mean() > 0.8  # All but the interpolated borders.


def test_equal_seeds_draw_equal_samples_and_others_differ() -> None:
    one, again, other = (augment(room(), "live", SIZE, seed, crop=(64, 64)) for seed in (1, 1, 2))
    assert np.array_equal(one.color, again.color)
    assert np.array_equal(one.depth_m, again.depth_m)
    assert np.array_equal(one.label, again.label)
    assert not np.array_equal(one.color, other.color)


def test_measured_depth_stays_near_the_truth_and_holes_stay_holes() -> None:
    sample = room()
    sample.depth_m[80:, :20] = 0
    for seed in range(80):
        depth_m = live_depth(sample.depth_m, sample.color, np.random.default_rng(seed))
        assert depth_m.shape == SIZE
        assert depth_m.dtype == np.float32
        assert np.isfinite(depth_m).all()
        seen = depth_m > 0
        assert depth_m[seen].min(initial=9) > 0.9
        assert depth_m[seen].max(initial=0) < 3.3
        assert (depth_m[84:, :16] == 0).all()


@pytest.mark.parametrize(
    ("fault", "is_there"),
    [
        ("nothing at all", lambda depth_m: not depth_m.any()),
        (
            "the shadow of the projector beside the box alone",
            lambda d: (d[45:55] == 0).sum() > 2 * (d[5:15] == 0).sum(),
        ),
        ("a box that is too dark", lambda d: (d[35:65, 45:85] == 0).mean() > 0.4 and (d[:25] == 0).mean() < 0.2),
        ("a border", lambda d: (d[:, 0] == 0).all() and (d[10:20, 20:30] > 0).all()),
        ("between the two surfaces", lambda d: ((d > 1.2) & (d < 2.7)).sum() > 20),
    ],
)
def test_every_fault_comes(fault: str, is_there: object) -> None:
    drawn = [live_depth(room().depth_m, room().color, np.random.default_rng(seed)) for seed in range(120)]
    count = sum(bool(is_there(depth_m)) for depth_m in drawn)  # type: ignore[operator]
    assert 1 <= count < 110, fault


def test_colour_is_sometimes_black_and_never_together_with_the_depth() -> None:
    pictures = [live_color(room().color, np.random.default_rng(seed)) for seed in range(100)]
    assert 1 <= sum(not picture.any() for picture in pictures) <= 15
    for seed in range(150):
        sample = augment(room(), "live", SIZE, seed)
        assert sample.color.any() or sample.depth_m.any()


class OneRoom(LabelledPictures):
    label_set = LabelSet.from_dict({"classes": ["wall", "box"]})

    def __len__(self) -> int:
        return 1

    def read(self, index: int) -> Sample:
        return room()


def test_hard_conditions_take_away_what_they_say_and_nothing_else() -> None:
    holes, without, black = (HardPictures(OneRoom(), one).read(0) for one in ("holes", "no-depth", "black"))
    for hard in (holes, without, black):
        assert np.array_equal(hard.label, room().label)
    assert not without.depth_m.any()
    assert np.array_equal(without.color, room().color)
    assert not black.color.any()
    assert np.array_equal(black.depth_m, room().depth_m)
    lost = holes.depth_m == 0
    assert 0.08 < lost.mean() < 0.4
    shadow = lost[35:65, 28:40].mean() + lost[35:65, 90:102].mean()
    assert shadow > 2 * lost[35:65, 5:17].mean(), "the box throws a shadow to one of its sides"
    assert np.abs(holes.depth_m - room().depth_m)[~lost].max() < 0.2
    assert np.array_equal(holes.depth_m, kinect_depth(room().depth_m, room().color, 0)), "the same every time"
