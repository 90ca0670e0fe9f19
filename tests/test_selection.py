"""Area and volume of a selection, against a box on a table that is cast ray by ray."""

from __future__ import annotations

import numpy as np
import pytest

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.selection import measure_selection

LENS = Calibration(Intrinsics(320, 240, 262.5, 262.5, 159.5, 119.5), 0.0001)
BOX_M = (0.30, 0.20, 0.12)  # Across, ahead, high.


def box_on_a_table(tilt_deg: float, *, noise: bool, box: bool = True) -> RgbdFrame:
    """A camera 1 m from the middle of a table that it looks down on; rays meet table or box."""
    v, u = np.mgrid[:240, :320]
    rays = np.stack([(u - 159.5) / 262.5, (v - 119.5) / 262.5, np.ones(u.shape)], axis=-1)
    tilt = np.deg2rad(tilt_deg)  # 90: straight down.
    ahead = np.array([0, np.cos(tilt), np.sin(tilt)])
    # World: x right, y along the table away from the camera, z up; the camera is above the origin's near side.
    world = np.stack([rays[..., 0], rays @ np.array([0, -np.sin(tilt), np.cos(tilt)]), -(rays @ ahead)], axis=-1)
    origin = np.array([0.0, -np.cos(tilt), np.sin(tilt)])
    with np.errstate(divide="ignore", invalid="ignore"):
        along = np.where(world[..., 2] < 0, -origin[2] / world[..., 2], np.inf)
        if box:
            low, high = np.array([-BOX_M[0] / 2, -BOX_M[1] / 2, 0.0]), np.array([BOX_M[0] / 2, BOX_M[1] / 2, BOX_M[2]])
            ends = np.sort(np.stack([(low - origin) / world, (high - origin) / world]), axis=0)
            near, far = ends[0].max(axis=-1), ends[1].min(axis=-1)
            along = np.where((near < far) & (near > 0), np.minimum(along, near), along)
    z = along  # Rays have z = 1 in the camera's frame.
    if noise:
        z = z + np.random.default_rng(1).normal(0, 0.0012 + 0.0019 * (z - 0.4) ** 2)
    depth = np.where(np.isfinite(z) & (z < 6), z / 0.0001, 0).round().astype(np.uint16)
    return RgbdFrame(np.zeros((240, 320, 3), np.uint8), depth, LENS, 0, 0)


@pytest.mark.parametrize("noise", [False, True], ids=["exact", "noise"])
@pytest.mark.parametrize("tilt_deg", [40.0, 65.0, 90.0])
def test_the_volume_of_a_box(tilt_deg: float, noise: bool) -> None:
    found = measure_selection(box_on_a_table(tilt_deg, noise=noise), (70, 40), (250, 200))
    assert found is not None
    assert found.volume_m3 == pytest.approx(np.prod(BOX_M), rel=0.07 if noise else 0.04)
    assert found.height_m == pytest.approx(BOX_M[2], abs=0.012)
    assert "litres" in found.explained()


@pytest.mark.parametrize("noise", [False, True], ids=["exact", "noise"])
def test_the_area_of_a_slanted_table(noise: bool) -> None:
    frame = box_on_a_table(50.0, noise=noise, box=False)
    found = measure_selection(frame, (250, 200), (70, 60))
    assert found is not None
    # The corners of the selection on the plane: a trapezium.
    points = box_on_a_table(50.0, noise=False, box=False).points()
    corners = [points[row, column] for row, column in ((60, 70), (60, 250), (200, 250), (200, 70))]
    wanted = np.linalg.norm(np.cross(corners[2] - corners[0], corners[3] - corners[1])) / 2
    wanted *= 141 * 181 / (140 * 180)  # Up to the edges of the pixels in the corners, which are in the selection.
    assert found.area_m2 == pytest.approx(wanted, rel=0.005)
    assert found.volume_m3 == pytest.approx(0.0, abs=2e-4)


def test_without_a_plane_there_is_no_volume_and_without_depth_nothing() -> None:
    frame = box_on_a_table(40.0, noise=False)
    depth = frame.depth.copy()
    depth[:120] += np.arange(120 * 320, dtype=np.uint16).reshape(120, 320) % 9000
    torn = RgbdFrame(frame.color, depth, LENS, 0, 0)
    found = measure_selection(torn, (10, 10), (300, 200))
    assert found is not None
    assert found.volume_m3 is None
    assert "one plane" in found.explained()
    blind = RgbdFrame(frame.color, np.zeros_like(depth), LENS, 0, 0)
    assert measure_selection(blind, (10, 10), (300, 200)) is None
