"""One thread beside the window for what takes longer than a blink in label mode: reading, regions, tools, saving."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from rgbd_seg.errors import RgbdSegError

_log = logging.getLogger(__name__)

#: Urgency of work, the least first.
SAVE, SHOW, HOVER, BACKGROUND = range(4)


@dataclass(order=True, slots=True)
class _Task:
    urgency: int
    number: int
    kind: str = field(compare=False)
    work: Callable[[], Any] = field(compare=False)
    then: Callable[[Any], None] = field(compare=False)


class Tasks:
    """Does the most urgent work first. Of each kind only the newest that was asked for is done, except for saving."""

    def __init__(self, post: Callable[[Callable[[], None]], None], failed: Callable[[str, str], None]) -> None:
        """Starts the thread.

        Args:
            post: Runs a function on the window's thread.
            failed: Called there with the kind of work and a sentence that says why it failed.
        """
        self._post, self._failed = post, failed
        self._numbers = itertools.count()
        self._tasks: list[_Task] = []
        self._changed = threading.Condition()
        self._closing = False
        self._busy = False
        self._on_the_way = 0  # What was done, and was not told yet.
        self._thread = threading.Thread(target=self._run, name="rgbd-seg labelling", daemon=True)
        self._thread.start()

    def do(
        self,
        kind: str,
        work: Callable[[], Any],
        then: Callable[[Any], None] = lambda _found: None,
        urgency: int = SHOW,
    ) -> None:
        """Asks for work.

        Args:
            kind: Work of this kind that has not begun yet is forgotten, unless it saves something.
            work: Runs on the thread.
            then: Runs on the window's thread with what it returned, unless it failed.
            urgency: Which of several comes first.
        """
        with self._changed:
            if urgency != SAVE:
                self._forget(kind)
            self._tasks.append(_Task(urgency, next(self._numbers), kind, work, then))
            self._changed.notify()

    def cancel(self, kind: str) -> None:
        """Forgets work that has not begun."""
        with self._changed:
            self._forget(kind)

    @property
    def idle(self) -> bool:
        """Whether nothing is being done, waits, or is to be told."""
        with self._changed:
            return not self._tasks and not self._busy and not self._on_the_way

    def close(self, timeout_s: float) -> None:
        """Saves what waits to be saved, forgets the rest, and ends."""
        with self._changed:
            self._closing = True
            self._tasks = [task for task in self._tasks if task.urgency == SAVE]
            self._changed.notify()
        self._thread.join(timeout_s)

    def _forget(self, kind: str) -> None:
        self._tasks = [task for task in self._tasks if task.kind != kind or task.urgency == SAVE]

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                while not self._tasks:
                    if self._closing:
                        return
                    self._changed.wait()
                task = min(self._tasks)
                self._tasks.remove(task)
                self._busy = True
            try:
                found = task.work()
            except (RgbdSegError, OSError) as error:
                self._tell(partial(self._failed, task.kind, str(error)))
            except Exception as error:  # One tool that fails must not end the thread that saves.
                _log.exception("label mode could not %s", task.kind)
                why = f"{task.kind} failed: {error!r}. The log has more"
                self._tell(partial(self._failed, task.kind, why))
            else:
                self._tell(partial(task.then, found))

    def _tell(self, what: Callable[[], None]) -> None:
        """Runs something on the window's thread."""

        def told() -> None:
            try:
                what()
            finally:
                with self._changed:
                    self._on_the_way -= 1

        with self._changed:
            self._on_the_way += 1
        self._post(told)
