"""Augmentation keeps colour, depth and labels together and invents neither depths nor classes."""

import albumentations as A
import numpy as np
import pytest

from training.data.augment import augment, gentle_transforms, published_transforms, transform_names
from training.data.sample import Sample


def marked_sample(height=120, width=160):
    """Depth and label say the same: label k stands at 0.5 k metres, void is a hole."""
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 6, (height // 10, width // 10)).astype(np.uint8)
    label = np.kron(blocks, np.ones((10, 10), np.uint8))
    color = np.repeat((label * 40)[..., None], 3, axis=2)
    return Sample(color, (label * np.float32(0.5)).astype(np.float32), label, "marked", "test")


@pytest.mark.parametrize("seed", range(12))
def test_published_warps_depth_and_label_as_one_and_interpolates_neither(seed):
    out = augment(marked_sample(), "published", (96, 128), seed)
    assert out.color.shape == (96, 128, 3)
    # Every pixel still has a depth that existed, and the one that belongs to its label: one map picked both.
    assert set(np.unique(out.depth_m)) <= {np.float32(0.5 * k) for k in range(6)}
    np.testing.assert_array_equal(out.depth_m, out.label * np.float32(0.5))


@pytest.mark.parametrize("seed", range(12))
def test_gentle_keeps_holes_and_labels(seed):
    sample = marked_sample()
    out = augment(sample, "gentle", (96, 128), seed)
    assert out.label.shape == (96, 128)
    assert set(np.unique(out.label)) <= set(range(6))
    assert (out.depth_m[out.label == 0] == 0).all()
    measured = out.depth_m > 0
    # Scale within 5 %, noise of at most 0.6 % of the squared distance (six sigma).
    expected = out.label * np.float32(0.5)
    assert (
        np.abs(out.depth_m - expected)[measured] <= 0.05 * expected[measured] + 0.04 * expected[measured] ** 2
    ).all()


@pytest.mark.parametrize("kind", ["published", "gentle"])
def test_the_same_seed_draws_the_same(kind):
    sample = marked_sample()
    first, again, other = (augment(sample, kind, (64, 64), seed) for seed in (5, 5, 6))
    for a, b in ((first.color, again.color), (first.depth_m, again.depth_m), (first.label, again.label)):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first.color, other.color)


def test_transforms_are_drawn_independently_of_each_other():
    sample = marked_sample(60, 60)
    drawn = {
        kind: [augment(sample, kind, (60, 60), seed).label for seed in range(80)] for kind in ("gentle", "published")
    }

    def equal_to(kind, label):
        return sum((one == label).mean() > 0.97 for one in drawn[kind])

    # Gentle mirrors every second time and zooms three times of four: in an eighth of all draws each is alone.
    assert 3 <= equal_to("gentle", sample.label[:, ::-1]) <= 20
    assert 3 <= equal_to("gentle", sample.label) <= 20
    # Of the published ones one in ninety moves nothing.
    assert equal_to("published", sample.label) <= 3


def test_colour_transforms_leave_depth_alone():
    changed = False
    for seed in range(40):
        sample = marked_sample(64, 64)
        out = augment(sample, "gentle", (64, 64), seed)
        changed |= not np.array_equal(out.color, sample.color)
        assert out.depth_m.max() < 2.5 * 1.05 + 0.25
    assert changed


def test_the_published_list_is_complete_and_in_order():
    assert " ".join(transform_names("published", (240, 320))) == (
        "RGBShift OneOf CLAHE RandomBrightnessContrast GaussianBlur RandomGamma RandomCrop HorizontalFlip "
        "VerticalFlip RandomScale Sequential OpticalDistortion GridDistortion Affine RandomRotate90 CoarseDropout"
    )


def test_none_only_resizes():
    sample = marked_sample()
    assert augment(sample, "none", (120, 160), 0) is sample
    assert augment(sample, "none", (60, 80), 0).label.shape == (60, 80)


@pytest.mark.parametrize(("scale", "size"), [(1.25, (150, 200)), (0.8, (96, 128))])
def test_scaling_leaves_depth_and_labels_where_colour_is(scale: float, size: tuple[int, int]):
    # A picture whose brightness, depth and label all tell the column: after scaling they still tell the same one.
    columns = np.tile(np.arange(160, dtype=np.uint8), (120, 1))
    sample = Sample(np.repeat(columns[..., None], 3, axis=2), columns.astype(np.float32), columns, "ramp", "test")
    for build in (gentle_transforms(120, 160, (scale, scale)), published_transforms(120, 160)):
        scaling = next(transform for transform in build.transforms if type(transform).__name__ == "RandomScale")
        pipeline = A.Compose(
            [A.RandomScale((scale - 1, scale - 1), mask_interpolation=scaling.mask_interpolation, p=1)],
            additional_targets={"depth": "mask"},
        )
        out = pipeline(image=sample.color, mask=sample.label, depth=sample.depth_m)
        assert out["mask"].shape == size
        np.testing.assert_array_equal(out["mask"], out["depth"])
        where_colour_is = (np.arange(size[1]) + 0.5) / scale - 0.5
        shift = out["depth"][0] - where_colour_is
        assert abs(shift.mean()) < 0.15  # The pixel to the upper left would be 0.3 and 0.5 off.
        assert np.abs(shift).max() <= 0.5
        assert np.abs(out["image"][0, 4:-4, 0] - where_colour_is[4:-4]).max() < 0.8  # Bytes.
