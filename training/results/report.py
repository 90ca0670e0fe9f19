"""`report`: what runs did, as PNG pictures and one HTML page that needs nothing else."""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from matplotlib.figure import Figure

from rgbd_seg.errors import ConfigurationError, RgbdSegError
from rgbd_seg.training_files import CHECKPOINTS, CONFIG_FILE, LAST, METRICS_FILE
from training.data.source import open_data
from training.drawing import bars_figure, confusion_figure, curves_figure, labelled_grid, sample_row
from training.network.weights import load_trained
from training.results.evaluate import Evaluation, Predictor, evaluate
from training.run.callbacks import ABOUT_FILE
from training.scores import Scores

_CURVES = {
    "train/loss": "training loss",
    "val/loss": "validation loss",
    "val/miou": "validation mIoU",
    "train/miou": "training mIoU",
}
_STYLE = (
    "body{font-family:sans-serif;max-width:70em;margin:2em auto;padding:0 1em}img{max-width:100%}pre{overflow:auto}"
    "th{text-align:left;padding-right:1em}"
)


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """What a run directory holds."""

    name: str
    folder: Path
    curves: dict[str, list[tuple[int, float]]]
    checkpoint: Path
    about: dict[str, Any]


def report(runs: Sequence[Path], output: Path, samples: int = 4, device: str = "cpu") -> str:
    """Evaluates the best checkpoint of each run on its validation pictures and draws everything.

    Args:
        runs: Run directories, each with `config.yaml`, logs and checkpoints.
        output: Folder for the pictures and `index.html`.
        samples: How many validation samples to draw for each run, and as many of the worst.
        device: Where to compute.

    Returns:
        What was written.

    Raises:
        ConfigurationError: A folder is no run, or has no checkpoint yet.
    """
    opened = [_open_run(path, name) for path, name in zip(runs, _names(runs), strict=True)]
    output.mkdir(parents=True, exist_ok=True)
    results = {run.name: _evaluate_run(run, samples, device) for run in opened}
    sections = [_summary(run, results[run.name][0]) for run in opened]
    figures: list[tuple[str, str, Figure]] = []
    by_classes: dict[tuple[str, ...], dict[str, Scores]] = {}
    for name, (evaluation, _) in results.items():
        by_classes.setdefault(tuple(evaluation.overall.names), {})[name] = evaluation.overall
    for number, group in enumerate(by_classes.values()):
        figures.append((f"classes_{number}", "IoU by class", bars_figure(group)))
    for tag, title in _CURVES.items():
        curves = {run.name: run.curves.get(tag, []) for run in opened}
        if any(curves.values()):
            figures.append((tag.replace("/", "_"), title, curves_figure(title, curves)))
    for number, (name, (evaluation, grids)) in enumerate(results.items()):
        figures.append((f"confusion_{number}", f"confusion, {name}", confusion_figure(evaluation.overall)))
        figures += [(f"{which}_{number}", f"{title}, {name}", grid) for which, title, grid in grids]
    for name, title, figure in figures:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110)
        (output / f"{name}.png").write_bytes(buffer.getvalue())
        encoded = base64.b64encode(buffer.getvalue()).decode()
        escaped = html.escape(title)
        sections.append(f'<h2>{escaped}</h2><img alt="{escaped}" src="data:image/png;base64,{encoded}">')
    page = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Training report</title><style>{_STYLE}</style>'
    page += f"<h1>Training report</h1>{''.join(sections)}</html>"
    (output / "index.html").write_text(page, encoding="utf-8")
    return f"{output / 'index.html'} and {len(figures)} pictures"


def _summary(run: _Run, evaluation: Evaluation) -> str:
    """What one wants to know first: the score, of what, and by which settings."""
    scores = evaluation.overall
    said = (
        f"mIoU {scores.miou:.4f}, {scores.pixel_accuracy:.2%} of the pixels right, on the {len(evaluation.by_picture)} "
        f"pictures held out; {run.checkpoint.name}"
    )
    config = yaml.safe_load((run.folder / CONFIG_FILE).read_text(encoding="utf-8"))
    data, model = config.get("data", {}), config.get("model", {})
    settings = {
        "data": data.get("class_path"),
        **{
            key: data.get("init_args", {}).get(key)
            for key in ("root", "size", "batch_size", "augmentation", "val_share")
        },
        **{key: model.get(key) for key in ("encoder", "fusion", "initial_weights", "class_weights")},
        **{key: model.get("optimizer", {}).get(key) for key in ("name", "learning_rate", "schedule")},
        **{key: config.get("trainer", {}).get(key) for key in ("max_epochs", "max_steps", "max_time", "precision")},
        "seed": config.get("seed_everything"),
    }
    rows = "".join(
        f"<tr><th>{html.escape(key)}</th><td>{html.escape(str(value))}</td></tr>"
        for key, value in settings.items()
        if value not in (None, "")
    )
    note = f"<p>{html.escape(evaluation.note)}</p>" if evaluation.note else ""
    about = html.escape(json.dumps(run.about, indent=2))
    return (
        f"<h2>{html.escape(run.name)}</h2><p><b>{html.escape(said)}</b></p>{note}"
        f"<pre>{html.escape(scores.table())}</pre><table>{rows}</table>"
        f"<details><summary>versions and machine</summary><pre>{about}</pre></details>"
    )


