"""The cameras' faults: holes, shadows, quantisation and noise where physics puts them."""

from __future__ import annotations

import numpy as np
import pytest

from rgbd_seg.scenes import CAMERA_NAMES, Lighting, camera_named
from rgbd_seg.scenes.color_noise import taken_color
from rgbd_seg.scenes.depth_noise import measured_depth

HEIGHT, WIDTH = 240, 320
BRIGHT = np.full((HEIGHT, WIDTH), 220, np.uint8)


def flat(distance_m: float) -> np.ndarray:
    return np.full((HEIGHT, WIDTH), distance_m, np.float32)


def seen(clean: np.ndarray, camera: str, returned: np.ndarray = BRIGHT, seed: int = 0) -> np.ndarray:
    return measured_depth(clean, returned, camera_named(camera), np.random.default_rng(seed))


@pytest.mark.parametrize("camera", CAMERA_NAMES)
def test_a_bright_wall_is_measured_nearly_everywhere_and_without_bias(camera: str) -> None:
    depth = seen(flat(1.5), camera)
    inner = depth[30:-30, 40:-40]
    assert (inner > 0).mean() > 0.97
    assert abs(np.median(inner[inner > 0]) - 1500) < 12


@pytest.mark.parametrize("camera", CAMERA_NAMES)
def test_noise_grows_with_distance(camera: str) -> None:
    def spread(distance: float) -> float:
        depth = seen(flat(distance), camera)[60:-60, 80:-80]
        return float(depth[depth > 0].std())

    assert spread(4.0) > 2.0 * spread(1.2)


@pytest.mark.parametrize("camera", CAMERA_NAMES)
def test_nothing_outside_the_range(camera: str) -> None:
    profile = camera_named(camera)
    assert not seen(flat(profile.nearest_m - 0.1), camera).any()
    assert not seen(flat(profile.farthest_m + 3), camera).any()


@pytest.mark.parametrize("camera", CAMERA_NAMES)
def test_glass_returns_nothing_and_dark_things_little(camera: str) -> None:
    returned = BRIGHT.copy()
    returned[60:120, 100:200] = 0
    depth = seen(flat(2.0), camera, returned)
    assert not depth[60:120, 100:200].any()
    dark = np.full_like(BRIGHT, 28)
    assert (seen(flat(2.5), camera, dark) == 0).mean() > 3 * (seen(flat(2.5), camera) == 0).mean() + 0.01


@pytest.mark.parametrize("camera", ["xtion", "kinect1"])
def test_structured_light_knows_only_whole_disparity_steps(camera: str) -> None:
    profile = camera_named(camera)
    depth = seen(flat(3.0), camera)
    values = np.unique(depth[depth > 0]).astype(float) / 1000
    steps = profile.depth_focal_px * profile.baseline_m / values / profile.disparity_step_px
    assert np.abs(steps - np.rint(steps)).max() < 0.05
    assert len(values) < 40


def test_the_projector_shadow_is_left_of_near_things_and_as_wide_as_the_parallax() -> None:
    clean = flat(3.0)
    clean[80:160, 160:220] = 1.0
    depth = seen(clean, "xtion")
    band = (depth[90:150, 100:160] == 0).mean(0)
    profile = camera_named("xtion")
    parallax_px = profile.depth_focal_px * profile.baseline_m * (1 / 1.0 - 1 / 3.0) * WIDTH / 640
    assert band[::-1][: int(parallax_px * 0.7)].mean() > 0.95
    assert band[: 60 - int(parallax_px * 1.4)].mean() < 0.1
    assert (depth[90:150, 224:250] == 0).mean() < 0.2


def test_time_of_flight_has_flying_pixels_between_near_and_far() -> None:
    clean = flat(3.0)
    clean[:, 160:] = 1.5
    depth = seen(clean, "kinect2")[:, 157:163]
    assert ((depth > 1650) & (depth < 2850)).mean() > 0.05


def test_time_of_flight_loses_the_corners_of_the_picture() -> None:
    weak = np.full_like(BRIGHT, 60)
    depth = seen(flat(2.5), "kinect2", weak)
    assert (depth[:20, :20] == 0).mean() > (depth[110:130, 150:170] == 0).mean() + 0.2


def test_time_of_flight_rounds_concave_corners() -> None:
    x = np.abs(np.arange(WIDTH) - WIDTH / 2).astype(np.float32)
    clean = np.tile(3.0 - x * 0.006, (HEIGHT, 1)).astype(np.float32)  # A corner that is deepest in the middle.
    depth = seen(clean, "kinect2").astype(float)
    middle = depth[60:-60, WIDTH // 2 - 1 : WIDTH // 2 + 1]
    assert np.median(middle[middle > 0]) < 3000 - 3


def test_active_stereo_thickens_near_things() -> None:
    clean = flat(3.0)
    clean[80:160, 160:220] = 1.0
    depth = seen(clean, "realsense")
    assert ((depth[100:140, 158:222] > 900) & (depth[100:140, 158:222] < 1200)).sum() > 40 * 60 * 0.9
    assert (np.abs(depth[100:140, 220:222].astype(int) - 1000) < 150).mean() > 0.4


@pytest.mark.parametrize("camera", CAMERA_NAMES)
def test_the_same_random_numbers_give_the_same_depth(camera: str) -> None:
    assert np.array_equal(seen(flat(2.0), camera), seen(flat(2.0), camera))
    assert not np.array_equal(seen(flat(2.0), camera, seed=0), seen(flat(2.0), camera, seed=1))


def test_colour_noise_has_the_asked_strength_and_no_tint() -> None:
    grey = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    noisy = taken_color(grey, Lighting(noise=6.0, softness_px=0.0), np.random.default_rng(0))
    assert 4.5 < noisy.std() < 7.5
    assert np.abs(noisy.mean((0, 1)) - 120).max() < 1.5
    assert np.array_equal(taken_color(grey, Lighting(noise=0.0, softness_px=0.0), np.random.default_rng(0)), grey)


def test_motion_blur_smears_along_the_motion_only() -> None:
    line = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    line[:, WIDTH // 2] = 255
    lighting = Lighting(noise=0.0, softness_px=0.0, motion_px=(16.0, 0.0))
    across = taken_color(line, lighting, np.random.default_rng(0))
    along = taken_color(line.transpose(1, 0, 2).copy(), lighting, np.random.default_rng(0))
    assert (across[100, :, 0] > 0).sum() >= 7
    assert (along[:, 100, 0] > 0).sum() == 1


def test_pictures_larger_than_the_noise_field_are_covered() -> None:
    big = np.full((1100, 1300), 2.0, np.float32)
    depth = measured_depth(big, np.full(big.shape, 220, np.uint8), camera_named("xtion"), np.random.default_rng(0))
    assert depth.shape == big.shape
