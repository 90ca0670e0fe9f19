"""What a person has said of a recording's depth, kept beside it: its unit, and whether it is registered to colour.

A folder keeps it in its `rgbd_seg.json`; a file, which is never changed, in `<file>.rgbd_seg.json` beside it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.pictures.saving import write_text
from rgbd_seg.recording.pictures.sidecar import SIDECAR, read_json

_KEYS = ("depth_unit_m", "registered")


def told_file(path: Path) -> Path:
    """Where it is kept for a recording."""
    return path / SIDECAR if path.is_dir() else path.with_name(f"{path.name}.{SIDECAR}")


def told_of(path: Path) -> dict[str, str]:
    """What was said of a file, as options of its reader; a folder's reader looks into the folder's own file.

    Raises:
        RecordingError: What is kept cannot be read.
    """
    file = told_file(path)
    if path.is_dir() or not file.is_file():
        return {}
    data = read_json(file)
    if not isinstance(data, dict):
        raise RecordingError(f'{file} must hold one JSON object such as {{"depth_unit_m": 0.001}}')
    return {key: str(data[key]).lower() for key in _KEYS if data.get(key) is not None}


def tell(path: Path, *, depth_unit_m: float | None = None, registered: bool | None = None) -> None:
    """Keeps what a person says of a recording; None leaves what was said before.

    Raises:
        RecordingError: It cannot be written, or what is there cannot be read.
    """
    file = told_file(path)
    data: dict[str, Any] = read_json(file) if file.is_file() else {}
    if not isinstance(data, dict):
        raise RecordingError(f"{file} holds something else and is not overwritten")
    told = {"depth_unit_m": depth_unit_m, "registered": registered}
    data |= {key: value for key, value in told.items() if value is not None}
    if isinstance(data.get("assumed"), list):
        data["assumed"] = [key for key in data["assumed"] if told.get(key) is None]
    write_text(file, json.dumps(data, indent=2) + "\n")
