"""`frames.json`: what a person has done with each frame of a folder that is being labelled.

    {
      "frames": {"000123": "done", "000140": "travelled", "000150": "skipped", "000160": "draft"},
      "weights": {"travelled": 0.3}
    }

A frame that is not named has no labels yet, or they came from elsewhere and count as done. `weights` says how much a
frame counts in training and may be left out: done 1, travelled 0.3, and nothing for the rest, because what a model
guessed is not trained on unless somebody says so.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.pictures.sidecar import read_json

STATES_FILE = "frames.json"

FrameState = Literal["done", "travelled", "draft", "skipped"]
WEIGHTS: Mapping[str, float] = {"done": 1.0, "travelled": 0.3, "draft": 0.0, "skipped": 0.0}
_MAX_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class FrameStates:
    """The content of `frames.json`.

    Attributes:
        frames: State by the name of the frame's pictures, without suffix.
        weights: How much a frame counts in training, by state.
    """

    frames: Mapping[str, FrameState] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=lambda: dict(WEIGHTS))

    def weight(self, name: str) -> float:
        """How much a labelled frame counts in training."""
        return self.weights[self.frames.get(name, "done")]

    def to_json(self) -> str:
        """The text of the file; `read_states` reads it back."""
        other = {state: weight for state, weight in self.weights.items() if weight != WEIGHTS[state]}
        return json.dumps({"frames": dict(sorted(self.frames.items())), "weights": other}, indent=1) + "\n"


def read_states(root: Path) -> FrameStates | None:
    """Reads `frames.json` in a folder; None where there is none.

    Raises:
        RecordingError: It cannot be read or holds something else.
    """
    path = root / STATES_FILE
    if not path.is_file():
        return None
    try:
        return _states_in(path)
    except RecordingError as error:
        raise RecordingError(f"{error}. Mend it, or move it away: then all frames with labels count as done") from None


def _states_in(path: Path) -> FrameStates:
    data = read_json(path, _MAX_BYTES)
    known = get_args(FrameState)
    frames = data.get("frames") if isinstance(data, dict) else None
    weights = data.get("weights", {}) if isinstance(data, dict) else None
    if not isinstance(frames, dict) or not isinstance(weights, dict):
        raise RecordingError(f'{path} must hold {{"frames": {{NAME: STATE}}, "weights": {{STATE: NUMBER}}}}')
    for name, state in frames.items():
        if state not in known:
            raise RecordingError(f"{path}: frame {name!r:.80} is {state!r:.80}; a state is one of {', '.join(known)}")
    for state, weight in weights.items():
        is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if state not in known or not is_number or not (math.isfinite(weight) and 0 <= weight <= 100):
            raise RecordingError(f"{path}: the weight of {state!r:.80} must be 0 to 100 for one of {', '.join(known)}")
    return FrameStates(frames, {**WEIGHTS, **weights})
