"""What can be taken back: a bounded list of steps, and words for changes of how frames are drawn. No Qt."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from rgbd_seg.app.view.display import Display

MAX_STEPS = 50
_MERGE_S = 1.5  # A slider that is dragged is one step, not a hundred.
_NOT_BY_CHOICE = ("lit", "wipe")  # They follow the pointer.


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was done by hand.

    Attributes:
        text: What it was, such as "hide chair".
        undo: Takes it back.
        redo: Does it again.
        key: Steps in quick succession with the same key are one; "" for never.
    """

    text: str
    undo: Callable[[], None]
    redo: Callable[[], None]
    key: str = ""


class UndoHistory:
    """The steps so far; the oldest are forgotten, and a new one forgets those that were taken back."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        """Begins empty; the clock decides which steps are in quick succession."""
        self._clock_s = clock_s
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._last_s = 0.0

    def add(self, step: Step) -> None:
        now = self._clock_s()
        last = self._done[-1] if self._done else None
        if last and step.key and step.key == last.key and now - self._last_s < _MERGE_S and not self._undone:
            self._done[-1] = replace(step, undo=last.undo)
        else:
            self._done = [*self._done, step][-MAX_STEPS:]
        self._undone.clear()
        self._last_s = now

    def undo(self) -> Step | None:
        """Takes the newest step back and returns it, None if there is none."""
        if not self._done:
            return None
        step = self._done.pop()
        self._undone.append(step)
        step.undo()
        return step

    def redo(self) -> Step | None:
        """Does again what was taken back last and returns it, None if there is nothing."""
        if not self._undone:
            return None
        step = self._undone.pop()
        self._done.append(step)
        step.redo()
        return step

    @property
    def done(self) -> tuple[str, ...]:
        """What can be taken back, newest first."""
        return tuple(step.text for step in reversed(self._done))

    @property
    def undone(self) -> tuple[str, ...]:
        """What can be done again, next first."""
        return tuple(step.text for step in reversed(self._undone))


def differing(before: Display, after: Display) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields chosen by hand in which two displays differ: their values before and after."""
    names = [
        field.name
        for field in fields(before)
        if field.name not in _NOT_BY_CHOICE and getattr(before, field.name) != getattr(after, field.name)
    ]
    return {name: getattr(before, name) for name in names}, {name: getattr(after, name) for name in names}


def describe(before: Display, after: Display) -> str:
    """What was done, in words: "hide chair", "colour of table", "depth range"."""
    old, new = differing(before, after)
    if "solo" in new and new["solo"] is not None:
        return f"show {_plain(new['solo'])} alone"
    if "hidden" in new:
        changed = sorted(new["hidden"] ^ old["hidden"])
        if len(changed) == 1:
            return f"{'hide' if changed[0] in new['hidden'] else 'show'} {_plain(changed[0])}"
        return "show all classes" if not new["hidden"] else "hide classes"
    if "solo" in new:
        return "show all classes"
    if "colors" in new and "names" in new:
        return "load label set"
    for field, word in (("colors", "colour of"), ("names", "rename")):
        if field in new:
            names = sorted({*old[field], *new[field]})
            changed = [name for name in names if old[field].get(name) != new[field].get(name)]
            return f"{word} {_plain(changed[0])}" if len(changed) == 1 else f"{word} {len(changed)} classes"
    if "near_m" in new or "far_m" in new:
        return "depth range"
    words = {"opacity": "opacity", "edges": "edges", "depth_map": "depth colours", "palette": "class colours"}
    return ", ".join(words.get(name, name) for name in new)


def _plain(name: str) -> str:
    return name.replace("_", " ")
