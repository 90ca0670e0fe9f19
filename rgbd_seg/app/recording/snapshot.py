"""One moment as files that other programs read: pictures, 16-bit depth, labels, and a JSON that says what they mean."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import cv2

if TYPE_CHECKING:
    from pathlib import Path

    from PySide6.QtGui import QImage

    from rgbd_seg.frame import Prediction, Segmentation, Truth
    from rgbd_seg.sensors.sensor import SensorInfo


def save_snapshot(folder: Path, segmentation: Segmentation, overlay: QImage | None, source: SensorInfo | None) -> Path:
    """Writes a new folder with one moment.

    `color.png`, `depth.png` (16 bit, counts of `depth_unit_m`), `labels.png` and `confidence.png` where there is a
    model, `truth.png` and `recorded_labels.png` where the frame has them, `overlay.png`, and `snapshot.json` with
    calibration, label sets, who made them, and the source.

    Args:
        folder: Where the new folder goes; made if it does not exist.
        segmentation: The moment.
        overlay: The overlay as it was on screen.
        source: What it was seen with.

    Returns:
        The new folder.

    Raises:
        OSError: A file cannot be written.
    """
    frame = segmentation.frame
    target = folder / f"{time.strftime('%Y-%m-%d %H.%M.%S')} frame {frame.index}"
    number = 1
    while target.exists():
        number += 1
        target = target.with_name(f"{target.name.split(' (')[0]} ({number})")
    target.mkdir(parents=True)
    _write(target / "color.png", cv2.cvtColor(frame.color, cv2.COLOR_RGB2BGR))
    _write(target / "depth.png", frame.depth)
    if segmentation.labels is not None:
        _write(target / "labels.png", segmentation.labels)
    if segmentation.confidence is not None:
        _write(target / "confidence.png", segmentation.confidence)
    if frame.truth is not None:
        _write(target / "truth.png", frame.truth.labels)
    if frame.prediction is not None:
        _write(target / "recorded_labels.png", frame.prediction.labels)
    if overlay is not None and not overlay.save(str(target / "overlay.png")):
        raise OSError(f"{target / 'overlay.png'} could not be written")
    facts = {
        "frame": {"index": frame.index, "device_us": frame.device_us},
        "calibration": frame.calibration.to_dict(),
        "label_set": segmentation.label_set.to_dict() if segmentation.label_set else None,
        "truth": _described(frame.truth, "origin"),
        "recorded_labels": _described(frame.prediction, "model", "model_sha256", "made"),
        "model": segmentation.model,
        "model_sha256": segmentation.model_sha256,
        "made": segmentation.made,
        "source": asdict(source) | {"details": dict(source.details)} if source else None,
    }
    (target / "snapshot.json").write_text(json.dumps(facts, indent=2), encoding="utf-8")
    return target


def _described(labels: Prediction | Truth | None, *fields: str) -> dict[str, Any] | None:
    """What labels mean and where they come from, for JSON."""
    if labels is None:
        return None
    return {"label_set": labels.label_set.to_dict(), **{name: getattr(labels, name) for name in fields}}


def _write(path: Path, pixels: cv2.typing.MatLike) -> None:
    if not cv2.imwrite(str(path), pixels):
        raise OSError(f"{path} could not be written")
