"""What a model saw never becomes truth: through files, conversions, recordings of replays, data sets and processes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.frame import Prediction, Truth
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.convert import convert, source_of, stored_frames
from rgbd_seg.recording.exports.formats import FORMATS, ExportOptions
from rgbd_seg.recording.layouts.labelled_folder import provenance_of
from rgbd_seg.recording.layouts.mcap import McapReader
from rgbd_seg.recording.mcap import format as layout
from rgbd_seg.recording.mcap.output import McapOutput
from rgbd_seg.recording.mcap.writer import RecordingWriter
from rgbd_seg.sensors import open_sensor
from tests.recording.frames import make_calibration, make_frame, make_segmentation

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.recording.reader import StoredFrame

LABELS = LabelSet.load("sunrgbd13")
REOPENED = [name for name, one in FORMATS.items() if one.reopens and one.keeps_labels]


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    """A recording of a camera with a model: predictions and no truth."""
    path = tmp_path / "seen.mcap"
    with RecordingWriter(path, make_calibration()) as writer:
        for index in range(4):
            writer.write(make_frame(index), make_segmentation(make_frame(index), LABELS))
    return path


def assert_predicted(stored: StoredFrame, index: int) -> None:
    assert stored.truth is None
    prediction = stored.prediction
    assert prediction is not None
    assert np.array_equal(prediction.labels, make_segmentation(make_frame(index), LABELS).labels)
    assert (prediction.model, prediction.model_sha256, prediction.made) == ("imagined", "ab" * 32, "in a dream")


@pytest.mark.parametrize("to", REOPENED)
def test_predictions_stay_predictions_in_every_format(seen: Path, to: str, tmp_path: Path) -> None:
    out = tmp_path / f"out{FORMATS[to].suffix}"
    with open_recording(seen) as reader:
        result = convert(stored_frames(reader), out, source_of(reader), to=to, options=ExportOptions(color="png"))
    with open_recording(out) as reader:
        assert reader.info.truth_origin is None
        assert reader.info.predictions == ("imagined, SHA-256 abababababab, in a dream",)
        for position in range(4):
            assert_predicted(reader.read(position), position)
    assert ("predictions of imagined" in result.note) == (to != "mcap")


@pytest.mark.parametrize("to", REOPENED)
@pytest.mark.parametrize("origin", ["source", "hand", "imported"])
def test_truth_stays_what_it_is_in_every_format(to: str, origin: str, tmp_path: Path) -> None:
    path = tmp_path / "truth.mcap"
    with RecordingWriter(path, make_calibration()) as writer:
        frame = make_frame(0, truth=LABELS)
        assert frame.truth is not None
        writer.write(replace(frame, truth=replace(frame.truth, origin=origin)))  # type: ignore[arg-type]
    out = tmp_path / f"out{FORMATS[to].suffix}"
    with open_recording(path) as reader:
        result = convert(stored_frames(reader), out, source_of(reader), to=to)
    with open_recording(out) as reader:
        stored = reader.read(0)
        assert reader.info.truth_origin == origin
    assert stored.truth is not None
    assert stored.truth.origin == origin
    assert stored.prediction is None
    assert result.note == ""


def test_a_replay_that_is_recorded_keeps_its_predictions(seen: Path, tmp_path: Path) -> None:
    for isolated in (False, True):
        copy = tmp_path / f"copy{isolated}.mcap"
        with open_sensor(str(seen), isolated=isolated) as sensor, RecordingWriter(copy, sensor.calibration) as writer:
            assert sensor.playback is not None or isolated
            for frame in sensor:
                writer.write(frame)
        with McapReader(copy) as reader:
            assert [stream[0] for stream in reader.streams].count(layout.TOPIC_TRUTH) == 0
            for stored in reader:
                assert_predicted(stored, stored.index)


def test_a_data_set_with_both_says_of_each_frame_which_it_is(seen: Path, tmp_path: Path) -> None:
    with open_recording(seen) as reader:
        frames = list(reader)
        source = source_of(reader)
    labels = np.full(frames[1].depth.shape, 5, np.uint8)
    frames[1] = replace(frames[1], truth=Truth(labels, LABELS, origin="hand"))
    result = convert(frames, tmp_path / "set", source)
    assert result.note.startswith("The labels of 3 frames are predictions of imagined")
    assert str(provenance_of(tmp_path / "set")) == "partly predicted by imagined"
    with open_recording(tmp_path / "set") as reader:
        for position in (0, 2, 3):
            assert_predicted(reader.read(position), position)
        by_hand = reader.read(1)
        assert by_hand.prediction is None
        assert by_hand.truth is not None
        assert by_hand.truth.origin == "hand"
        assert np.array_equal(by_hand.truth.labels, labels)


def test_labels_json_is_what_it_was_and_says_who_made_it(seen: Path, tmp_path: Path) -> None:
    with open_recording(seen) as reader:
        convert(stored_frames(reader), tmp_path / "set", source_of(reader))
    data = json.loads((tmp_path / "set" / "labels.json").read_text())
    assert data["made_by"] == [{"model": "imagined", "sha256": "ab" * 32, "how": "in a dream"}]
    assert LabelSet.load(tmp_path / "set" / "labels.json") == LABELS


def older_file(path: Path, *, in_channel: bool) -> None:
    """A file as older versions converted it: what a model saw lies where truth belongs."""
    with RecordingWriter(path.with_suffix(".whole.mcap"), make_calibration(), details={"serial": "7"}) as writer:
        frame = make_frame(0)
        writer.write(replace(frame, truth=Truth(_ids(), LABELS)))
    with McapReader(path.with_suffix(".whole.mcap")) as reader:
        contents = reader.contents
        messages = [
            (channel_id, reader._cache.message(table[0], channel_id))
            for channel_id, table in contents.index.tables.items()
        ]
        output = McapOutput(path, compression="none", library="older")
        for name, values in contents.metadata.items():
            model = (
                {"model": "demo", "model_sha256": "cd"} if name == layout.METADATA_DETAILS and not in_channel else {}
            )
            output.add_metadata(name, dict(values) | model)
        for schema in contents.schemas.values():
            output.copy_schema(schema)
        for channel in contents.channels.values():
            channel.metadata.pop("origin", None)
            if channel.topic == layout.TOPIC_TRUTH and in_channel:
                channel.metadata.update(model="demo", model_sha256="cd")
            output.copy_channel(channel)
        for channel_id, message in messages:
            output.add_message(channel_id, message.sequence, message.time_ns, bytes(message.data))
        output.flush()
        output.finish()
        output.close()


def _ids() -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    labels = make_segmentation(make_frame(0), LABELS).labels
    assert labels is not None
    return labels.reshape(48, 64)


@pytest.mark.parametrize("in_channel", [True, False])
def test_what_older_versions_wrote_as_truth_is_a_prediction(in_channel: bool, tmp_path: Path) -> None:
    older_file(tmp_path / "old.mcap", in_channel=in_channel)
    with open_recording(tmp_path / "old.mcap") as reader:
        stored = reader.read(0)
        assert "model" not in reader.info.details
        assert any("nothing is scored against them" in warning for warning in reader.info.warnings)
    assert stored.truth is None
    assert isinstance(stored.prediction, Prediction)
    assert (stored.prediction.model, stored.prediction.model_sha256) == ("demo", "cd")


def test_two_models_on_one_frame_are_said(tmp_path: Path) -> None:
    path, frame = tmp_path / "two.mcap", make_frame(0)
    with RecordingWriter(path, make_calibration()) as writer:
        writer.write(replace(frame, prediction=Prediction(_ids() * 0, LABELS, "first")))
        writer.write_segmentation(make_segmentation(frame, LABELS))
    with open_recording(path) as reader:
        assert_predicted(reader.read(0), 0)
        assert any("more than one model" in warning and "first" in warning for warning in reader.info.warnings)
