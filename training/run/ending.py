"""What a run says when it is over: why it ended, where everything is, how well it did, and what to do next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, Timer

from rgbd_seg.training_files import CONFIG_FILE, LAST, METRICS_FILE
from training.run.stop_file import StopFile


def how_it_ended(trainer: lightning.Trainer) -> str:
    """Lines for people, of a fit that is complete; "" if it has kept nothing, and in all processes but the first."""
    log_dir = trainer.log_dir  # All processes must ask: it is sent from the first to the others.
    if log_dir is None or not trainer.is_global_zero:
        return ""
    run = short_path(log_dir)
    kept = [c for c in trainer.checkpoint_callbacks if isinstance(c, ModelCheckpoint)]
    best = next((c for c in kept if c.monitor is not None and c.best_model_path), None)
    last = next((c.best_model_path for c in kept if c.filename == LAST), "")
    lines = [
        f"\n{_reason(trainer)} after {trainer.global_step} steps in {trainer.current_epoch} epochs",
        f"run   {run}",
    ]
    if best is not None:
        lines.append(f"best  {short_path(best.best_model_path)}{_score(best, Path(log_dir))}")
    if last:
        lines.append(f"last  {short_path(last)}")
    chosen = best.best_model_path if best is not None else last
    if chosen:
        program, config = "python -m training", run / CONFIG_FILE
        lines += [
            "next  by class, on the pictures held out:",
            f"        {program} evaluate {short_path(chosen)} --data {config} --split val",
            "      curves, confusion and the worst pictures, as one page:",
            f"        {program} report {run}",
            "      a model file for the window, its confidence made honest:",
            f"        {program} export {short_path(chosen)} -o {run / 'model.safetensors'} --calibrate {config}",
        ]
    return "\n".join(lines) + "\n"


def _reason(trainer: lightning.Trainer) -> str:
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, EarlyStopping) and callback.stopping_reason_message:
            return f"Ended early ({callback.stopping_reason_message.strip().rstrip('.')})"
        if isinstance(callback, StopFile) and callback.found:
            return "Ended because it was asked to (a file named stop)"
        if isinstance(callback, Timer) and (callback.time_remaining() or 1) <= 0:
            return "Ended because its time (trainer.max_time) was up"
    return "Complete"


def _score(best: ModelCheckpoint, log_dir: Path) -> str:
    if best.best_model_score is None:
        return ""
    said = f"\n      {best.monitor} {float(best.best_model_score):.4f}"
    rows = [json.loads(line) for line in (log_dir / METRICS_FILE).read_text(encoding="utf-8").splitlines()]
    scored: list[dict[str, Any]] = [row for row in rows if row["event"] == "validation" and row.get("val_miou")]
    if best.monitor == "val/miou" and scored:
        row = max(scored, key=lambda one: float(one["val_miou"]))
        said += f" in epoch {row['epoch']}"
        if row.get("val_miou_plain") is not None:
            both = f"averaged {row['val_miou_averaged']:.4f}, plain {row['val_miou_plain']:.4f}"
            said += f" ({row['weights']} weights: {both})"
    return said


def short_path(path: str | Path) -> Path:
    """A path as one would type it here."""
    path = Path(path)
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
