"""`report`: what runs did, as PNG pictures and one HTML page that needs nothing else."""

from __future__ import annotations

import base64
import html
import io
import json
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from rgbd_seg.errors import ConfigurationError, RgbdSegError
from training.callbacks import ABOUT_FILE
from training.data_source import open_data
from training.drawing import bars_figure, confusion_figure, curves_figure, labelled_grid, sample_row
from training.evaluate import Predictor, evaluate
from training.weights import load_trained

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from training.scores import Scores

_CURVES = {
    "train/loss": "training loss",
    "val/loss": "validation loss",
    "val/miou": "validation mIoU",
    "train/miou": "training mIoU",
}
_STYLE = (
    "body{font-family:sans-serif;max-width:70em;margin:2em auto;padding:0 1em}img{max-width:100%}pre{overflow:auto}"
)


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """What a run directory holds."""

    name: str
    folder: Path
    curves: dict[str, list[tuple[int, float]]]
    checkpoint: Path
    about: dict[str, Any]


def report(runs: Sequence[Path], output: Path, samples: int = 4) -> str:
    """Evaluates the best checkpoint of each run on its validation pictures and draws everything.

    Args:
        runs: Run directories, each with `config.yaml`, logs and checkpoints.
        output: Folder for the pictures and `index.html`.
        samples: How many validation samples to draw for each run.

    Returns:
        What was written.

    Raises:
        ConfigurationError: A folder is no run, or has no checkpoint yet.
    """
    opened = [_open_run(path, name) for path, name in zip(runs, _names(runs), strict=True)]
    output.mkdir(parents=True, exist_ok=True)
    figures: list[tuple[str, str, Figure]] = []
    for tag, title in _CURVES.items():
        curves = {run.name: run.curves.get(tag, []) for run in opened}
        if any(curves.values()):
            figures.append((tag.replace("/", "_"), title, curves_figure(title, curves)))
    scores: dict[str, Scores] = {}
    tables = []
    for number, run in enumerate(opened):
        result, grid = _evaluate_run(run, samples)
        scores[run.name] = result
        tables.append((run, result.table()))
        figures.append((f"confusion_{number}", f"confusion, {run.name}", confusion_figure(result)))
        if grid is not None:
            figures.append((f"samples_{number}", f"colour, depth, truth, prediction, {run.name}", grid))
    by_classes: dict[tuple[str, ...], dict[str, Scores]] = {}
    for name, result in scores.items():
        by_classes.setdefault(tuple(result.names), {})[name] = result
    for number, group in enumerate(by_classes.values()):
        figures.append((f"classes_{number}", "IoU by class", bars_figure(group)))
    sections = []
    for name, title, figure in figures:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110)
        (output / f"{name}.png").write_bytes(buffer.getvalue())
        encoded = base64.b64encode(buffer.getvalue()).decode()
        escaped = html.escape(title)
        sections.append(f'<h2>{escaped}</h2><img alt="{escaped}" src="data:image/png;base64,{encoded}">')
    for run, table in tables:
        about = html.escape(json.dumps(run.about, indent=2))
        sections.append(f"<h2>{html.escape(run.name)}</h2><pre>{html.escape(table)}</pre><pre>{about}</pre>")
    page = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Training report</title><style>{_STYLE}</style>'
    page += f"<h1>Training report</h1>{''.join(sections)}</html>"
    (output / "index.html").write_text(page, encoding="utf-8")
    return f"{output / 'index.html'} and {len(figures)} pictures"


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
    if not (folder / "config.yaml").is_file():
        raise ConfigurationError(f"{folder} is no run directory: it has no config.yaml")
    checkpoints = sorted((folder / "checkpoints").glob("best*.ckpt"), key=lambda p: p.stat().st_mtime)
    last = folder / "checkpoints" / "last.ckpt"
    if not checkpoints and not last.is_file():
        raise ConfigurationError(f"{folder} has no checkpoint yet: its first validation has not ended")
    about_file = folder / ABOUT_FILE
    about = json.loads(about_file.read_text(encoding="utf-8")) if about_file.is_file() else {}
    return _Run(name, folder, _curves(folder), checkpoints[-1] if checkpoints else last, about)


def _curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    have = set(events.Tags()["scalars"])
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in _CURVES if tag in have}


def _evaluate_run(run: _Run, samples: int) -> tuple[Scores, Figure | None]:
    network, card = load_trained(run.checkpoint)
    try:
        pictures = open_data(run.folder / "config.yaml").pictures("val")
    except (ConfigurationError, OSError) as error:
        raise RgbdSegError(f"the data of {run.folder} cannot be opened any more: {error}") from None
    predictor = Predictor(network, card)
    result = evaluate(predictor, pictures, card).overall
    palette = card.label_set.palette()
    rows, titles = [], []
    count = min(samples, len(pictures))
    for i in range(count):
        sample = pictures.read(i * len(pictures) // count)
        rows.append(sample_row(sample.color, sample.depth_m, sample.label, predictor(sample), palette))
        titles.append(sample.name)
    return result, labelled_grid(rows, titles, card.label_set.names, palette) if rows else None
