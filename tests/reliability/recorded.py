"""What a recording holds after the program that wrote it was ended or hurt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rgbd_seg.recording.layouts.mcap import McapReader
from tests.reliability.fault import Outcome

if TYPE_CHECKING:
    from pathlib import Path


def recorded(path: Path, ended_ns: int, seen: str = "", recovered_s: float | None = None) -> Outcome:
    """Reads every frame of a recording.

    Args:
        path: The file.
        ended_ns: When the program was hurt, nanoseconds since 1970: older frames must be there.
        seen: What the program said; the file's own warnings are added.
        recovered_s: As in `Outcome`.
    """
    with McapReader(path) as reader:
        frames = list(reader)
        seen = " ".join((*reader.info.warnings, seen)).strip()
        last_ns = reader.start_ns + frames[-1].time_us * 1000
    captured = frames[-1].index - frames[0].index + 1
    return Outcome(seen, captured, len(frames), max((ended_ns - last_ns) / 1e9, 0.0), recovered_s)
