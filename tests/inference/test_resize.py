"""Arrays and tensors change size alike, and as OpenCV's half-pixel methods do."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from rgbd_seg.inference.resize import (
    nearest_index_tensors,
    nearest_indices,
    resize_color,
    resize_color_tensor,
    resize_nearest,
)

SIZES = [
    ((480, 640), (240, 320)),
    ((480, 640), (256, 320)),
    ((424, 512), (240, 320)),
    ((720, 1280), (240, 320)),
    ((530, 731), (240, 320)),
    ((60, 80), (240, 320)),
    ((96, 128), (96, 128)),
]


@pytest.mark.parametrize(("before", "after"), SIZES)
def test_color_of_arrays_and_tensors_agrees_to_the_rounding(before: tuple[int, int], after: tuple[int, int]) -> None:
    color = np.random.default_rng(0).integers(0, 256, (*before, 3), dtype=np.uint8)
    array = resize_color(color, after)
    tensor = resize_color_tensor(torch.from_numpy(color).permute(2, 0, 1)[None].float(), before, after)
    assert array.shape == (*after, 3)
    difference = (torch.from_numpy(array).permute(2, 0, 1)[None].float() - tensor).abs()
    assert difference.max() <= 1.3  # Half a step for each of two roundings, and OpenCV's 11-bit weights.


@pytest.mark.parametrize(("before", "after"), SIZES)
def test_depth_of_arrays_and_tensors_is_equal(before: tuple[int, int], after: tuple[int, int]) -> None:
    depth = np.random.default_rng(1).integers(0, 65536, before, dtype=np.uint16)
    rows, columns = nearest_index_tensors(before, after)
    array = resize_nearest(depth, after)
    assert np.array_equal(array, torch.from_numpy(depth.astype(np.int32))[rows, columns].numpy())


def test_color_is_opencv_linear_up_to_a_factor_of_two() -> None:
    color = np.random.default_rng(2).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    assert np.array_equal(resize_color(color, (256, 400)), cv2.resize(color, (400, 256)))
    halved = cv2.resize(color, (320, 240), interpolation=cv2.INTER_LINEAR)
    assert np.abs(resize_color(color, (240, 320)).astype(int) - halved.astype(int)).max() <= 1


def test_nearest_is_opencv_nearest_exact() -> None:
    depth = np.random.default_rng(3).integers(0, 65536, (480, 640), dtype=np.uint16)
    expected = cv2.resize(depth, (320, 256), interpolation=cv2.INTER_NEAREST_EXACT)
    assert np.array_equal(resize_nearest(depth, (256, 320)), expected)


def test_nearest_by_hand() -> None:
    assert nearest_indices(6, 2).tolist() == [1, 4]  # The middle of each three.
    assert nearest_indices(2, 4).tolist() == [0, 0, 1, 1]
    assert nearest_indices(5, 5).tolist() == [0, 1, 2, 3, 4]


def test_large_pictures_are_averaged_and_not_skipped_over() -> None:
    stripes = np.zeros((960, 1280, 3), np.uint8)
    stripes[:, ::4] = 200  # One column in four: sampling every fourth column would see all or nothing.
    assert np.unique(resize_color(stripes, (240, 320))).tolist() == [50]


def test_no_depth_is_invented() -> None:
    depth = np.zeros((48, 64), np.uint16)
    depth[:, 32:] = 3000
    assert np.unique(resize_nearest(depth, (30, 41))).tolist() == [0, 3000]
