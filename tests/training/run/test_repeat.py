"""One training over folds and over seeds: the runs differ in what they should, and the spread is theirs."""

from __future__ import annotations

import json
import statistics
import subprocess
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.training.small_run import arguments
from training.__main__ import main
from training.run.repeat import RESULT_FILE

if TYPE_CHECKING:
    from pathlib import Path


def settings(folder: Path, out: Path) -> list[str]:
    """Those of a small run, with data settings as a recipe has them."""
    recipe = out / "recipe.yaml"
    data = {"class_path": "training.FolderData", "init_args": {"root": str(folder), "seed": 7}}
    recipe.write_text(yaml.safe_dump({"data": data}))
    others = ("--data=", "--data.root", "--data.val_share", "--trainer.logger")
    small = [one for one in arguments(folder, out)[1:] if not one.startswith(others)]
    return ["--config", str(recipe), *(one.replace("--data.", "--data.init_args.") for one in small)]


@pytest.mark.parametrize("what", ["folds", "seeds"])
def test_runs_are_made_once_and_their_scores_are_spread(
    small_folder: Path, tmp_path: Path, what: str, capsys, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "out"
    processes = [subprocess.run] if what == "folds" else []

    def run(command: list[str], **options: Any) -> Any:
        """The first in a process of its own; a start takes many times as long as the run, so that others are here."""
        if processes:
            return processes.pop()(command, **options)
        assert command[1:3] == ["-m", "training"]
        return subprocess.CompletedProcess(command, main(command[3:]))

    monkeypatch.setattr("training.run.repeat.subprocess", SimpleNamespace(run=run))
    command = ["repeat", f"--{what}", "2", "--out", str(out), "--", *settings(small_folder, tmp_path)]
    assert main(command) == 0
    assert "mean" in capsys.readouterr().out
    result = json.loads((out / RESULT_FILE).read_text())
    names = [f"{what[:-1]}_{number}" for number in range(2)]
    assert list(result["runs"]) == names
    last = [run["last"] for run in result["runs"].values()]
    assert last[0] != last[1]
    assert result["last"]["mean"] == pytest.approx(statistics.fmean(last))
    assert result["last"]["deviation"] == pytest.approx(statistics.stdev(last))
    configs = [yaml.safe_load((out / name / "config.yaml").read_text()) for name in names]
    data = [config["data"]["init_args"] for config in configs]
    if what == "folds":
        assert [one["fold"] for one in data] == [0, 1]
        assert {one["val_share"] for one in data} == {0.5}
    else:
        assert [config["seed_everything"] for config in configs] == [0, 1]
        assert [(one["seed"], one["fold_seed"], one["fold"]) for one in data] == [(0, 7, 0), (1, 7, 0)]
    before = [(out / name / "metrics.jsonl").read_text() for name in names]
    assert main(command) == 0
    assert [(out / name / "metrics.jsonl").read_text() for name in names] == before


def test_what_to_repeat_must_be_said(small_folder: Path, tmp_path: Path, capsys):
    assert main(["repeat", "--out", str(tmp_path), "--", *settings(small_folder, tmp_path)]) == 2
    assert "wants --folds K or --seeds N" in capsys.readouterr().err
