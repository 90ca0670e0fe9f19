"""What a worker of a cluster does, without Ray: the same files as one machine, and never a part taken for a whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.inference import open_segmenter
from rgbd_seg.inference.segmenter import SegmenterOptions
from rgbd_seg.pipeline.offline.cluster import pinned
from rgbd_seg.pipeline.offline.cluster_task import Arithmetic, Task, model_digest, segment_recording
from rgbd_seg.pipeline.offline.seal import SEAL_FILE
from rgbd_seg.pipeline.offline.segment_source import SegmentOptions, read_result, segment_source
from rgbd_seg.sensors import open_sensor
from tests.pipeline.tiny_model import write_tiny_model
from tests.recording.picture_trees import write_pairs, write_sunrgbd_frame

if TYPE_CHECKING:
    from collections.abc import Callable

AUTO = SegmenterOptions(backend="torch", threads=1, frame_size=(24, 32))


@pytest.fixture
def task(tmp_path: Path) -> Task:
    """Three frames with labels of their own."""
    for frame in range(3):
        write_sunrgbd_frame(tmp_path / "in" / str(frame), frame)
    model = write_tiny_model(tmp_path / "tiny.safetensors")
    with open_segmenter(model, AUTO) as segmenter:
        options, arithmetic = pinned(AUTO, segmenter.info), Arithmetic.of(segmenter.info)
    digest = model_digest(model)
    return Task(str(tmp_path / "in"), tmp_path / "out" / "in", model, digest, options, arithmetic, SegmentOptions())


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_same_files_as_one_machine_and_a_seal(task: Task, tmp_path: Path) -> None:
    done = segment_recording(task)
    assert not done.earlier
    with open_segmenter(task.model, AUTO) as segmenter:
        alone = segment_source(open_sensor(task.source), segmenter, tmp_path / "alone")
    files = _files(task.output)
    assert SEAL_FILE in files
    del files[SEAL_FILE]
    assert files == _files(tmp_path / "alone")
    assert done.result.scores is not None
    assert alone.scores is not None
    assert done.result.scores.to_dict() == alone.scores.to_dict()
    assert [path.name for path in task.output.parent.iterdir()] == ["in"]


def test_auto_is_settled(task: Task) -> None:
    assert task.segmenter_options.device != "auto"
    assert task.segmenter_options.precision != "auto"


def test_finished_results_are_recognised_and_left_alone(task: Task) -> None:
    first = segment_recording(task).result
    before = {path: path.stat().st_mtime_ns for path in task.output.rglob("*")}
    again = segment_recording(replace(task, options=SegmentOptions(overwrite=True)))
    assert again.earlier
    assert {path: path.stat().st_mtime_ns for path in task.output.rglob("*")} == before
    assert (again.result.frames, again.result.warnings) == (first.frames, first.warnings)
    assert again.result.scores is not None
    assert first.scores is not None
    assert again.result.scores.to_dict() == first.scores.to_dict()


def _lose_a_file(task: Task) -> Task:
    (task.output / "labels" / "000001.png").unlink()
    return task


def _truncate(task: Task) -> Task:
    path = task.output / "overlay" / "000002.png"
    path.write_bytes(path.read_bytes()[:-1])
    return task


def _lose_the_seal(task: Task) -> Task:
    (task.output / SEAL_FILE).unlink()
    return task


def _spoil_the_seal(task: Task) -> Task:
    (task.output / SEAL_FILE).write_text('{"request": [], "files": [["../x", 3]]}')
    return task


def _retouch_the_source(task: Task) -> Task:
    path = Path(task.source) / "0" / "scene.txt"
    path.write_text("kitchen")
    return task


def _another_setting(task: Task) -> Task:
    return replace(task, options=SegmentOptions(opacity=0.25))


def _another_model(task: Task) -> Task:
    write_tiny_model(task.model, seed=4)
    return replace(task, model_digest=model_digest(task.model))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_lose_a_file, "changed or damaged"),
        (_truncate, "changed or damaged"),
        (_lose_the_seal, "no finished result"),
        (_spoil_the_seal, "no finished result"),
        (_retouch_the_source, "another model, recording or setting"),
        (_another_setting, "another model, recording or setting"),
        (_another_model, "another model, recording or setting"),
    ],
)
def test_whatever_is_not_whole_is_refused_or_made_anew(
    task: Task, change: Callable[[Task], Task], message: str
) -> None:
    segment_recording(task)
    task = change(task)
    (task.output / "thesis.tex").write_text("years of work")
    with pytest.raises(ConfigurationError, match=message):
        segment_recording(task)
    anew = replace(task, options=replace(task.options, overwrite=True))
    assert not segment_recording(anew).earlier
    assert segment_recording(anew).earlier
    assert len(list((task.output / "labels").iterdir())) == 3
    assert (task.output / "thesis.tex").exists()


def test_what_a_dead_worker_has_left_does_not_count(task: Task) -> None:
    left = task.output.parent / ".in.far-away-17.part"
    (left / "labels").mkdir(parents=True)
    (left / "segment.json").write_text("{}")
    assert not segment_recording(task).earlier
    assert not left.exists()


def test_machines_that_differ_are_refused(task: Task) -> None:
    with pytest.raises(ConfigurationError, match="same version"):
        segment_recording(replace(task, version="0.0.1"))
    with pytest.raises(ConfigurationError, match="another file"):
        segment_recording(replace(task, model_digest="0" * 64))
    with pytest.raises(ModelError, match="as was decided"):
        segment_recording(replace(task, arithmetic=replace(task.arithmetic, precision="float16")))
    assert not task.output.exists()


def test_a_failure_leaves_nothing_that_counts(task: Task) -> None:
    for path in Path(task.source).rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(Exception, match="in"):
        segment_recording(task)
    assert not task.output.exists()


def test_results_that_are_none_cannot_be_read(tmp_path: Path) -> None:
    write_pairs(tmp_path, 1)
    with pytest.raises(ConfigurationError, match="finished results"):
        read_result(tmp_path)
