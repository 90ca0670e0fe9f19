"""Regions of small made-up frames, in which it is known where the edges are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.cli import main
from rgbd_seg.labelling.pieces import disparity_of
from rgbd_seg.labelling.regions import regions_of
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.pictures.saving import write_color, write_gray, write_text

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

HEIGHT, WIDTH = 120, 160


def flat(color: int = 128, depth_mm: int = 1500) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    noise = np.random.default_rng(0).integers(-2, 3, (HEIGHT, WIDTH, 1))
    return (color + noise + np.zeros((1, 1, 3))).astype(np.uint8), np.full((HEIGHT, WIDTH), depth_mm, np.uint16)


def box() -> NDArray[np.bool_]:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[40:80, 50:110] = True
    return mask


def agreement(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_an_edge_of_colour_alone_parts_two_regions() -> None:
    color, depth = flat()
    color[box()] = (200, 60, 60)
    regions = regions_of(color, disparity_of(depth, 0.001))
    assert agreement(regions.mask(80, 60, 2), box()) > 0.97


def test_an_edge_of_depth_alone_parts_two_regions_a_white_box_on_a_white_table() -> None:
    color, depth = flat(230)
    depth[box()] = 1300
    regions = regions_of(color, disparity_of(depth, 0.001))
    assert agreement(regions.mask(80, 60, 2), box()) > 0.97


def test_a_crease_parts_two_planes_that_meet_without_a_step() -> None:
    color, _ = flat()
    x = np.arange(WIDTH) - WIDTH / 2
    disparity = np.tile((0.6 + 0.004 * np.abs(x)).astype(np.float32), (HEIGHT, 1))
    left = regions_of(color, disparity).mask(20, 60, 2)
    expected = np.zeros_like(left)
    expected[:, : WIDTH // 2] = True
    assert agreement(left, expected) > 0.95


def test_a_slanted_plane_is_one_region() -> None:
    color, _ = flat()
    color[box()] = (60, 60, 200)
    slanted = np.tile(np.linspace(0.3, 1.2, WIDTH, dtype=np.float32), (HEIGHT, 1))
    assert agreement(regions_of(color, slanted).mask(80, 60, 2), box()) > 0.97


def test_a_hole_belongs_to_the_region_whose_colour_goes_on() -> None:
    color, depth = flat()
    color[box()] = (200, 60, 60)
    depth[box()] = 1200
    depth[45:75, 50:70] = 0  # A hole at the object's left edge, of the object's colour.
    assert agreement(regions_of(color, disparity_of(depth, 0.001)).mask(80, 60, 2), box()) > 0.97


def test_coarser_grains_are_unions_of_finer_ones_and_every_count_is_met() -> None:
    rng = np.random.default_rng(1)
    color = rng.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    regions = regions_of(color, disparity_of(rng.integers(0, 4000, (HEIGHT, WIDTH), dtype=np.uint16), 0.001))
    fine = regions.at(200)
    assert fine.max() == 199
    for count in (100, 10, 1):
        coarse = regions.at(count)
        assert len(np.unique(coarse)) == count
        assert len(np.unique(fine.astype(np.int64) * 1000 + coarse)) == 200
    assert len(np.unique(regions.at(10**6))) == len(regions.pieces)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2), (3, 40), (17, 5)])
def test_tiny_pictures_and_pictures_without_depth_have_regions(size: tuple[int, int]) -> None:
    regions = regions_of(np.zeros((*size, 3), np.uint8), np.zeros(size, np.float32))
    assert regions.at(1).shape == size
    assert not regions.at(1).any()


def test_the_benchmark_counts_the_best_class_of_each_region(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    color, depth = flat()
    color[box()] = (200, 60, 60)
    write_color(tmp_path / "image" / "1.png", color)
    write_gray(tmp_path / "depth" / "1.png", depth)
    write_gray(tmp_path / "label" / "1.png", (box() + 1).astype(np.uint8))
    write_text(tmp_path / "labels.json", LabelSet.from_dict({"classes": ["table", "box"]}).to_json())
    assert main(["bench", "regions", str(tmp_path), "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {(row["method"], row["asked"]) for row in rows} == {
        (m, n) for m in ("ours", "SLIC") for n in (100, 300, 1000)
    }
    assert all(0.9 < row["miou"] <= 1 and row["cpu_ms"] > 0 for row in rows)


def test_the_benchmark_refuses_frames_without_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    color, depth = flat()
    write_color(tmp_path / "image" / "1.png", color)
    write_gray(tmp_path / "depth" / "1.png", depth)
    assert main(["bench", "regions", str(tmp_path)]) == 1
    assert "no frame with labels" in capsys.readouterr().err
