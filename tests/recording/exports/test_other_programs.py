"""Exports that other programs read: by our own reader, by rosbags, and by what their documentation says."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from rosbags.highlevel import AnyReader

from rgbd_seg.calibration import Intrinsics
from rgbd_seg.frame import Prediction
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.convert import convert
from rgbd_seg.recording.exports.formats import ExportOptions
from rgbd_seg.testing.stored import SOURCE, make_stored

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.recording.reader import StoredFrame

LOSSLESS = ExportOptions(color="png")


@pytest.fixture
def frames() -> list[StoredFrame]:
    return [make_stored(position) for position in range(4)]


@pytest.mark.parametrize("to", ["rosbag2", "open3d", "scannet"])
def test_what_is_written_is_read_back(frames: list[StoredFrame], tmp_path: Path, to: str) -> None:
    result = convert(frames, tmp_path / "out", SOURCE, to=to, options=LOSSLESS)
    assert result.warnings == ()
    with open_recording(tmp_path / "out") as reader:
        assert len(reader) == 4
        for before, after in zip(frames, reader, strict=True):
            assert np.array_equal(before.color, after.color)
            assert np.array_equal(before.depth, after.depth)
            assert after.calibration.depth_unit_m == 0.001
            assert after.calibration.color == before.calibration.color
            assert (after.calibration.origin, after.calibration.registered) == ("file", True)
        if to == "rosbag2":
            assert reader.start_ns == SOURCE.start_ns
            assert reader.times_us.tolist() == [frame.time_us for frame in frames]
        truth, before_it = reader.read(2).truth, frames[2].truth
        assert truth is not None
        assert before_it is not None
        assert np.array_equal(truth.labels, before_it.labels)
        assert (truth.label_set, truth.origin) == (before_it.label_set, before_it.origin)


@pytest.mark.parametrize("color", [None, "png", "jpg"])
@pytest.mark.parametrize("unit_m", [0.001, 0.00025])
def test_rosbags_reads_every_message_as_it_was_meant(tmp_path: Path, color: str | None, unit_m: float) -> None:
    """By the definitions in the file, not by its own."""
    lens = Intrinsics(64, 48, 60.5, 61.25, 31.5, 23.75, (0.1, -0.2, 0.01, 0.02, 0.3))
    frames = [make_stored(i, unit_m=unit_m) for i in range(3)]
    frames = [replace(f, calibration=replace(f.calibration, color=lens)) for f in frames]
    options = ExportOptions(color=color)  # type: ignore[arg-type]
    convert(frames, tmp_path / "out", SOURCE, to="rosbag2", options=options)
    found: dict[str, list[object]] = {}
    with AnyReader([tmp_path / "out"]) as reader:
        for connection, time_ns, data in reader.messages():
            message = reader.deserialize(data, connection.msgtype)
            found.setdefault(connection.topic, []).append((time_ns, message))
        assert reader.message_count == sum(map(len, found.values()))
    depth = found["/camera/aligned_depth_to_color/image_raw"]
    for frame, (time_ns, message) in zip(frames, depth, strict=True):
        assert SOURCE.start_ns is not None
        assert time_ns == SOURCE.start_ns + frame.time_us * 1000
        assert message.header.stamp.sec * 10**9 + message.header.stamp.nanosec == time_ns
        assert message.encoding == ("16UC1" if unit_m == 0.001 else "32FC1")
        pixels = message.data.view("<u2" if unit_m == 0.001 else "<f4").reshape(48, 64)
        metres = frame.depth * unit_m
        assert np.allclose(np.nan_to_num(pixels) * (0.001 if unit_m == 0.001 else 1), metres)
    _, info = found["/camera/color/camera_info"][0]
    assert (info.k[0], info.k[4], info.p[0], info.width) == (60.5, 61.25, 60.5, 64)
    assert info.d.tolist() == list(lens.distortion)
    assert info.distortion_model == "plumb_bob"
    _, labels = found["/labels/image"][0]
    truth = frames[0].truth
    assert truth is not None
    expected = truth.label_set.palette()[truth.labels]
    assert np.array_equal(labels.data.reshape(48, 64, 3), expected)
    if color is None:
        _, picture = found["/camera/color/image_raw"][1]
        assert np.array_equal(picture.data.reshape(48, 64, 3), frames[1].color)
    else:
        assert found["/camera/color/image_raw/compressed"][0][1].format.startswith("rgb8; ")


def test_truth_and_predictions_come_back_from_rosbag2_as_what_they_are(tmp_path: Path) -> None:
    frames = [make_stored(position) for position in range(4)]
    truth = frames[0].truth
    assert truth is not None
    seen = Prediction(truth.labels, truth.label_set, "demo", "ab" * 32, "OpenVINO float32")
    frames[1] = replace(frames[1], truth=None, prediction=seen)
    frames[2] = replace(frames[2], truth=None)
    convert(frames, tmp_path / "out", SOURCE, to="rosbag2", options=LOSSLESS)
    with open_recording(tmp_path / "out") as reader:
        info, found = reader.info, list(reader)
        assert (info.label_set, info.truth_origin) == (truth.label_set, truth.origin)
        assert info.predictions == ("demo, SHA-256 abababababab, OpenVINO float32",)
    assert [(f.truth is not None, f.prediction is not None) for f in found] == [
        (True, False), (False, True), (False, False), (True, False),
    ]  # fmt: skip
    assert found[1].prediction is not None
    assert (found[1].prediction.model, found[1].prediction.model_sha256) == ("demo", "ab" * 32)
    assert np.array_equal(found[1].prediction.labels, truth.labels)
    with AnyReader([tmp_path / "out"]) as bag:
        assert {"/labels/ids", "/labels_2/ids", "/labels/image"} <= set(bag.topics)


def test_open3ds_intrinsics_go_column_by_column(frames: list[StoredFrame], tmp_path: Path) -> None:
    convert(frames, tmp_path / "out", SOURCE, to="open3d")
    values = json.loads((tmp_path / "out" / "intrinsic.json").read_text())
    assert values["intrinsic_matrix"] == [60.5, 0, 0, 0, 61.25, 0, 31.5, 23.75, 1]
    assert values["depth_scale"] == 1000
    assert sorted(p.name for p in (tmp_path / "out" / "color").iterdir()) == [f"{i:05d}.jpg" for i in range(4)]
