"""The whole way round: train, look at the logs, evaluate, export, report, go on after a kill."""

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from rgbd_seg.models.model_file import load_model, read_card
from tests.training.small_data import NAMES
from tests.training.small_run import arguments, fit
from tests.waiting import program, until
from training.__main__ import main
from training.data.source import open_data
from training.drawing import bars_figure
from training.network.weights import load_trained
from training.results.evaluate import Predictor, evaluate
from training.results.report import read_curves
from training.scores import Scores


@pytest.fixture(scope="module")
def run(small_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that learned the small pictures."""
    more = ("--trainer.max_epochs=12", "--recent.every_n_train_steps=2", "--pictures.samples=2")
    return fit(small_folder, tmp_path_factory.mktemp("runs"), *more)


def test_it_learns_and_keeps_the_best(run: Path):
    best = list((run / "checkpoints").glob("best-*.ckpt"))
    assert len(best) == 1
    assert float(best[0].stem.rsplit("-", 1)[1]) > 0.6
    assert (run / "checkpoints" / "last.ckpt").is_file()


def test_the_run_records_itself(run: Path):
    about = json.loads((run / "about.json").read_text())
    assert torch.__version__.startswith(about["packages"]["torch"])
    assert about["initial_weights"] == "random weights"
    text = (run / "config.yaml").read_text()
    assert "seed_everything: 0" in text
    assert "base_width: 8" in text


def test_tensorboard_has_scalars_and_pictures(run: Path):
    events = EventAccumulator(str(run), size_guidance={"images": 0})
    events.Reload()
    tags = events.Tags()
    wanted = {"train/loss", "val/loss", "val/miou", "train/miou", *(f"iou/{name}" for name in NAMES)}
    assert wanted <= set(tags["scalars"])
    # One of each for each validation, of its own scores.
    for tag in ("colour, depth, truth, prediction", "confusion"):
        assert [image.step for image in events.Images(tag)] == [2 * epoch for epoch in range(1, 13)]


def test_the_metrics_file_follows_the_run(run: Path):
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [rows[0]["event"], rows[-1]["event"]] == ["start", "end"]
    steps = [row for row in rows if row["event"] == "train"]
    assert [row["step"] for row in steps] == list(range(1, 25))  # Two batches in each of twelve epochs.
    assert {row["total_steps"] for row in rows} == {24}
    assert steps[-1]["train_loss"] < 0.7 * steps[0]["train_loss"]
    validations = [row for row in rows if row["event"] == "validation"]
    assert len(validations) == 12
    assert set(validations[-1]["iou"]) == set(NAMES)
    best = Path(rows[-1]["best"])
    assert float(best.stem.rsplit("-", 1)[1]) == pytest.approx(max(row["val_miou"] for row in validations), abs=1e-4)
    assert rows[-1]["progress"] == 1.0


def test_scores_of_the_try_before_training_are_on_no_card_and_whose_labels_they_are_is(
    small_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    predicted = tmp_path / "predicted"
    shutil.copytree(small_folder, predicted)
    (predicted / "labels.json").write_text(json.dumps({"classes": list(NAMES), "made_by": [{"model": "a demo"}]}))
    every = ("--recent.every_n_train_steps=1", "--recent.save_top_k=-1", "--recent.filename={step}")
    kept = fit(predicted, tmp_path, "--trainer.num_sanity_val_steps=1", "--trainer.max_epochs=1", *every)
    # Two batches: validation has not been when the first is kept.
    assert load_trained(kept / "checkpoints" / "step=1.ckpt")[1].scores == {}
    card = load_trained(kept / "checkpoints" / "last.ckpt")[1]
    assert "val_miou" in card.scores
    assert card.trained_on == "8 pictures of predicted with labels predicted by a demo"
    assert card.details["labels"] == "predicted by a demo"
    assert main(["evaluate", str(kept / "checkpoints" / "last.ckpt"), "--data", str(predicted)]) == 0
    assert "predicted by a demo, not truth: all figures are agreement" in capsys.readouterr().out


def test_the_last_checkpoint_is_of_the_last_epoch_where_the_best_is_older(small_folder: Path, tmp_path: Path):
    # While it learns, the largest loss is the first.
    worst = ("--checkpoint.monitor=train/loss", "--checkpoint.mode=max")
    kept = fit(small_folder, tmp_path, *worst, "--trainer.max_epochs=3") / "checkpoints"
    assert torch.load(kept / "last.ckpt", weights_only=True)["global_step"] == 6
    assert torch.load(next(kept.glob("best-*.ckpt")), weights_only=True)["global_step"] < 6


def test_checkpoint_and_exported_model_score_the_same(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    checkpoint = next((run / "checkpoints").glob("best-*.ckpt"))
    model = tmp_path / "small.safetensors"
    assert main(["export", str(checkpoint), "-o", str(model), "--name", "small", "--note", "why=a test"]) == 0
    for path, report in ((checkpoint, "a.json"), (model, "b.json")):
        config = str(run / "config.yaml")
        assert main(["evaluate", str(path), "--data", config, "--split", "val", "--json", str(tmp_path / report)]) == 0
    first, second = (json.loads((tmp_path / name).read_text()) for name in ("a.json", "b.json"))
    assert first == second
    # What the run said itself, with its own normalisation and resizing, is what the deployed graph says.
    assert first["overall"]["miou"] == pytest.approx(float(checkpoint.stem.rsplit("-", 1)[1]), abs=0.005)
    card = read_card(model)
    assert card.label_set.names == NAMES
    assert card.details["why"] == "a test"
    assert "ball" in capsys.readouterr().out


def test_multi_scale_and_flip_is_a_second_figure(run: Path, capsys: pytest.CaptureFixture[str]):
    checkpoint = next((run / "checkpoints").glob("best-*.ckpt"))
    assert (
        main(["evaluate", str(checkpoint), "--data", str(run / "config.yaml"), "--split", "val", "--multi-scale"]) == 0
    )
    assert "multi-scale and flip: mIoU" in capsys.readouterr().out


def test_int8_export_is_smaller_calibrated_and_agrees(run: Path, tmp_path: Path):
    checkpoint = next((run / "checkpoints").glob("best-*.ckpt"))
    full, small = tmp_path / "full.safetensors", tmp_path / "small.safetensors"
    assert main(["export", str(checkpoint), "-o", str(full)]) == 0
    config = str(run / "config.yaml")
    assert main(["export", str(checkpoint), "-o", str(small), "--storage", "int8", "--calibrate", config]) == 0
    assert small.stat().st_size < 0.5 * full.stat().st_size
    assert read_card(small).temperature != 1.0
    pictures = open_data(run / "config.yaml").pictures("val")
    one, other = (Predictor(*load_model(path))(pictures.read(0)) for path in (full, small))
    assert (one == other).mean() > 0.97


def test_report_is_one_page_that_needs_nothing_else(run: Path, tmp_path: Path):
    assert main(["report", str(run), "-o", str(tmp_path / "report"), "--samples", "2"]) == 0
    page = (tmp_path / "report" / "index.html").read_text()
    assert page.count("data:image/png;base64,") == len(list((tmp_path / "report").glob("*.png"))) >= 7
    words = re.sub(r"base64,[^\"']+", "", page)  # Four letters of base64 may spell anything.
    assert "http" not in words.replace("http-equiv", "")
    places = [words.index(part) for part in ("mIoU 0.", "learning_rate", "validation mIoU", "the worst pictures")]
    assert places == sorted(places)
    assert main(["report", str(run), "-o", str(tmp_path / "report"), "--device", "toaster"]) == 2


def test_report_draws_curves_without_tensorboard_and_names_absent_classes(small_folder: Path, tmp_path: Path):
    csv = "--trainer.logger.class_path=lightning.pytorch.loggers.CSVLogger"
    run = fit(small_folder, tmp_path, csv, "--trainer.max_epochs=1")
    curves = read_curves(run)
    assert [step for step, _ in curves["train/loss"]] == [1, 2]
    assert [step for step, _ in curves["val/miou"]] == [2]
    matrix = np.array([[0, 0, 0], [0, 5, 0], [0, 0, 0]])
    texts = [text.get_text() for text in bars_figure({"run": Scores(matrix, "ab")}).axes[0].texts]
    assert texts == ["absent"]


def test_runs_are_called_by_what_their_paths_differ_in(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    runs = [tmp_path / name / "logs" / "version_0" for name in ("color", "depth")]
    for one in runs:
        one.parent.mkdir(parents=True)
        one.symlink_to(run)  # Named as given, whatever they lead to.
    assert main(["report", *map(str, runs), "-o", str(tmp_path / "report"), "--samples", "1"]) == 0
    page = (tmp_path / "report" / "index.html").read_text()
    assert "<h2>color</h2>" in page
    assert "<h2>depth</h2>" in page
    assert main(["report", str(run), str(run), "-o", str(tmp_path / "twice")]) == 2
    assert "a run is named twice" in capsys.readouterr().err


def test_show_draws_a_sample(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    picture = tmp_path / "sample.png"
    command = [
        "show",
        "--data",
        str(run / "config.yaml"),
        "--augmentation",
        "published",
        "--draws",
        "2",
        "-o",
        str(picture),
    ]
    assert main(command) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "classes: wall, board, ball" in capsys.readouterr().out
    assert main([*command[:-1], str(tmp_path / "sample.bin")]) == 2
    assert "must end in one of .png" in capsys.readouterr().err


def test_fine_tuning_replaces_the_head_and_keeps_the_rest(run: Path, small_folder: Path, tmp_path: Path):
    model = tmp_path / "small.safetensors"
    assert main(["export", str(run / "checkpoints" / "last.ckpt"), "-o", str(model)]) == 0
    merge = '{"thing": ["ball", "board"], "wall": ["wall"]}'
    tuned = fit(
        small_folder,
        tmp_path,
        f"--model.initial_weights={model}",
        f"--data.merge={merge}",
        "--model.optimizer.learning_rate=1e-9",
        "--trainer.max_epochs=1",
    )
    network, card = load_trained(tuned / "checkpoints" / "last.ckpt")
    before, _ = load_model(model)
    assert card.label_set.names == ("thing", "wall")
    assert network.classify.weight.shape[0] == 2
    for name, tensor in before.state_dict().items():
        if not name.startswith("classify") and "running" not in name and "num_batches" not in name:
            torch.testing.assert_close(network.state_dict()[name], tensor, atol=1e-6, rtol=0)
    assert "with a new head" in json.loads((tuned / "about.json").read_text())["initial_weights"]


def test_another_network_is_refused_with_the_settings_to_use(run: Path, small_folder: Path, tmp_path: Path, capsys):
    model = tmp_path / "small.safetensors"
    assert main(["export", str(run / "checkpoints" / "last.ckpt"), "-o", str(model)]) == 0
    capsys.readouterr()
    wrong = arguments(small_folder, tmp_path, f"--model.initial_weights={model}", "--model.base_width=16")
    assert main(wrong) == 2
    assert "model.base_width=8" in capsys.readouterr().err


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_resumed_run_ends_where_an_unbroken_one_does(small_folder: Path, tmp_path: Path, schedule: str):
    often = (
        f"--model.optimizer.schedule={schedule}",
        "--data.augmentation=gentle",
        "--trainer.max_epochs=2",
        "--trainer.callbacks+=training.WeightAveraging",
        "--trainer.callbacks.decay=0.5",
        "--recent.every_n_train_steps=1",
        "--recent.save_top_k=-1",
        "--recent.filename={step}",
    )
    kept = fit(small_folder, tmp_path, *often) / "checkpoints"
    expected, _ = load_trained(kept / "last.ckpt")
    # Two batches an epoch: three steps end in the middle of the second.
    fit(small_folder, tmp_path, *often, f"--ckpt_path={kept / 'step=3.ckpt'}")
    got, _ = load_trained(kept / "last.ckpt")
    for name, tensor in expected.state_dict().items():
        torch.testing.assert_close(got.state_dict()[name], tensor, msg=lambda m, n=name: f"{n}: {m}")


def test_a_killed_run_can_be_resumed(small_folder: Path, tmp_path: Path):
    long = arguments(small_folder, tmp_path, "--recent.every_n_train_steps=1", "--trainer.max_epochs=1000")
    recent = tmp_path / "run" / "one" / "checkpoints" / "recent.ckpt"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with program([sys.executable, "-m", "training", *long], **quiet) as process:
        until(lambda: recent.is_file() or process.poll() is not None, "the first checkpoint")
        process.send_signal(signal.SIGKILL)
        process.wait()
    steps = torch.load(recent, weights_only=True)["global_step"]
    assert steps >= 1
    resumed = fit(
        small_folder,
        tmp_path,
        "--recent.every_n_train_steps=1",
        f"--ckpt_path={recent}",
        f"--trainer.max_steps={steps + 1}",
        "--trainer.max_epochs=-1",
    )
    assert torch.load(resumed / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == steps + 1


def test_evaluate_by_hand_equals_the_command(run: Path):
    network, card = load_trained(run / "checkpoints" / "last.ckpt")
    pictures = open_data(run / "config.yaml").pictures("val")
    result = evaluate(Predictor(network, card), pictures, card, progress=False)
    assert result.overall.matrix.sum() == sum(int((pictures.read(i).label > 0).sum()) for i in range(len(pictures)))
    assert np.isfinite(result.overall.miou)


def test_the_tuner_finds_a_rate_that_the_run_and_its_settings_take(
    small_folder: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("training.run.tuning._STEPS", 40)
    smaller = ("--data.size=[32,32]", "--data.batch_size=2", "--data.samples_per_epoch=4")
    run = fit(small_folder, tmp_path, "--find=learning_rate", "--trainer.max_epochs=1", *smaller)
    rate = float(capsys.readouterr().out.partition("found learning_rate ")[2].split()[0])
    assert 1e-6 < rate < 0.3
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["model"]["optimizer"]["learning_rate"] == pytest.approx(rate, rel=1e-3)
    assert config["find"] == "nothing"
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["event"] for row in rows] == ["start", "train", "train", "validation", "end"]
    assert rows[1]["learning_rate"] == pytest.approx(rate, rel=1e-3)
    assert main(arguments(small_folder, tmp_path, "--find=batch_size")) == 2
    assert "set data.batch_size yourself" in capsys.readouterr().err


def test_a_logger_without_its_package_says_what_to_install(small_folder: Path, tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setattr("training.run.named_loggers.find_spec", lambda _: None)
    assert main(arguments(small_folder, tmp_path, "--logger=wandb")) == 2
    assert "--logger wandb needs its package: pip install wandb" in capsys.readouterr().err
