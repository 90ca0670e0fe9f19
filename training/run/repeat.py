"""`repeat`: one training several times, over folds or with other seeds, and how far the scores spread."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from rgbd_seg.errors import ConfigurationError, RgbdSegError
from rgbd_seg.training_files import CHECKPOINTS, METRICS_FILE, RECENT
from training.recipes import recipe_path, with_recipe_paths
from training.run.early_checks import check_command_line

RESULT_FILE = "repeat.json"
_STDERR = 2


def repeat(settings: Sequence[str], out: Path, *, folds: int = 0, seeds: int = 0) -> str:
    """Runs `fit` again and again, each in a process and a folder of its own; a run that is complete is not run again.

    Args:
        settings: Those of `fit`, with its recipe.
        out: The folder of the runs and of `repeat.json`.
        folds: How many folds to hold out in turn; each picture is held out once. 0 for none.
        seeds: How many seeds of weights, order and augmentation to try on one fold. 0 for none.

    Returns:
        A table: each run's mIoU, then mean and standard deviation, over all and by class.

    Raises:
        ConfigurationError: Neither or both are asked for, or a setting is wrong.
        RgbdSegError: A run failed.
    """
    if (folds > 1) == (seeds > 1):
        raise ConfigurationError("repeat wants --folds K or --seeds N, of 2 or more")
    arguments = with_recipe_paths(["fit", *settings])
    check_command_line(arguments)
    runs = {
        f"{'fold' if folds else 'seed'}_{number}": _fold(number, folds) if folds else _seed(number, settings)
        for number in range(folds or seeds)
    }
    for number, (name, changes) in enumerate(runs.items(), start=1):
        if _result(out / name) is None:
            sys.stderr.write(f"{name}: run {number} of {len(runs)}\n")
            _run([*arguments, *changes, *_place(out / name)], name)
    results = {name: _result(out / name) for name in runs}
    found = {name: result for name, result in results.items() if result is not None}
    if len(found) < len(runs):
        raise RgbdSegError(
            f"no scores from {', '.join(sorted(set(runs) - set(found)))}: see their {METRICS_FILE} in {out}"
        )
    summary = _summary(found)
    (out / RESULT_FILE).write_text(json.dumps({"runs": found, **summary}, indent=2) + "\n", encoding="utf-8")
    return _table(found, summary)


def _fold(number: int, folds: int) -> list[str]:
    return [f"--data.init_args.val_share={1 / folds}", f"--data.init_args.fold={number}"]


def _seed(number: int, settings: Sequence[str]) -> list[str]:
    # The fold stays that of the recipe: else the seeds would be scored on different pictures.
    return [
        f"--seed_everything={number}",
        f"--data.init_args.seed={number}",
        f"--data.init_args.fold_seed={_fold_seed(settings)}",
    ]


def _fold_seed(settings: Sequence[str]) -> int:
    """The seed of the fold that the settings come to."""
    seed = 0
    for position, argument in enumerate(settings):
        key, equals, value = argument.partition("=")
        value = value if equals else settings[position + 1] if position + 1 < len(settings) else ""
        if key == "--config":
            data = yaml.safe_load(recipe_path(value).read_text(encoding="utf-8")).get("data", {})
            init = data.get("init_args", {})
            seed = init.get("fold_seed") or init.get("seed", seed)
        elif key in ("--data.init_args.seed", "--data.seed", "--data.init_args.fold_seed", "--data.fold_seed"):
            seed = int(value)
    return int(seed)


def _place(folder: Path) -> list[str]:
    recent = folder / CHECKPOINTS / f"{RECENT}.ckpt"
    place = [
        "--trainer.logger.class_path=lightning.pytorch.loggers.TensorBoardLogger",
        f"--trainer.logger.init_args.save_dir={folder}",
        "--trainer.logger.init_args.name=",
        "--trainer.logger.init_args.version=",
    ]
    return [*place, f"--ckpt_path={recent}"] if recent.is_file() else place


def _run(arguments: Sequence[str], name: str) -> None:
    # What the run says goes to stderr: the table alone is this command's result.
    done = subprocess.run([sys.executable, "-m", "training", *arguments], stdout=_STDERR, check=False)
    if done.returncode > 128:
        raise KeyboardInterrupt
    if done.returncode:
        raise RgbdSegError(f"{name} failed (exit code {done.returncode}); the same command goes on with it")


def _result(folder: Path) -> dict[str, Any] | None:
    """Best and last scores of a run that is complete."""
    path = folder / METRICS_FILE
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []
    scored = [row for row in rows if row["event"] == "validation" and row.get("val_miou") is not None]
    if not scored or rows[-1]["event"] != "end":
        return None
    best = max(scored, key=lambda row: float(row["val_miou"]))
    return {
        "best": best["val_miou"],
        "last": scored[-1]["val_miou"],
        "iou": scored[-1]["iou"],
        "step": rows[-1]["step"],
    }


def _summary(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    names = next(iter(found.values()))["iou"]
    return {
        "last": _spread([run["last"] for run in found.values()]),
        "best": _spread([run["best"] for run in found.values()]),
        "iou": {name: _spread([run["iou"].get(name) for run in found.values()]) for name in names},
    }


def _spread(values: Sequence[float | None]) -> dict[str, float | None]:
    """Mean and standard deviation (of a sample: divided by n - 1) of those that are numbers."""
    numbers = [value for value in values if value is not None and math.isfinite(value)]
    return {
        "mean": statistics.fmean(numbers) if numbers else None,
        "deviation": statistics.stdev(numbers) if len(numbers) > 1 else None,
    }


def _table(found: dict[str, dict[str, Any]], summary: dict[str, Any]) -> str:
    width = max(map(len, [*found, *summary["iou"], "mean"]))
    lines = [f"{'mIoU':{width}}  last    best"]
    lines += [f"{name:{width}}  {run['last']:.4f}  {run['best']:.4f}" for name, run in found.items()]
    lines.append(f"{'mean':{width}}  last {_text(summary['last'])}, best {_text(summary['best'])}")
    lines += [f"{name:{width}}  {_text(one)}" for name, one in summary["iou"].items()]
    return "\n".join(lines)


def _text(one: dict[str, float | None]) -> str:
    if one["mean"] is None:
        return "-"
    return f"{one['mean']:.4f}" + ("" if one["deviation"] is None else f" ± {one['deviation']:.4f}")
