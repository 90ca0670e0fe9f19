"""What `window_session` asks of `window_probe`, which is a process of its own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """What to measure.

    Attributes:
        started: When the process was asked for, seconds since 1970.
        phases: Of `Probe`, in this order: "quiet", "recording", "busy", "memory", "live", "everything",
            "labelling".
        seconds: Of each of the phases.
        minutes: Of "memory" and "everything".
        source: What to look at; `still:640x480` is a camera of 30 frames a second.
        model: A model file, "real", "real-fine", "demo" or "none".
        settings: Path of the settings file.
        slow_s: So long the model takes for a frame at least.
    """

    started: float
    phases: tuple[str, ...]
    seconds: float
    minutes: float
    source: str
    model: str
    settings: str
    slow_s: float = 0.0
