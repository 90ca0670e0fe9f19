"""Statistics over a recording, against what was put into it."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.cli import main
from rgbd_seg.frame import Prediction, RgbdFrame, Segmentation, Truth
from rgbd_seg.labels import LabelSet
from rgbd_seg.pipeline.offline.class_statistics import ClassCounter
from rgbd_seg.recording.mcap.writer import RecordingWriter

if TYPE_CHECKING:
    from pathlib import Path

LENS = Calibration(Intrinsics(64, 48, 60.0, 60.0, 32.0, 24.0))
LABELS = LabelSet.load("sunrgbd13")


def frame(index: int, labels: np.ndarray | None, *, truth: bool = True) -> RgbdFrame:
    """A wall 2 m away."""
    depth = np.full((48, 64), 2000, np.uint16)
    color = np.zeros((48, 64, 3), np.uint8)
    known = None if labels is None else labels.astype(np.uint8)
    return RgbdFrame(
        color,
        depth,
        LENS,
        index,
        1_000_000_000 + index * 100_000_000,
        truth=Truth(known, LABELS) if known is not None and truth else None,
        prediction=Prediction(known, LABELS, "old") if known is not None and not truth else None,
    )


def halves(right: int) -> np.ndarray:
    labels = np.ones((48, 64), np.uint8)
    labels[:, 32:] = right
    return labels


def test_time_first_sight_shares_and_areas() -> None:
    counter = ClassCounter()
    speck = halves(1)
    speck[0, :3] = 5  # 0.1 % of the picture: flicker.
    for position, labels in enumerate((halves(1), speck, halves(2), halves(2))):
        counter.add(position * 0.1, Segmentation(frame(position, labels)))
    counter.add(60.0, Segmentation(frame(9, halves(0))))  # After a gap, which counts as one frame.
    found = counter.result()
    assert found.labels == "the recording's truth"
    assert (found.frames, round(found.seconds, 6)) == (5, 0.5)
    first, second = found.classes
    assert (first.name, first.frames, round(first.seconds, 6)) == (LABELS.name_of(1), 5, 0.5)
    assert (second.name, round(second.first_s, 6), round(second.last_s, 6)) == (LABELS.name_of(2), 0.2, 0.3)
    assert second.share_of_time == pytest.approx(0.4)
    assert second.mean_share == pytest.approx(0.5)
    # A pixel at 2 m is 2/60 m wide: half of 64 x 48 of them.
    assert second.mean_area_m2 == pytest.approx(32 * 48 * (2 / 60) ** 2, rel=0.05)
    text = io.StringIO()
    found.write_csv(text)
    rows = list(csv.DictReader(io.StringIO(text.getvalue())))
    assert [row["class"] for row in rows] == [first.name, second.name]
    assert float(rows[1]["first_s"]) == pytest.approx(0.2)


def test_the_command_counts_and_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, labelled in (("labelled.mcap", True), ("bare.mcap", False)):
        with RecordingWriter(tmp_path / name, LENS) as writer:
            for position in range(4):
                writer.write(frame(position, halves(2) if labelled else None, truth=False))
    table = tmp_path / "out.csv"
    assert main(["statistics", str(tmp_path / "labelled.mcap"), "--every", "2", "--csv", str(table)]) == 0
    said = capsys.readouterr().out
    assert "recorded labels of old" in said
    assert "2 frames" in said
    assert len(table.read_text().splitlines()) == 3
    assert main(["statistics", str(tmp_path / "labelled.mcap"), "--csv", str(table)]) == 2
    assert main(["statistics", str(tmp_path / "bare.mcap")]) == 1
    assert "choose a model" in capsys.readouterr().err
