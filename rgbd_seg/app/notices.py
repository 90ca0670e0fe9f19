"""Which messages a pipeline's status calls for: a plain function, so that every state is designed and tested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rgbd_seg.pipeline.status import ModelState, State, Status, StopReason

_LOW_DISK_BYTES = 2 * 1024**3
_SLOW_FPS = 3
_SWIFT_FPS = 4.5  # From here on a model that was called slow no longer is: the message does not come and go.


@dataclass(frozen=True, slots=True)
class Notice:
    """A message without its button's code.

    Attributes:
        key: What it is about.
        kind: How bad it is.
        text: A whole sentence.
        action: What the button offers: "reopen", "choose model", "stop recording" or "" for none.
    """

    key: str
    kind: Literal["info", "warning", "error"]
    text: str
    action: str = ""


#: Every key that `notices` may use; what it does not return is to be cleared.
KEYS = ("source", "source note", "damage", "model", "speed", "recording", "disk")


def notices(status: Status, damage: tuple[str, ...] = (), *, slow_before: bool = False) -> tuple[Notice, ...]:
    """The messages for a status.

    Args:
        status: The session's snapshot.
        damage: What a replay has met so far, in whole sentences.
        slow_before: Whether the last call found the model slow.
    """
    found: list[Notice] = []
    if status.state is State.STOPPED and status.stop_reason in (StopReason.SENSOR_FAILED, StopReason.INTERNAL_ERROR):
        found.append(Notice("source", "error", sentence(status.error or status.message), "reopen"))
    elif status.state is State.LOST:
        tail = " The recording goes on, with a gap." if status.recorder and status.recorder.state == "recording" else ""
        found.append(Notice("source", "warning", sentence(status.message) + tail))
    elif status.state is State.RUNNING and status.message:
        found.append(Notice("source note", "warning", sentence(status.message)))
    if damage and not (found and found[0].kind == "error"):  # Beside why it ended they say nothing.
        more = f" ({len(damage)} such notes so far)" if len(damage) > 1 else ""
        found.append(Notice("damage", "warning", f"{damage[-1][:300].rstrip('.')}.{more}"))
    found += _about_model(status, _SWIFT_FPS if slow_before else _SLOW_FPS)
    recorder = status.recorder
    if recorder is not None:
        if recorder.state == "failed":
            found.append(Notice("recording", "error", sentence(recorder.reason)))
        elif recorder.state == "finished" and recorder.reason:
            # Nobody has stopped it: that it has ended, and what is left of it, goes before why.
            kept = f"The recording has ended; its {recorder.frames} frames are kept. "
            found.append(Notice("recording", "warning", kept + sentence(recorder.reason)))
        elif recorder.state == "recording" and recorder.free_bytes < _LOW_DISK_BYTES:
            left = recorder.free_bytes / 1e9
            found.append(
                Notice("disk", "warning", f"The disk is nearly full: {left:.1f} GB are left.", "stop recording")
            )
    return tuple(found)


def _about_model(status: Status, slow_below_fps: float) -> list[Notice]:
    model = status.model
    if model.state is ModelState.FAILED:
        still = " The model before goes on." if model.info is not None else ""
        return [Notice("model", "error", sentence(model.error) + still, "choose model")]
    slow = (
        0 < status.segment_fps < slow_below_fps
        and model.state is ModelState.READY
        and sum(status.stage_ms.values()) > 300 * _SLOW_FPS / slow_below_fps
    )
    if slow and model.info is not None and status.state is State.RUNNING:
        # Without the present rate: a text that changes would come back after it was closed by hand.
        return [
            Notice(
                "speed",
                "info",
                f"{model.info.model} segments about {_SLOW_FPS} pictures a second or fewer on the {model.info.device}. "
                "A smaller model or input size would be faster.",
                "choose model",
            )
        ]
    return []


def sentence(text: str) -> str:
    """What went wrong, as a sentence of its own: drivers and files tell it in the middle of one."""
    text = text.strip()
    if text.partition(" ")[0].isalpha():  # File names and the like stay as they are.
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
