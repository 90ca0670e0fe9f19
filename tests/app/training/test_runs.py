"""Training from the window, without the window: what can be trained, the run's folder, its process and its curves."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import psutil
import pytest

from rgbd_seg.app.training.curves import Curves
from rgbd_seg.app.training.data_survey import survey
from rgbd_seg.app.training.job import Job
from rgbd_seg.app.training.pace import Pace, known_pace
from rgbd_seg.app.training.plan import TrainingPlan
from rgbd_seg.app.training.run_folder import Stage, file_name, final_checkpoint, new_run, read_json, runs_in, write_json
from rgbd_seg.app.training.start_model import StartModel, read_start_model
from rgbd_seg.app.training.words import run_text
from rgbd_seg.assets import asset
from rgbd_seg.errors import ConfigurationError
from tests.app.training.stub import use_stub
from tests.training.small_data import NAMES, write_folder
from tests.waiting import PATIENCE_S, program, until

if TYPE_CHECKING:
    from rgbd_seg.app.training.data_survey import DataSurvey

_PATIENCE_S = 300  # Of the slow test: loading the training alone takes half a minute of a core.


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSurvey:
    return survey(write_folder(tmp_path_factory.mktemp("data") / "small", 8))


@pytest.fixture
def plan(data: DataSurvey) -> TrainingPlan:
    return TrainingPlan("small things", data, None, NAMES, (64, 64))


def test_a_survey_counts_pictures_and_classes(data: DataSurvey) -> None:
    assert (data.frames, data.size, data.label_set.names) == (8, (64, 64), NAMES)
    assert sum(data.shares.values()) == pytest.approx(1)
    assert data.shares["wall"] > data.shares["board"] > data.shares["ball"] > 0
    assert data.labelled == pytest.approx(61 / 64)
    assert "8 labelled pictures, 64x64, 3 of 3 classes" in str(data)


def test_the_best_score_on_a_single_picture_is_luck_and_the_end_of_the_run_counts(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    for name in ("last", "best-0-0.9"):
        (tmp_path / "checkpoints" / f"{name}.ckpt").touch()
    for held_out, stopped, chosen in ((1, False, "last"), (1, True, "best-0-0.9"), (9, False, "best-0-0.9")):
        (tmp_path / "metrics.jsonl").write_text(json.dumps({"held_out": [str(i) for i in range(held_out)]}) + "\n")
        (tmp_path / "stop").touch() if stopped else (tmp_path / "stop").unlink(missing_ok=True)
        checkpoint = final_checkpoint(tmp_path)
        assert checkpoint is not None
        assert checkpoint.stem == chosen


@pytest.mark.skipif(os.name == "nt", reason="processes there have no signals")
def test_a_training_that_was_killed_says_so(
    plan: TrainingPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_stub(tmp_path, monkeypatch)
    run = new_run(tmp_path / "runs", replace(plan, name="killed"))
    assert Job(run.folder).run() == 1
    assert run.state().stage is Stage.FAILED
    assert "killed (SIGKILL)" in run.state().error
    assert "TPU" not in run.state().error


def test_the_pace_of_a_run_says_how_long_another_one_takes(plan: TrainingPlan, tmp_path: Path) -> None:
    run = new_run(tmp_path, plan)
    began = read_json(run.folder / "plan.json")["began"]
    # 20 s until the first step ends, 2 s a step, 3 s for two held-out pictures, 4 s for a checkpoint, 10 s of export.
    times = [("start", 0, 15), ("train", 1, 20), ("train", 2, 22), ("train", 3, 24), ("validation", 3, 27)]
    times += [("train", 4, 33), ("train", 5, 35), ("train", 6, 37), ("validation", 6, 40), ("end", 6, 41)]
    rows = [{"event": event, "step": step, "time": began + at} for event, step, at in times]
    (run.folder / "metrics.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\nhalf a li")
    assert known_pace(tmp_path, plan.kind) is None  # It has not ended yet.
    write_json(run.folder / "state.json", {"stage": "finished", "time": began + 51})
    pace = known_pace(tmp_path, plan.kind)
    assert pace == Pace(18, 2, 1.5, 4, 10)
    assert known_pace(tmp_path, replace(plan, batch_size=2).kind) is None
    assert (plan.held_out, plan.steps) == (2, 1)  # Of 8 pictures, 6 are trained on at once.
    assert pace.seconds(replace(plan, minutes=None, epochs=10)) == 18 + 10 * (2 + 3 + 4) + 10
    assert pace.seconds(replace(plan, minutes=5)) == 18 + 300 + 3 + 10


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda root: (root / "depth").rename(root / "tief"), "no folder depth/"),
        (lambda root: (root / "labels.json").unlink(), "no labels.json"),
        (lambda root: (root / "label" / "001.png").unlink(), "1 of 3 pictures have no depth or label"),
        (lambda root: [path.unlink() for path in (root / "image").iterdir()], "no picture in"),
        (lambda root: cv2.imwrite(str(root / "label" / "002.png"), np.full((64, 64), 9, np.uint8)), "holds label 9"),
        (
            lambda root: cv2.imwrite(str(root / "label" / "002.png"), np.ones((32, 64), np.uint8)),
            "64x32 pixels in label/",
        ),
        (
            lambda root: [cv2.imwrite(str(p), np.zeros((64, 64), np.uint8)) for p in (root / "label").iterdir()],
            "No pixel",
        ),
    ],
)
def test_a_folder_that_cannot_be_trained_on_is_refused_with_the_reason(damage, sentence: str, tmp_path: Path) -> None:
    root = write_folder(tmp_path / "bad", 3)
    damage(root)
    with pytest.raises(ConfigurationError, match=sentence):
        survey(root)


def test_a_plan_says_what_is_wrong_with_it(plan: TrainingPlan) -> None:
    assert plan.problem == ""
    assert "name" in replace(plan, name=" ").problem
    assert "Choose at least one class" in replace(plan, classes=()).problem
    assert "at least 5" in replace(plan, data=replace(plan.data, frames=3)).problem
    unseen = replace(plan, data=replace(plan.data, shares=dict.fromkeys(NAMES, 0.0)))
    assert "None of the chosen classes" in unseen.problem


def test_the_start_model_gives_its_network_and_its_depth_scale(plan: TrainingPlan, tmp_path: Path) -> None:
    start = read_start_model(asset("models/demo.safetensors"))
    settings = replace(plan, start=start).settings(tmp_path)
    assert settings["model"]["initial_weights"] == str(start.path)
    assert settings["model"]["base_width"] == 32
    assert settings["data"]["init_args"]["depth_mean_m"] == pytest.approx(2.22)
    assert settings["model"]["trained_on"] == "synthetic rooms, then 8 pictures of small"
    assert not replace(plan, start=start).keeps_classes
    assert replace(plan, start=replace(start, classes=NAMES)).keeps_classes


def test_time_epochs_and_left_out_classes_reach_the_settings(plan: TrainingPlan, tmp_path: Path) -> None:
    timed = replace(plan, minutes=1505).settings(tmp_path)
    assert (timed["trainer"]["max_time"], timed["trainer"]["max_epochs"]) == ("01:01:05:00", -1)
    assert "merge" not in timed["data"]["init_args"]
    counted = replace(plan, minutes=None, epochs=3, classes=("wall", "ball")).settings(tmp_path)
    assert (counted["trainer"]["max_time"], counted["trainer"]["max_epochs"]) == (None, 3)
    assert counted["data"]["init_args"]["merge"] == {"wall": ["wall"], "ball": ["ball"]}
    assert counted["data"]["init_args"]["batch_size"] <= 6  # What is left of eight after the held-out ones.


def test_runs_are_listed_newest_first_and_names_make_safe_folders(plan: TrainingPlan, tmp_path: Path) -> None:
    first = new_run(tmp_path / "runs", plan)
    time.sleep(0.01)
    second = new_run(tmp_path / "runs", replace(plan, name="../ä/b:c"))
    assert second.folder.parent == tmp_path / "runs"
    assert [run.name for run in runs_in(tmp_path / "runs")] == ["../ä/b:c", "small things"]
    assert first.state().stage is Stage.STARTING
    assert runs_in(tmp_path / "nowhere") == []
    assert file_name("///") == "_"
    assert (file_name("Con.one"), file_name("lpt1"), file_name("console")) == ("_Con.one", "_lpt1", "console")


def test_a_run_whose_process_is_gone_is_lost(plan: TrainingPlan, tmp_path: Path) -> None:
    run = new_run(tmp_path, plan)
    me = psutil.Process()
    state = {"stage": "training", "pid": me.pid, "process_began": me.create_time()}
    (run.folder / "state.json").write_text(json.dumps(state))
    assert run.state().stage is Stage.TRAINING
    # The same number, but another process: the machine has been started again.
    (run.folder / "state.json").write_text(json.dumps(state | {"process_began": me.create_time() - 1000}))
    assert run.state().stage is Stage.LOST
    for broken in (
        "{",
        "[]",
        '{"stage": 7}',
        '{"stage": "training", "pid": "x"}',
        '{"stage": "training", "pid": 1e99}',
    ):
        (run.folder / "state.json").write_text(broken)
        assert run.state().stage in (Stage.STARTING, Stage.LOST)


def test_curves_follow_a_growing_file(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    curves = Curves(path)
    assert not curves.read()
    row = {"event": "train", "time": 10.0, "epoch": 0, "step": 1, "progress": 0.1, "train_loss": 2.0}
    score = {
        "event": "validation",
        "time": 30.0,
        "step": 3,
        "progress": 0.5,
        "val_miou": 0.25,
        "iou": {"a": 0.5, "b": None},
    }
    half = json.dumps(score)
    path.write_text(f"{json.dumps(row)}\nno json\n[1]\n{half[:20]}")
    assert curves.read()
    assert (curves.steps, curves.losses, curves.mious) == ([1], [2.0], [])
    with path.open("a") as file:
        file.write(f"{half[20:]}\n")
    assert curves.read()
    assert not curves.read()
    assert (curves.scored_steps, curves.mious, curves.iou) == ([3], [0.25], {"a": 0.5})
    assert curves.seconds_left == pytest.approx(20)
    path.write_text(f"{json.dumps(row)}\n")  # A new run in the same folder.
    curves.read()
    assert (curves.steps, curves.mious) == ([1], [])


def test_a_run_trains_and_leaves_a_model(plan: TrainingPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_stub(tmp_path, monkeypatch)
    run = new_run(tmp_path / "runs", plan)
    command = [sys.executable, "-m", "rgbd_seg.app.training.job", str(run.folder)]
    with program(command) as job:
        curves = Curves(run.folder / "metrics.jsonl")
        until(lambda: curves.read() and curves.mious, "the first score")
        assert run.state().stage is Stage.TRAINING
        assert "mIoU 0.400" in run_text(run, run.state(), curves)
        run.stop()
        assert job.wait(PATIENCE_S) == 0
    assert run.state().stage is Stage.FINISHED
    assert run.model == run.folder / "small things.safetensors"
    assert run.model.read_bytes() == b"best"
    assert "$ training export" in (run.folder / "log.txt").read_text()


def test_a_failure_is_told_in_the_words_of_the_training(
    plan: TrainingPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_stub(tmp_path, monkeypatch)
    run = new_run(tmp_path / "runs", replace(plan, name="doomed"))
    assert Job(run.folder).run() == 1
    state = run.state()
    assert (state.stage, state.error) == (Stage.FAILED, "the loss became nan in epoch 0. Lower the learning rate")
    assert Job(run.folder).run(only_export=True) == 1
    assert run.state().stage is Stage.FAILED
    (run.folder / "checkpoints").mkdir()
    (run.folder / "checkpoints" / "recent.ckpt").write_bytes(b"recent")
    run.mark_starting()
    assert run.state().stage is Stage.STARTING
    assert Job(run.folder).run(go_on=True) == 1  # Doomed again, but from where it was.
    assert f"--ckpt_path {run.folder / 'checkpoints' / 'recent.ckpt'}" in (run.folder / "log.txt").read_text()
    assert Job(run.folder).run(only_export=True) == 0
    assert run.model is not None
    assert run.model.read_bytes() == b"recent"


@pytest.mark.slow
@pytest.mark.timeout(2 * _PATIENCE_S + 60)
def test_the_real_training_stops_on_request_and_its_model_opens(data: DataSurvey, tmp_path: Path) -> None:
    demo = read_start_model(asset("models/demo.safetensors"))
    run = new_run(tmp_path, TrainingPlan("real", data, demo, NAMES, (32, 32), 4, 30))
    with program([sys.executable, "-m", "rgbd_seg.app.training.job", str(run.folder)]) as job:
        curves = Curves(run.folder / "metrics.jsonl")
        until(lambda: curves.read() and curves.losses, "the first loss", _PATIENCE_S)
        run.stop()
        assert job.wait(_PATIENCE_S) == 0, (run.folder / "log.txt").read_text()
    curves.read()
    assert curves.mious
    assert curves.progress < 1
    model = read_start_model(Path(str(run.model)))
    assert isinstance(model, StartModel)
    assert (model.name, model.classes) == ("real", NAMES)