def _names(runs: Sequence[Path]) -> list[str]:
    """What runs are called: the parts of their paths in which they differ."""
    paths = [path.absolute().parts for path in runs]
    if len(set(paths)) < len(paths):
        raise ConfigurationError("a run is named twice: every run is drawn once")
    differing = [path[_alike(paths) :] for path in paths]
    at_end = _alike([parts[::-1] for parts in differing])
    return ["/".join(parts[: len(parts) - at_end]) for parts in differing]


def _alike(paths: Sequence[Sequence[str]]) -> int:
    """How many parts all begin with; at least one is left of each."""
    alike = takewhile(lambda parts: len(set(parts)) == 1, zip(*paths, strict=False))
    return min(sum(1 for _ in alike), min(map(len, paths)) - 1)


def _open_run(folder: Path, name: str) -> _Run:
    if not (folder / CONFIG_FILE).is_file():
        raise ConfigurationError(f"{folder} is no run directory: it has no config.yaml")
    checkpoints = sorted((folder / CHECKPOINTS).glob("best*.ckpt"), key=lambda p: p.stat().st_mtime)
    last = folder / CHECKPOINTS / f"{LAST}.ckpt"
    if not checkpoints and not last.is_file():
        raise ConfigurationError(f"{folder} has no checkpoint yet: its first validation has not ended")
    about_file = folder / ABOUT_FILE
    about = json.loads(about_file.read_text(encoding="utf-8")) if about_file.is_file() else {}
    return _Run(name, folder, read_curves(folder), checkpoints[-1] if checkpoints else last, about)


def read_curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """From TensorBoard's files, or, where another logger was taken, from the metrics file that every run has."""
    if any(folder.glob("events.out.tfevents.*")):
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
        events.Reload()
        have = set(events.Tags()["scalars"])
        return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in _CURVES if tag in have}
    path = folder / METRICS_FILE
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []
    found: dict[str, list[tuple[int, float]]] = {}
    for tag in _CURVES:
        key = tag.replace("/", "_")
        found[tag] = [(int(row["step"]), float(row[key])) for row in rows if row.get(key) is not None]
    return found


def _evaluate_run(run: _Run, samples: int, device: str) -> tuple[Evaluation, list[tuple[str, str, Figure]]]:
    """The scores, and grids of samples: the worst, and some spread over the set."""
    network, card = load_trained(run.checkpoint)
    try:
        data = open_data(run.folder / CONFIG_FILE)
        pictures = data.pictures("val")
    except (ConfigurationError, OSError) as error:
        raise RgbdSegError(f"the data of {run.folder} cannot be opened any more: {error}") from None
    predictor = Predictor(network, card, device=device)
    result = evaluate(predictor, pictures, card)
    count = min(samples, len(pictures))
    by_score = np.argsort(np.nan_to_num(result.by_picture, nan=np.inf), kind="stable")
    chosen = {
        ("worst", "the worst pictures"): [int(index) for index in by_score[:count]],
        ("samples", "pictures spread over the set"): [i * len(pictures) // count for i in range(count)],
    }
    palette = card.label_set.palette()
    grids = []
    for (which, title), indices in chosen.items():
        rows, titles = [], []
        for index in indices:
            sample = pictures.read(index)
            predicted = predictor(sample)
            truth = result.matching.truth[sample.label]
            wrong = (truth > 0) & (result.matching.predicted[predicted] != truth)
            rows.append(sample_row(sample.color, sample.depth_m, sample.label, predicted, palette, wrong))
            titles.append(f"{sample.name}: mIoU {result.by_picture[index]:.3f}, {wrong.mean():.1%} wrong")
        if rows:
            labels = data.predicted or "truth"
            panels = f"{title}: colour, depth, {labels}, prediction, differences in red"
            grids.append((which, panels, labelled_grid(rows, titles, card.label_set.names, palette)))
    return result, grids
