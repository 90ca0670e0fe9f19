"""What is said of a data set before a run, and what training makes of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from tests.training.small_data import NAMES, draw, write_folder
from tests.training.small_run import fit
from training.__main__ import main
from training.data.folder import FolderData, PictureFolder
from training.data.survey import class_pixels, median_frequency_weights, repeat_factors, survey
from training.network.weights import load_trained

if TYPE_CHECKING:
    from pathlib import Path


def test_shares_void_and_holes_are_those_of_the_pictures(small_folder: Path):
    found = survey(PictureFolder(small_folder), progress=False).to_dict()
    drawn = [draw(seed) for seed in range(12)]
    labels = np.stack([label for _, _, label in drawn])
    depth = np.stack([depth for _, depth, _ in drawn])
    assert found["pictures"] == 12
    assert found["sizes"] == {"64x64": 12}
    assert found["void"] == pytest.approx((labels == 0).mean())
    assert found["holes"] == pytest.approx((depth == 0).mean())
    assert found["depth_mean_m"] == pytest.approx(depth[depth > 0].mean() / 1000)
    assert found["depth_std_m"] == pytest.approx(depth[depth > 0].std() / 1000, rel=1e-4)
    for label, name in enumerate(NAMES, start=1):
        assert found["classes"][name]["share"] == pytest.approx((labels == label).sum() / (labels > 0).sum())
        assert found["classes"][name]["pictures"] == 12
    np.testing.assert_array_equal(
        class_pixels(PictureFolder(small_folder)), [np.bincount(one.ravel(), minlength=4) for one in labels]
    )


def test_the_command_names_bad_files_and_absent_classes(tmp_path: Path, capsys):
    root = write_folder(tmp_path / "mine", 4)
    (root / "image" / "001.png").write_bytes(b"no picture")
    cv2.imwrite(str(root / "label" / "002.png"), np.full((64, 64), 9, np.uint8))
    for name in ("000", "003"):
        path = root / "label" / f"{name}.png"
        label = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        label[label == 3] = 1
        cv2.imwrite(str(path), label)
    report = tmp_path / "found.json"
    assert main(["data", "--data", str(root), "--json", str(report)]) == 1
    said = capsys.readouterr().out
    assert "2 cannot be used" in said
    assert "001.png" in said
    assert "002.png" in said
    assert "nowhere: ball" in said
    assert json.loads(report.read_text())["classes"]["ball"] == {"share": 0.0, "pictures": 0, "auto_weight": 1.0}


def test_weights_are_median_frequencies():
    # Two classes in both pictures at 3/4 and 1/4; the third in one of them, at 1/10; the fourth nowhere.
    pixels = np.array([[0, 60, 20, 0, 0], [0, 75, 25, 0, 0], [0, 0, 0, 100, 0]])
    pixels[2] = [0, 0, 90, 10, 0]
    frequency = [135 / 180, 135 / 280, 10 / 100]
    expected = [np.median(frequency) / one for one in frequency]
    np.testing.assert_allclose(median_frequency_weights(pixels), [*expected, 1.0])
    assert median_frequency_weights(np.array([[0, 1_000_000, 1, 1_000_000]])).max() == 5.0


def test_pictures_with_rare_classes_come_more_often():
    pixels = np.array([[0, 90, 10, 0]] * 8 + [[0, 50, 0, 50]])
    factors = repeat_factors(pixels)
    # Shares of pictures: 1, 8/9 and 1/9, the median 8/9.
    np.testing.assert_allclose(factors, [1.0] * 8 + [np.sqrt(8)])


def test_a_run_weighs_and_balances_by_what_the_data_hold(small_folder: Path, tmp_path: Path):
    run = fit(small_folder, tmp_path, "--model.class_weights=auto", "--data.balanced=true", "--trainer.max_epochs=1")
    assert load_trained(run / "checkpoints" / "last.ckpt")[1].scores["val_miou"] >= 0
    assert "class_weights: auto" in (run / "config.yaml").read_text()
    data = FolderData(small_folder, val_share=0.34)
    wanted = median_frequency_weights(class_pixels(data.pictures("train")))
    weights = _weights_of_a_run(small_folder, tmp_path / "other")
    np.testing.assert_allclose(weights, wanted, rtol=1e-6)


def _weights_of_a_run(folder: Path, out: Path) -> list[float]:
    fit(
        folder,
        out,
        "--model.class_weights=auto",
        "--trainer.max_epochs=1",
        "--trainer.callbacks+=tests.training.witness.ClassWeights",
    )
    return json.loads((out / "run" / "one" / "class_weights.json").read_text())
