"""A seal on a folder of results: what was asked for, and the digest of every file.

It is written last. By its content a folder that is complete and unchanged is told from one that is partial, damaged, or
was made of something else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from rgbd_seg.inference.cache import file_digest
from rgbd_seg.recording.pictures.saving import write_text

SEAL_FILE = "seal.json"

Found = Literal["nothing", "finished", "damaged", "other", "unsealed"]


def write_seal(folder: Path, request: Mapping[str, Any]) -> None:
    """Seals every file of a folder.

    Args:
        folder: With all results in it.
        request: What they were made from and how, as plain data for JSON.

    Raises:
        OSError: A file cannot be read.
        RecordingError: The seal cannot be written.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    digests = {path.relative_to(folder).as_posix(): file_digest(path) for path in files}
    write_text(folder / SEAL_FILE, json.dumps({"request": request, "files": digests}, indent=1) + "\n")


def look_for_seal(folder: Path, request: Mapping[str, Any]) -> Found:
    """What a folder holds: every file of a sealed one is read.

    Returns:
        "nothing" (it is missing or empty), "finished" (all files as they were sealed for this request), "damaged" (for
        this request, but files are missing or changed), "other" (sealed for another request) or "unsealed".
    """
    if not folder.is_dir() or not any(folder.iterdir()):
        return "nothing"
    try:
        seal = json.loads((folder / SEAL_FILE).read_bytes())
        asked, digests = seal["request"], seal["files"].items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "unsealed"
    if asked != json.loads(json.dumps(request)):
        return "other"
    return "finished" if all(_unchanged(folder, name, digest) for name, digest in digests) else "damaged"


def _unchanged(folder: Path, name: str, digest: str) -> bool:
    path = (folder / name).resolve()
    try:
        return path.is_relative_to(folder.resolve()) and file_digest(path) == digest
    except OSError:
        return False
